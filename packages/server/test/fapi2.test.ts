/** Clients of the security profile fapi2. FAPI 2.0 Security Profile, by its sections. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateThumbprint } from '@postern/guard/node';
import {
  createAuthority,
  createIdentity,
  createServerIdentity,
  type Identity,
  tlsFetch,
} from '@postern/testing/certificates';
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const algorithms = ['PS256', 'ES256', 'EdDSA'] as const;

let server: TestServer;
const keyPairs = new Map<string, GenerateKeyPairResult>();
let clientId: string;
let jwks: { keys: JWK[] };

beforeAll(async () => {
  server = await startTestServer();
  for (const alg of [...algorithms, 'RS256', 'ES384']) {
    keyPairs.set(alg, await generateKeyPair(alg, { extractable: true }));
  }
  jwks = {
    keys: await Promise.all(
      [...keyPairs].map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg })),
    ),
  };
  clientId = await register({ jwks });
});
afterAll(() => server.close());

const fapi2 = { security_profile: 'fapi2', token_endpoint_auth_method: 'private_key_jwt', scopes: ['scope:read'] };

async function register(body: Record<string, unknown>, target = server): Promise<string> {
  const answer = await target.call('POST', '/api/v1/oauth/client', {
    token: await target.rootToken(),
    body: { ...fapi2, ...body },
  });
  expect([answer.status, answer.body]).toEqual([200, { client_id: expect.any(String) }]);
  return answer.body.client_id;
}

const seconds = (target = server) => Math.floor(target.now() / 1000);

interface Request {
  readonly alg?: string;
  readonly claims?: Record<string, unknown>;
  readonly proofAlg?: string | undefined;
  readonly proofClaims?: Record<string, unknown>;
  readonly id?: string;
  readonly target?: TestServer;
  readonly form?: Record<string, string>;
}

const keyPairOf = (alg: string) => keyPairs.get(alg) as GenerateKeyPairResult;

/** A token request with an assertion and, unless `proofAlg` is undefined, a DPoP proof. */
async function ask(request: Request = {}) {
  const { alg = 'ES256', claims, proofClaims, id = clientId, target = server, form } = request;
  const proofAlg = 'proofAlg' in request ? request.proofAlg : 'ES256';
  const iat = seconds(target);
  const client_assertion = await new SignJWT({
    ...{ iss: id, sub: id, aud: target.url, jti: crypto.randomUUID(), iat, exp: iat + 60 },
    ...claims,
  })
    .setProtectedHeader({ alg, kid: alg })
    .sign(keyPairOf(alg).privateKey);
  const dpop =
    proofAlg &&
    (await new SignJWT({ jti: crypto.randomUUID(), htm: 'POST', htu: target.url + tokenPath, iat, ...proofClaims })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: proofAlg, jwk: await exportJWK(keyPairOf(proofAlg).publicKey) })
      .sign(keyPairOf(proofAlg).privateKey));
  const { status, body } = await target.postForm(
    tokenPath,
    {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
      ...form,
    },
    dpop === undefined ? {} : { dpop },
  );
  return { status, body };
}

async function expectContradiction(body: Record<string, unknown>, detail: RegExp) {
  const answer = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: { ...fapi2, ...body },
  });
  expect([answer.status, answer.body.error, answer.body.detail]).toEqual([
    422,
    'invalid_parameter',
    expect.stringMatching(detail),
  ]);
}

describe('FAPI 2.0 §5.3.2.1 (4, 5) only sender-constrained access tokens', () => {
  test('a DPoP proof binds the token, and without one there is none', async () => {
    const { status, body } = await ask();
    expect([status, body.token_type, claimsOf(body.access_token)['cnf']]).toEqual([
      200,
      'DPoP',
      { jkt: expect.any(String) },
    ]);
    const without = await ask({ proofAlg: undefined });
    expect([without.status, without.body.error]).toEqual([400, 'invalid_request']);
    expect(without.body.detail).toContain('a DPoP proof or a client certificate');
  });

  test('the same request of a client without the profile gets a plain token', async () => {
    const id = await register({ jwks, security_profile: null });
    expect((await ask({ id, proofAlg: undefined })).body.token_type).toBe('Bearer');
  });
});

describe('FAPI 2.0 §5.3.2.1 (6) only private_key_jwt and mutual TLS', () => {
  test.each([[null], ['client_secret_basic'], ['client_secret_post']])('%s contradicts the profile', async (method) => {
    await expectContradiction(
      { token_endpoint_auth_method: method, jwks },
      /^token_endpoint_auth_method: .*fapi2 requires/,
    );
  });

  test('a client cannot come to the profile, or leave its method, by a change', async () => {
    const token = await server.rootToken();
    const secret = await server.createClient({});
    const change = (id: string, body: object) =>
      server.call('PATCH', `/api/v1/oauth/client/${id}`, { token, body }).then(({ status }) => status);
    expect(await change(secret.clientId, { security_profile: 'fapi2' })).toBe(422);
    expect(await change(clientId, { token_endpoint_auth_method: null })).toBe(422);
    expect(await change(clientId, { name: 'the same' })).toBe(200);
  });

  test('an unknown profile is refused', async () => {
    await expectContradiction({ security_profile: 'fapi1', jwks }, /^security_profile: /);
  });

  describe('mutual TLS', () => {
    let directory: string;
    let authority: Identity;
    let tls: TestServer;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'postern-fapi2-'));
      authority = await createAuthority('Both');
      const { cert, key } = await createServerIdentity(authority);
      const files = {
        POSTERN_TLS_CERT_FILE: cert,
        POSTERN_TLS_KEY_FILE: key,
        POSTERN_TLS_CLIENT_CA_FILE: authority.cert,
      };
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(directory, name), content);
      }
      const env = Object.fromEntries(Object.keys(files).map((name) => [name, join(directory, name)]));
      tls = await startTestServer({ env, fetch: tlsFetch(authority) });
    });
    afterAll(async () => {
      await tls.close();
      rmSync(directory, { recursive: true });
    });

    test('(5) its certificate binds the token, without that the client must ask for it', async () => {
      const identity = await createIdentity({ subject: [{ CN: ['bank'] }], issuer: authority });
      const id = await register(
        { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=bank' },
        tls,
      );
      const response = await tlsFetch(authority, identity)(tls.url + tokenPath, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id }),
      });
      const { access_token } = (await response.json()) as { access_token: string };
      expect(claimsOf(access_token)['cnf']).toEqual({ 'x5t#S256': certificateThumbprint(identity.x509.raw) });
    });
  });
});

