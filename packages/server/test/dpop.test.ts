/** Tokens bound to a key by DPoP, at the token endpoint and at APIs. RFC 9449. */

import { createHash, randomUUID } from 'node:crypto';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const scopePath = '/api/v1/oauth/scope';

let server: TestServer;
let client: Credentials;
let keyPair: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.createClient({ scopes: ['scope:read'] });
  keyPair = await generateKeyPair('ES256', { extractable: true });
});
afterAll(() => server.close());

interface ProofOptions {
  readonly method?: string;
  readonly url?: string;
  readonly accessToken?: string;
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly keys?: typeof keyPair;
  readonly target?: TestServer;
}

async function proof(options: ProofOptions = {}): Promise<string> {
  const { method = 'POST', target = server, accessToken, claims, header, keys = keyPair } = options;
  const ath = accessToken === undefined ? {} : { ath: createHash('sha256').update(accessToken).digest('base64url') };
  return new SignJWT({
    jti: randomUUID(),
    htm: method,
    htu: options.url ?? target.url + tokenPath,
    iat: Math.floor(target.now() / 1000),
    ...ath,
    ...claims,
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(keys.publicKey), ...header })
    .sign(keys.privateKey);
}

const ask = (dpop: string, credentials = client, target = server) =>
  target.postForm(
    tokenPath,
    {
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
    },
    { dpop },
  );

async function call(headers: Record<string, string>, target = server) {
  const response = await fetch(target.url + scopePath, { headers });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), headers: response.headers };
}

const apiProof = (accessToken: string, over: ProofOptions = {}) =>
  proof({ method: 'GET', url: server.url + scopePath, accessToken, ...over });

describe('RFC 9449 §5 the token endpoint', () => {
  test('binds the token to the key of the proof', async () => {
    const { status, body } = await ask(await proof());
    expect([status, body.token_type]).toEqual([200, 'DPoP']);
    expect(claimsOf(body.access_token)['cnf']).toEqual({
      jkt: await calculateJwkThumbprint(await exportJWK(keyPair.publicKey)),
    });
  });

  test('§5.2 refuses a client that must bind its tokens and sends no proof', async () => {
    const bound = await server.createClient({ scopes: ['scope:read'], dpop_bound_access_tokens: true });
    await expect(server.token(bound)).rejects.toThrow(/invalid_dpop_proof/);
    expect((await ask(await proof(), bound)).body.token_type).toBe('DPoP');
  });

  test('§11.1 of fifty equal proofs in parallel exactly one passes', async () => {
    const dpop = await proof();
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(dpop)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_dpop_proof')).toHaveLength(49);
  });

  test('§4.3 refuses every proof that is not right', async () => {
    const now = Math.floor(server.now() / 1000);
    const privateJwk = await exportJWK(keyPair.privateKey);
    const other = await generateKeyPair('ES256');
    const rsa = await exportJWK((await generateKeyPair('RS256')).publicKey);
    const bad: [string, string][] = [
      ['no JWT', 'x'],
      ['two proofs', `${await proof()}, ${await proof()}`],
      ['another typ', await proof({ header: { typ: 'JWT' } })],
      ['a private key inside', await proof({ header: { jwk: privateJwk } })],
      ['a key of another kind inside', await proof({ header: { jwk: rsa } })],
      ['no key inside', await proof({ header: { jwk: undefined } })],
      ['another key inside', await proof({ header: { jwk: await exportJWK(other.publicKey) } })],
      ['another method', await proof({ method: 'GET' })],
      ['another URL', await proof({ url: `${server.url}/api/v1/oauth/other` })],
      ['no jti', await proof({ claims: { jti: undefined } })],
      ['a jti that is an array', await proof({ claims: { jti: ['a'] } })],
      ['no iat', await proof({ claims: { iat: undefined } })],
      ['an old iat', await proof({ claims: { iat: now - 61 } })],
      ['an iat in the future', await proof({ claims: { iat: now + 31 } })],
      ['an nbf in the future', await proof({ claims: { nbf: now + 31 } })],
      ['an nbf that is text', await proof({ claims: { nbf: 'now' } })],
      ['a nonce that is a number', await proof({ claims: { nonce: 5 } })],
    ];
    for (const [name, dpop] of bad) {
      const { status, body } = await ask(dpop);
      expect([name, status, body.error]).toEqual([name, 400, 'invalid_dpop_proof']);
    }
  });

  test('§4.3 takes a URL with query and a fragment for the same', async () => {
    expect((await ask(await proof({ url: `${server.url}${tokenPath}?a=b#c` }))).status).toBe(200);
  });
});

