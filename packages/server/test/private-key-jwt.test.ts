/** Client authentication by a signed JWT. RFC 7523 §2.2 and §3, and what goes wrong with it in the wild. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let server: TestServer;
let clientId: string;
let keyPair: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  server = await startTestServer();
  keyPair = await generateKeyPair('ES256');
  const { body } = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: {
      scopes: ['policy:read'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(keyPair.publicKey)), kid: 'one' }] },
    },
  });
  expect(body).toEqual({ client_id: expect.any(String) });
  clientId = body.client_id;
});
afterAll(() => server.close());

const nowSeconds = () => Math.floor(server.now() / 1000);
let count = 0;
const claims = (over: Record<string, unknown> = {}): JWTPayload => {
  count += 1;
  return {
    iss: clientId,
    sub: clientId,
    aud: server.url,
    jti: `id-${count}`,
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
    ...over,
  };
};
const sign = (payload: JWTPayload, header: Record<string, unknown> = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(keyPair.privateKey);
const ask = (assertion: string, over: Record<string, string> = {}) =>
  server.postForm(tokenPath, {
    grant_type: 'client_credentials',
    client_assertion_type: assertionType,
    client_assertion: assertion,
    ...over,
  });

test('RFC 7523 §2.2 a signed assertion authenticates its client', async () => {
  const { status, body } = await ask(await sign(claims()));
  expect([status, body.scope]).toEqual([200, 'policy:read']);
  expect((await ask(await sign(claims()), { client_id: clientId })).status).toBe(200);
  expect((await ask(await sign(claims({ aud: [server.url] })))).status).toBe(200);
});

describe('RFC 7523 §3 an assertion is refused with invalid_client', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['iss is another', { iss: 'somebody' }],
    ['sub is another', { sub: 'somebody' }],
    ['aud is the token endpoint without the opt-in', { aud: 'TOKEN_ENDPOINT' }],
    ['aud is another server', { aud: 'https://other.example' }],
    ['aud names another server too', { aud: ['ISSUER', 'https://other.example'] }],
    ['aud is missing', { aud: undefined }],
    ['jti is missing', { jti: undefined }],
    ['jti is an object', { jti: {} }],
    ['exp is missing', { exp: undefined }],
    ['exp is past', { exp: -60 }],
    ['exp is far', { exp: 86_400 }],
    ['exp is text', { exp: 'soon' }],
    ['iat is in the future', { iat: 120 }],
    ['nbf is in the future', { nbf: 120 }],
  ];
  test.each(cases)('%s', async (_name, over) => {
    const real = Object.fromEntries(
      Object.entries(over).map(([name, value]) => [
        name,
        typeof value === 'number'
          ? nowSeconds() + value
          : (JSON.parse(
              (JSON.stringify(value) ?? 'null')
                .replace('TOKEN_ENDPOINT', server.url + tokenPath)
                .replace('ISSUER', server.url),
            ) ?? undefined),
      ]),
    );
    const { status, body } = await ask(await sign(claims(real)));
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  describe('for another audience', () => {
    // Its failures count for itself.
    let own: string;
    beforeAll(async () => {
      const { body } = await server.call('POST', '/api/v1/oauth/client', {
        token: await server.rootToken(),
        body: {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [{ ...(await exportJWK(keyPair.publicKey)), kid: 'one' }] },
        },
      });
      own = body.client_id;
    });
    const textFor = async (aud: unknown, over: Record<string, unknown> = {}) =>
      (await ask(await sign(claims({ iss: own, sub: own, aud, ...over })))).body.error_description as string;
    const generic = /^Client authentication failed: /;

    test.each<[string, () => unknown, () => string]>([
      ['the token endpoint', () => server.url + tokenPath, () => `the aud ${server.url}${tokenPath};`],
      ['the issuer with a slash', () => `${server.url}/`, () => `the aud ${server.url}/;`],
      ['another endpoint', () => `${server.url}/api/v1/oauth/introspect`, () => '/api/v1/oauth/introspect;'],
      ['another server', () => 'https://other.example', () => 'the aud https://other.example;'],
      ['in an array', () => [server.url + tokenPath], () => `the aud ${server.url}${tokenPath};`],
      ['a name', () => 'urn:example:server', () => 'the aud urn:example:server;'],
      ['several', () => [server.url, 'https://other.example'], () => 'no aud, or several;'],
      ['none', () => undefined, () => 'no aud, or several;'],
    ])('the answer to its client says which was sent, which is due, and the setting: %s', async (_name, aud, sent) => {
      const text = await textFor(aud());
      expect(text).toMatch(/^The client assertion has /);
      expect(text).toContain(sent());
      expect(text).toContain(`its only aud must be ${server.url}, `);
      expect(text).toContain('token_endpoint_audience_allowed');
      expect(text).toContain(server.url + tokenPath);
    });

    test.each<[string, string]>([
      ['a password in a URL', 'https://user:hunter2@other.example/token'],
      ['a key in a path', 'https://other.example/hooks/q8ZkW3vXr5T9bYm2Lc7Jd4Nf'],
      ['a query', 'https://other.example/?key=hunter2'],
      ['a secret', 'q8ZkW3vXr5T9bYm2Lc7Jd4Nf'],
      ['quotes and line ends', 'x"\\\r\nhunter2'],
      ['something endless', `https://${'hunter2.'.repeat(500)}example`],
    ])('the answer repeats nothing unsafe: %s', async (_name, aud) => {
      const text = await textFor(aud);
      expect(text).toMatch(/\(not shown\); its only aud must be/);
      expect(text).not.toMatch(/hunter2|q8Zk|["\\\r\n]/);
      expect(text.length).toBeLessThan(500);
    });

    test('nobody else learns it: another key, an unknown client, a disabled client', async () => {
      const aud = server.url + tokenPath;
      const { privateKey } = await generateKeyPair('ES256');
      const forged = await new SignJWT(claims({ iss: own, sub: own, aud }))
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(privateKey);
      expect((await ask(forged)).body.error_description).toMatch(generic);
      expect(await textFor(aud, { iss: 'nobody', sub: 'nobody' })).toMatch(generic);
      const setEnabled = async (enabled: boolean) =>
        server.call('PATCH', `/api/v1/oauth/client/${own}`, {
          token: await server.rootToken(),
          body: { enabled },
        });
      await setEnabled(false);
      expect(await textFor(aud)).toMatch(generic);
      await setEnabled(true);
      expect(await textFor(aud)).not.toMatch(generic);
    });

    test('also at the other endpoints that authenticate clients', async () => {
      const client_assertion = await sign(claims({ iss: own, sub: own, aud: server.url + tokenPath }));
      for (const path of ['introspect', 'revoke']) {
        const form = { token: 'x', client_assertion_type: assertionType, client_assertion };
        const { status, body } = await server.postForm(`/api/v1/oauth/${path}`, form);
        expect([status, body.error]).toEqual([401, 'invalid_client']);
        expect(body.error_description).toContain('token_endpoint_audience_allowed');
      }
    });
  });

  test('it is signed with a key that is not the client’s', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const forged = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey);
    expect((await ask(forged)).status).toBe(401);
    const unknownKid = await sign(claims(), { kid: 'two' });
    expect((await ask(unknownKid)).status).toBe(401);
  });

  test('it is not signed, or with the public key as an HMAC secret', async () => {
    const jwk = await exportJWK(keyPair.publicKey);
    const secret = new TextEncoder().encode(JSON.stringify(jwk));
    const hmac = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
    const plain = new UnsecuredJWT(claims()).encode();
    for (const bad of [hmac, plain, plain.replace(/^[^.]+/, Buffer.from('{"alg":"NoNe"}').toString('base64url'))]) {
      expect((await ask(bad)).body.error).toBe('invalid_client');
    }
  });

  test('its header names keys, unknown extensions or another type', async () => {
    const own = await exportJWK(keyPair.publicKey);
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const self = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk }).sign(privateKey);
    const headers = [{ typ: 'at+jwt' }, { typ: 'dpop+jwt', jwk: own }, { jku: 'https://evil.example/jwks' }];
    expect((await ask(self)).status).toBe(401);
    for (const header of headers.slice(0, 2)) {
      expect((await ask(await sign(claims(), header))).status).toBe(401);
    }
    const crit = (await sign(claims())).replace(
      /^[^.]+/,
      Buffer.from('{"alg":"ES256","kid":"one","crit":["x"],"x":1}').toString('base64url'),
    );
    expect((await ask(crit)).status).toBe(401);
    // An address of keys in the header is not followed; the registered key still decides.
    expect((await ask(await sign(claims(), headers[2]))).status).toBe(200);
  });

  test('its text is malleable: padding, white space, other bits', async () => {
    const good = await sign(claims());
    for (const bad of [`${good}=`, `${good} `, good.replace('.', '. '), `${good}.`, `.${good}`, '.'.repeat(16_000)]) {
      expect([400, 401]).toContain((await ask(bad)).status);
    }
    expect((await ask(good)).status).toBe(200);
  });
});

describe('RFC 7523 §3 an assertion is used once', () => {
  test('of fifty equal ones in parallel exactly one passes', async () => {
    const assertion = await sign(claims());
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49);
  });

  test('and not used up by a request that is refused for another reason, which writes nothing', async () => {
    const recorded = async () => (await server.rows('used_tokens')).length;
    const before = await recorded();
    const assertion = await sign(claims());
    expect((await ask(assertion, { scope: 'policy:delete' })).body.error).toBe('invalid_scope');
    expect(await recorded()).toBe(before);
    expect([(await ask(assertion)).status, (await ask(assertion)).status]).toEqual([200, 401]);
    expect(await recorded()).toBe(before + 1);
  });

  test('the same id in another text is the same assertion', async () => {
    const payload = claims();
    expect((await ask(await sign(payload))).status).toBe(200);
    expect((await ask(await sign(payload))).status).toBe(401);
  });

  test('also after a restart, until it has expired', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'postern-assertions-'));
    const first = await startTestServer({ dataDir });
    const created = await first.call('POST', '/api/v1/oauth/client', {
      token: await first.rootToken(),
      body: {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [await exportJWK(keyPair.publicKey)] },
      },
    });
    const id = created.body.client_id;
    const post = async (target: TestServer, aud: string) =>
      (
        await target.postForm(tokenPath, {
          grant_type: 'client_credentials',
          client_assertion_type: assertionType,
          client_assertion: await new SignJWT({ ...claims(), iss: id, sub: id, aud, jti: 'over the restart' })
            .setProtectedHeader({ alg: 'ES256' })
            .sign(keyPair.privateKey),
        })
      ).status;
    expect(await post(first, first.url)).toBe(200);
    await first.close();
    const second = await startTestServer({ dataDir });
    expect(await post(second, second.url)).toBe(401);
    await second.close();
    rmSync(dataDir, { recursive: true });
  });
});

describe('a client is registered for its method, and no other works', () => {
  test('a client of private_key_jwt has no secret, and one of secrets takes no assertion', async () => {
    const withSecret = await server.createClient({ token_endpoint_auth_method: 'client_secret_post' });
    const basic = Buffer.from(`${withSecret.clientId}:${withSecret.clientSecret}`).toString('base64');
    const byBasic = await server.postForm(
      tokenPath,
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${basic}` },
    );
    expect(byBasic.status).toBe(401);
    expect(await server.token(withSecret)).toEqual(expect.any(String));
    const id = withSecret.clientId;
    expect((await ask(await sign(claims({ iss: id, sub: id })))).status).toBe(401);
  });

  test('client_secret_jwt is not offered', async () => {
    const { status, body } = await server.call('POST', '/api/v1/oauth/client', {
      token: await server.rootToken(),
      body: { token_endpoint_auth_method: 'client_secret_jwt' },
    });
    expect([status, body.detail]).toEqual([422, expect.stringContaining('private_key_jwt')]);
  });

  test('the URL of the token endpoint is an audience for whom it is allowed', async () => {
    const token = await server.rootToken();
    const { body } = await server.call('POST', '/api/v1/oauth/client', {
      token,
      body: {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_audience_allowed: true,
        jwks: { keys: [{ ...(await exportJWK(keyPair.publicKey)), kid: 'one' }] },
      },
    });
    const own = { iss: body.client_id, sub: body.client_id };
    expect((await ask(await sign(claims({ ...own, aud: server.url + tokenPath })))).status).toBe(200);
    expect((await ask(await sign(claims({ ...own, aud: [server.url + tokenPath, server.url] })))).status).toBe(401);
  });

  test.each([
    ['without keys', {}],
    ['with keys in two places', { jwks: 'KEYS', jwks_uri: 'https://keys.example/jwks' }],
    ['with keys over http', { jwks_uri: 'http://keys.example/jwks' }],
    ['with a private key', { jwks: 'PRIVATE' }],
    ['with an empty set of keys', { jwks: { keys: [] } }],
  ])('a client %s cannot be made', async (_name, over) => {
    const keys = { keys: [await exportJWK(keyPair.publicKey)] };
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const values: Record<string, unknown> = { KEYS: keys, PRIVATE: { keys: [await exportJWK(privateKey)] } };
    const { status, body } = await server.call('POST', '/api/v1/oauth/client', {
      token: await server.rootToken(),
      body: {
        token_endpoint_auth_method: 'private_key_jwt',
        ...Object.fromEntries(Object.entries(over).map(([k, v]) => [k, typeof v === 'string' ? (values[v] ?? v) : v])),
      },
    });
    expect([status, body.error]).toEqual([422, 'invalid_parameter']);
  });
});

describe('RFC 7521 §3 a client signs the assertion of the jwt-bearer grant itself, as service accounts do', () => {
  const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  let signer: string;
  const own = (over: Record<string, unknown> = {}) => claims({ iss: signer, sub: signer, ...over });
  const askBy = (assertion: string, over: Record<string, string> = {}) =>
    server.postForm(tokenPath, { grant_type: jwtBearer, assertion, ...over });
  const createSigner = async (over: object = {}): Promise<string> => {
    const { body } = await server.call('POST', '/api/v1/oauth/client', {
      token: await server.rootToken(),
      body: {
        scopes: ['policy:read', 'rule:read'],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(keyPair.publicKey)), kid: 'one' }] },
        grant_types: [jwtBearer, 'client_credentials'],
        ...over,
      },
    });
    return body.client_id;
  };
  /** Refused with the text that does not tell why; the log has the reason. */
  const expectRejected = async (assertion: string, reason: string, over: Record<string, string> = {}) => {
    const { status, body } = await askBy(assertion, over);
    expect([reason, status, body.error]).toEqual([reason, 400, 'invalid_grant']);
    expect(body.error_description).toMatch(/^The assertion is not accepted: /);
    expect(server.log.findLast((line) => line.includes('invalid_grant'))).toContain(`"reason":"${reason}"`);
  };

  beforeAll(async () => {
    signer = await createSigner();
  });

  test('and gets what it gets by client credentials', async () => {
    const { status, body } = await askBy(await sign(own()));
    expect([status, body.token_type, body.scope]).toEqual([200, 'Bearer', 'policy:read rule:read']);
    const byCredentials = await ask(await sign(own()));
    const comparable = (token: string) => ({ ...claimsOf(token), jti: '', iat: 0, exp: 0 });
    expect(comparable(body.access_token)).toEqual(comparable(byCredentials.body.access_token));
    expect((await askBy(await sign(own()), { client_id: signer, scope: 'rule:read' })).body.scope).toBe('rule:read');
    await expectRejected(await sign(own()), 'client_unknown', { client_id: clientId });
  });

  test('once, with a jti or without one, and not once more to authenticate', async () => {
    const withJti = await sign(own());
    expect((await askBy(withJti)).status).toBe(200);
    await expectRejected(withJti, 'token_replayed');
    expect((await ask(withJti)).body.error).toBe('invalid_client');
    const withoutJti = own({ jti: undefined, nonce: 'a' });
    const [first, second] = [await sign(withoutJti), await sign(withoutJti)];
    expect(first).not.toBe(second);
    expect((await askBy(first)).status).toBe(200);
    await expectRejected(second, 'token_replayed');
    expect((await ask(await sign(own({ jti: undefined })))).body.error).toBe('invalid_client');
  });

  test('with the scopes that it wants in it, as the libraries of Google put them there', async () => {
    expect((await askBy(await sign(own({ scope: 'rule:read' })))).body.scope).toBe('rule:read');
    const narrowed = await sign(own({ scope: 'rule:read' }));
    expect((await askBy(narrowed, { scope: 'policy:read' })).body.error).toBe('invalid_scope');
    for (const scope of ['client:create', 'unknown:scope', 'a  b']) {
      expect((await askBy(await sign(own({ scope })))).body.error).toBe('invalid_scope');
    }
    expect((await askBy(await sign(own({ scope: ['rule:read'] })))).body.error).toBe('invalid_grant');
  });

  test('for the issuer, or for the token endpoint if that is allowed to the client', async () => {
    const aud = server.url + tokenPath;
    const refused = await askBy(await sign(own({ aud })));
    expect([refused.body.error, refused.body.error_description]).toEqual([
      'invalid_grant',
      expect.stringContaining('token_endpoint_audience_allowed'),
    ]);
    const allowed = await createSigner({ token_endpoint_audience_allowed: true });
    expect((await askBy(await sign(own({ iss: allowed, sub: allowed, aud })))).status).toBe(200);
    const elsewhere = await askBy(await sign(own({ aud: 'https://elsewhere.example' })));
    expect(elsewhere.body.error_description).toContain(`its only aud must be ${server.url}`);
  });

  test.each<[string, () => Record<string, unknown>]>([
    ['has expired', () => ({ exp: nowSeconds() - 60 })],
    ['is not valid yet', () => ({ nbf: nowSeconds() + 120 })],
    ['must expire within 3600 seconds', () => ({ exp: nowSeconds() + 7_200 })],
    ['must have a sub', () => ({ sub: undefined })],
  ])('not if it %s', async (text, over) => {
    const { status, body } = await askBy(await sign(own(over())));
    expect([status, body.error, body.error_description]).toEqual([400, 'invalid_grant', expect.stringContaining(text)]);
  });

  test('not by another key, method, grant or type, nor if the client is disabled or there is none', async () => {
    const strange = await generateKeyPair('ES256');
    const stranger = new SignJWT(own()).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(strange.privateKey);
    await expectRejected(await stranger, 'signature_wrong');
    await expectRejected(await sign(own({ iss: 'nobody', sub: 'nobody' })), 'client_unknown');
    await expectRejected(await sign(own({ iss: clientId, sub: clientId })), 'method_not_registered');
    await expectRejected(
      await sign(own({ iss: server.root.clientId, sub: server.root.clientId })),
      'method_not_registered',
    );
    const bySecret = await createSigner({ token_endpoint_auth_method: 'client_secret_post' });
    await expectRejected(await sign(own({ iss: bySecret, sub: bySecret })), 'method_not_registered');
    for (const typ of ['client-authentication+jwt', 'at+jwt', 'dpop+jwt', 'token-introspection+jwt']) {
      expect((await askBy(await sign(own(), { typ }))).body.error).toBe('invalid_grant');
    }
    const disabled = await createSigner({ enabled: false });
    await expectRejected(await sign(own({ iss: disabled, sub: disabled })), 'client_disabled');
    const elsewhere = { iss: disabled, sub: disabled, aud: 'https://elsewhere.example' };
    await expectRejected(await sign(own(elsewhere)), 'audience_wrong');
  });

  test('and a client of a security profile authenticates in addition', async () => {
    const strict = await createSigner({ security_profile: 'fapi2', dpop_bound_access_tokens: true });
    const { status, body } = await askBy(await sign(own({ iss: strict, sub: strict })));
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });
});