describe('FAPI 2.0 §5.3.2.1 (8) the issuer as a string is the only audience', () => {
  test.each([
    ['in an array', () => [server.url]],
    ['in an array with the token endpoint', () => [server.url, server.url + tokenPath]],
    ['the token endpoint', () => server.url + tokenPath],
    ['with a slash', () => `${server.url}/`],
  ])('refused: %s', async (_name, aud) => {
    const { status, body } = await ask({ claims: { aud: aud() } });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect(body.error_description).toContain(`its aud must be ${server.url} as a string, by the security_profile`);
    expect(body.error_description).not.toContain('token_endpoint_audience_allowed');
  });

  test('the opt-in for the token endpoint contradicts the profile', async () => {
    await expectContradiction({ jwks, token_endpoint_audience_allowed: true }, /^token_endpoint_audience_allowed: /);
  });
});

describe('FAPI 2.0 §5.3.2.1 (13) clocks that differ', () => {
  test.each(['iat', 'nbf'])('%s is accepted from 0 to 10 seconds ahead, and refused from 61', async (claim) => {
    for (const ahead of [0, 1, 10]) {
      const claims = { [claim]: seconds() + ahead };
      expect([ahead, (await ask({ claims, proofClaims: claims })).status]).toEqual([ahead, 200]);
    }
    for (const ahead of [61, 3_600]) {
      const claims = { [claim]: seconds() + ahead };
      expect((await ask({ claims: { ...claims, exp: seconds() + 3_600 } })).body.error).toBe('invalid_client');
      expect((await ask({ proofClaims: claims })).body.error).toBe('invalid_dpop_proof');
    }
  });
});

describe('FAPI 2.0 §5.4.1 algorithms and keys', () => {
  test.each(algorithms)('%s is accepted in assertions and proofs', async (alg) => {
    expect((await ask({ alg, proofAlg: alg })).status).toBe(200);
  });

  test('no other is, though a client without the profile may use it', async () => {
    const free = await register({ jwks, security_profile: null });
    for (const alg of ['RS256', 'ES384']) {
      const { status, body } = await ask({ alg });
      expect([alg, status, body.error]).toEqual([alg, 401, 'invalid_client']);
      expect((await ask({ alg, id: free })).status).toBe(200);
    }
    expect((await ask({ proofAlg: 'RS256' })).body.error).toBe('invalid_dpop_proof');
    expect((await ask({ proofAlg: 'RS256', id: free })).status).toBe(200);
  });

  test('nor in the proofs of calls to the APIs of the server, by a key that may sign by both', async () => {
    const free = await register({ jwks, security_profile: null });
    const { publicKey, privateKey } = keyPairOf('PS256');
    const call = async (id: string, alg: string) => {
      const { access_token } = (await ask({ id, proofAlg: 'PS256' })).body;
      const ath = createHash('sha256').update(access_token).digest('base64url');
      const htu = `${server.url}/api/v1/oauth/scope`;
      const dpop = await new SignJWT({ jti: crypto.randomUUID(), htm: 'GET', htu, iat: seconds(server), ath })
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk: await exportJWK(publicKey) })
        .sign(await importJWK(await exportJWK(privateKey), alg));
      const response = await fetch(htu, { headers: { authorization: `DPoP ${access_token}`, dpop } });
      return [response.status, ((await response.json()) as { error?: string }).error];
    };
    expect(await call(clientId, 'PS256')).toEqual([200, undefined]);
    expect(await call(clientId, 'RS256')).toEqual([401, 'invalid_dpop_proof']);
    expect(await call(free, 'RS256')).toEqual([200, undefined]);
  });

  test('RSA keys have 2048 bits or more, and keys are for algorithms of the profile', async () => {
    const jwkOf = (modulusLength: number) =>
      generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });
    await expectContradiction({ jwks: { keys: [jwkOf(2_047)] } }, /^jwks: .*2048 bits/);
    await register({ jwks: { keys: [jwkOf(2_048)] } });
    await expectContradiction({ jwks: { keys: [{ ...jwkOf(2_048), alg: 'RS256' }] } }, /^jwks: .*PS256, ES256, EdDSA/);
    await expectContradiction({ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] } }, /^jwks: /);
  });

  test('an access token that RS256 would sign is not issued', async () => {
    const token = await server.rootToken();
    const identifier = 'https://api.example.com';
    const saved = await server.call('PUT', '/api/v1/oauth/resource', {
      token,
      body: { key: 'old', identifier, scopes: ['scope:read'], signing_alg: 'RS256' },
    });
    expect(saved.status).toBe(200);
    const id = await register({ jwks, resources: [identifier] });
    const { status, body } = await ask({ id, form: { resource: identifier } });
    expect([status, body.error]).toEqual([400, 'invalid_target']);
    const free = await register({ jwks, resources: [identifier], security_profile: null });
    expect((await ask({ id: free, form: { resource: identifier } })).status).toBe(200);
  });
});