describe('RFC 9449 §7 APIs', () => {
  const boundToken = async () => (await ask(await proof())).body.access_token as string;

  test('§7.1 take a bound token with a proof of its key', async () => {
    const token = await boundToken();
    const { status } = await call({ authorization: `DPoP ${token}`, dpop: await apiProof(token) });
    expect(status).toBe(200);
  });

  test('§7.2 refuse a bound token as plain Bearer, and without a proof', async () => {
    const token = await boundToken();
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `DPoP ${token}` },
      { authorization: `Bearer ${token}`, dpop: await apiProof(token) },
    ]) {
      const { status, challenge } = await call(headers);
      expect(status).toBe(401);
      expect(challenge).toMatch(/^DPoP .*error="invalid_token".*algs="ES256 /);
    }
  });

  test('refuse a proof for another token, key, method or URL, and one that was used', async () => {
    const token = await boundToken();
    const used = await apiProof(token);
    expect((await call({ authorization: `DPoP ${token}`, dpop: used })).status).toBe(200);
    const keys = await generateKeyPair('ES256');
    for (const dpop of [
      used,
      await apiProof(await boundToken()),
      await apiProof(token, { keys }),
      await apiProof(token, { method: 'POST' }),
      await apiProof(token, { url: `${server.url}/api/v1/oauth/scopes` }),
      await apiProof(token, { claims: { ath: undefined } }),
    ]) {
      const { status, challenge } = await call({ authorization: `DPoP ${token}`, dpop });
      expect(status).toBe(401);
      expect(challenge).toMatch(/^DPoP /);
    }
  });

  test('refuse an unbound token under the DPoP scheme', async () => {
    const token = await server.token(client);
    expect((await call({ authorization: `DPoP ${token}`, dpop: await apiProof(token) })).status).toBe(401);
  });
});

describe('RFC 9449 §11.1 a proof is recorded only if nothing else is wrong', () => {
  const recorded = async () => (await server.rows('used_tokens')).length;

  /** A client that was stopped in this way, and a token of its own that was bound before. */
  async function stopped(stop: (path: string, token: string) => Promise<unknown>) {
    const credentials = await server.createClient({ scopes: ['scope:read'] });
    const { access_token } = (await ask(await proof(), credentials)).body;
    await stop(`/api/v1/oauth/client/${credentials.clientId}`, await server.rootToken());
    return access_token as string;
  }

  test.each<[string, number, () => Promise<string>]>([
    [
      'no scope',
      403,
      async () => (await ask(await proof(), await server.createClient({ scopes: ['policy:read'] }))).body.access_token,
    ],
    ['a deleted client', 401, () => stopped((path, token) => server.call('DELETE', path, { token }))],
    [
      'a disabled client',
      401,
      () => stopped((path, token) => server.call('PATCH', path, { token, body: { enabled: false } })),
    ],
    ['a revoked generation', 401, () => stopped((path, token) => server.call('POST', `${path}/revoke`, { token }))],
  ])('not with a token of %s', async (_name, expected, issue) => {
    const token = await issue();
    const before = await recorded();
    for (let index = 0; index < 10; index += 1) {
      const { status } = await call({ authorization: `DPoP ${token}`, dpop: await apiProof(token) });
      expect(status).toBe(expected);
    }
    expect(await recorded()).toBe(before);
  });

  test.each<[string, Record<string, string>, string]>([
    ['a scope that the client lacks', { scope: 'policy:delete' }, 'invalid_scope'],
    ['a resource that the client may not ask for', { resource: 'https://no.example' }, 'invalid_target'],
    ['malformed authorization details', { authorization_details: '{' }, 'invalid_authorization_details'],
    [
      'a grant that it may not use',
      { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' },
      'unauthorized_client',
    ],
  ])('not for a token request with %s, and it can be used for another', async (_name, over, error) => {
    const before = await recorded();
    const form = {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
    };
    const dpop = await proof();
    const refused = await server.postForm(tokenPath, { ...form, ...over }, { dpop });
    expect([refused.body.error, await recorded()]).toEqual([error, before]);
    expect((await server.postForm(tokenPath, form, { dpop })).status).toBe(200);
    expect(await recorded()).toBe(before + 1);
  });
});

describe('RFC 9449 §8 and §9 nonces of the server', () => {
  test('are asked for, given out, and taken for a while', async () => {
    const strict = await startTestServer({ env: { POSTERN_DPOP_NONCES: 'required' } });
    try {
      const credentials = await strict.createClient({ scopes: ['scope:read'] });
      const first = await ask(await proof({ target: strict }), credentials, strict);
      expect([first.status, first.body.error]).toEqual([400, 'use_dpop_nonce']);
      const nonce = first.headers.get('dpop-nonce') ?? '';
      const second = await ask(await proof({ target: strict, claims: { nonce } }), credentials, strict);
      expect(second.status).toBe(200);

      const token = second.body.access_token;
      const at = (claims: Record<string, unknown>) =>
        proof({ target: strict, method: 'GET', url: strict.url + scopePath, accessToken: token, claims });
      const refused = await call({ authorization: `DPoP ${token}`, dpop: await at({}) }, strict);
      expect([refused.status, refused.challenge]).toEqual([401, expect.stringContaining('error="use_dpop_nonce"')]);
      const apiNonce = refused.headers.get('dpop-nonce') ?? '';
      const passed = await call({ authorization: `DPoP ${token}`, dpop: await at({ nonce: apiNonce }) }, strict);
      expect(passed.status).toBe(200);

      await strict.advance(301);
      const old = await ask(await proof({ target: strict, claims: { nonce } }), credentials, strict);
      expect(old.body.error).toBe('use_dpop_nonce');
    } finally {
      await strict.close();
    }
  });
});
