/** Client policies hold for every write of a client and for all that is issued, also to clients from before the policy. */
import { allowLocalFetches } from '@postern/testing/document-server';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const clientPath = '/api/v1/oauth/client';
const policyPath = '/api/v1/oauth/client-policy';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token', ...allowLocalFetches } });
});
afterEach(() => server.close());

const asRoot = async (method: string, path: string, body?: unknown) =>
  server.call(method, path, { token: await server.rootToken(), body });
const setPolicy = async (policy: object) => {
  const answer = await asRoot('PUT', policyPath, { name: 'policy', ...policy });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
};
const create = (body: object) => asRoot('POST', clientPath, body);
const change = ({ clientId }: Credentials, body: object) => asRoot('PATCH', `${clientPath}/${clientId}`, body);
const ask = ({ clientId, clientSecret }: Credentials, form: object = {}, headers: Record<string, string> = {}) =>
  server.postForm(
    '/api/v1/oauth/token',
    { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, ...form },
    headers,
  );
const publicKey = async (alg: string, modulusLength = 2_048): Promise<JWK> => {
  const { publicKey: key } = await generateKeyPair(alg, { extractable: true, modulusLength });
  return { ...(await exportJWK(key)), alg };
};
const keysOf = (...keys: JWK[]) => ({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } });

describe('a policy is managed', () => {
  test('by PUT, GET and DELETE, and has its events', async () => {
    const body = { name: 'payments', scope: 'policy:read', max_access_token_ttl_seconds: 300, signing_algs: ['ES256'] };
    const saved = await asRoot('PUT', policyPath, body);
    expect(saved.body).toMatchObject({ ...body, min_rsa_bits: null, sender_constraint: null });
    expect((await asRoot('GET', `${policyPath}/payments`)).body).toEqual(saved.body);
    expect((await asRoot('GET', policyPath)).body.items).toEqual([saved.body]);
    expect((await asRoot('DELETE', `${policyPath}/payments`)).status).toBe(204);
    expect((await asRoot('DELETE', `${policyPath}/payments`)).status).toBe(404);
    expect((await server.eventsAbout('payments')).map(({ kind }) => kind)).toEqual([
      'client_policy.saved',
      'client_policy.deleted',
    ]);
  });

  test.each<[string, object, object]>([
    ['sender_constraint', { sender_constraint: 'dpop' }, { sender_constraint: 'tls_client_certificate' }],
    ['signing_algs', { signing_algs: ['ES256'] }, { signing_algs: ['RS256', 'PS256'] }],
    [
      'token_endpoint_auth_methods',
      { token_endpoint_auth_methods: ['private_key_jwt'] },
      { token_endpoint_auth_methods: ['tls_client_auth'] },
    ],
  ])('two whose %s no client could meet at once are refused for the same clients', async (member, one, other) => {
    const save = (name: string, scope: string | null, body: object) =>
      asRoot('PUT', policyPath, { name, scope, ...body });
    expect((await save('reading', 'policy:read', one)).status).toBe(200);
    expect((await save('writing', 'policy:create_or_update', other)).status).toBe(200);
    for (const scope of ['policy:read', null]) {
      const { status, body } = await save('other', scope, other);
      expect([status, body.detail]).toEqual([409, expect.stringContaining(`${member}: no client could meet`)]);
    }
    expect((await save('reading', 'policy:read', other)).status).toBe(200);
  });

  test.each([
    { scope: 'no:such' },
    { max_access_token_ttl_seconds: 31_536_001 },
    { signing_algs: ['HS256'] },
    { sender_constraint: 'cookie' },
    { other: 1 },
  ])('%o is 422', async (policy) => {
    expect((await asRoot('PUT', policyPath, { name: 'policy', ...policy })).status).toBe(422);
  });
});

describe('every write', () => {
  test.each<[string, object, object, () => object | Promise<object>]>([
    [
      'access_token_ttl_seconds',
      { max_access_token_ttl_seconds: 300 },
      { access_token_ttl_seconds: 300 },
      () => ({ access_token_ttl_seconds: 301 }),
    ],
    [
      'token_endpoint_auth_method',
      { token_endpoint_auth_methods: ['client_secret_basic'] },
      { token_endpoint_auth_method: 'client_secret_basic' },
      () => ({ token_endpoint_auth_method: 'client_secret_post' }),
    ],
    ['jwks', { min_rsa_bits: 3_072 }, {}, async () => keysOf(await publicKey('PS256'))],
    ['jwks', { min_ec_bits: 384 }, {}, async () => keysOf(await publicKey('ES256'))],
    ['jwks', { signing_algs: ['ES256'] }, {}, async () => keysOf(await publicKey('PS256'))],
    [
      'tls_client_certificate_bound_access_tokens',
      { sender_constraint: 'dpop' },
      {},
      () => ({ tls_client_certificate_bound_access_tokens: true }),
    ],
  ])(
    '%s is refused by %o when a client is created, changed, in a batch and registered',
    async (member, policy, good, bad) => {
      const wrong = await bad();
      await setPolicy(policy);
      const { body } = await create(good);
      const client = { clientId: body.client_id, clientSecret: body.client_secret };
      const refused = { status: 422, body: { error: 'invalid_parameter', detail: expect.stringContaining(member) } };
      expect(await create(wrong)).toMatchObject(refused);
      expect(await change(client, wrong)).toMatchObject(refused);
      expect((await change(client, wrong)).body.detail).toContain('client policy policy');
      const batch = await asRoot('POST', '/api/v1/batch', {
        operations: [{ method: 'POST', path: clientPath, body: wrong }],
      });
      expect(JSON.stringify(batch.body)).toContain(`${member}:`);
      expect((await change(client, { name: 'other' })).status).toBe(200);

      // Registration ignores the other two members. RFC 7591 §2.
      if (member === 'jwks' || member === 'token_endpoint_auth_method') {
        const initial = (await asRoot('POST', '/api/v1/oauth/initial-access-token', { scopes: [] })).body;
        const registered = await server.call('POST', '/api/v1/oauth/register', {
          token: initial.initial_access_token,
          body: wrong,
        });
        expect([registered.status, registered.body.error]).toEqual([400, 'invalid_client_metadata']);
      }
    },
  );

  test('a policy for a scope is for the clients that hold it, and applies when one gets it', async () => {
    await setPolicy({ scope: 'policy:delete', max_access_token_ttl_seconds: 300 });
    const client = await server.createClient({ scopes: ['policy:read'], access_token_ttl_seconds: 3_600 });
    expect((await change(client, { scopes: ['policy:delete'] })).status).toBe(422);
    expect((await change(client, { scopes: ['policy:delete'], access_token_ttl_seconds: 300 })).status).toBe(200);
  });

  test('a client that does not meet a newer policy can be disabled, and not enabled as it is', async () => {
    const client = await server.createClient({ access_token_ttl_seconds: 3_600 });
    await setPolicy({ max_access_token_ttl_seconds: 300 });
    expect((await change(client, { name: 'x' })).status).toBe(422);
    expect((await change(client, { enabled: false })).status).toBe(200);
    expect((await change(client, { enabled: true })).status).toBe(422);
    expect((await change(client, { enabled: true, access_token_ttl_seconds: 60 })).status).toBe(200);
  });

  test('secrets end by default, and none lives longer', async () => {
    await setPolicy({ max_secret_ttl_seconds: 86_400 });
    const client = await server.createClient({ scopes: ['policy:read'] });
    const secrets = `${clientPath}/${client.clientId}/secret`;
    const lives = async () =>
      (await asRoot('GET', secrets)).body.items.map(
        ({ created_at, expires_at }: Record<string, string>) =>
          (Date.parse(expires_at ?? '') - Date.parse(created_at ?? '')) / 1000,
      );
    expect(await lives()).toEqual([86_400]);
    expect((await asRoot('POST', secrets, { expires_in_seconds: 86_401 })).status).toBe(422);
    expect((await asRoot('POST', secrets, {})).status).toBe(200);
    expect((await asRoot('POST', secrets, { expires_in_seconds: 60 })).status).toBe(200);
    expect((await lives()).toSorted()).toEqual([60, 86_400, 86_400]);
    const initial = (await asRoot('POST', '/api/v1/oauth/initial-access-token', { scopes: [] })).body;
    const registered = await server.call('POST', '/api/v1/oauth/register', {
      token: initial.initial_access_token,
      body: {},
    });
    const [{ expires_at }] = (await asRoot('GET', `${clientPath}/${registered.body.client_id}/secret`)).body.items;
    expect(expires_at).toBe(new Date(server.now() + 86_400_000).toISOString());
    // RFC 7591 §3.2.1: 0 would be never.
    expect(registered.body.client_secret_expires_at).toBe(Math.floor(server.now() / 1000) + 86_400);
  });
});

describe('at issuance, to clients from before the policy', () => {
  test('tokens live no longer, and root is no subject', async () => {
    const own = await server.createClient({ scopes: ['policy:read'], access_token_ttl_seconds: 3_600 });
    const byDefault = await server.createClient({ scopes: ['policy:read'] });
    await ask(own);
    await setPolicy({ max_access_token_ttl_seconds: 300 });
    for (const client of [own, byDefault]) {
      const { body } = await ask(client);
      const { iat, exp } = claimsOf(body.access_token) as { iat: number; exp: number };
      expect([body.expires_in, exp - iat]).toEqual([300, 300]);
    }
    const { iat, exp } = claimsOf(await server.rootToken()) as { iat: number; exp: number };
    expect(exp - iat).toBe(691_200);
    await asRoot('DELETE', `${policyPath}/policy`);
    expect((await ask(own)).body.expires_in).toBe(3_600);
  });

  test('an old secret is refused, and a method that is not allowed', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    await setPolicy({ max_secret_ttl_seconds: 3_600 });
    expect((await ask(client)).status).toBe(200);
    await server.advance(3_600);
    expect((await ask(client)).body.error).toBe('invalid_client');
    await asRoot('DELETE', `${policyPath}/policy`);
    expect((await ask(client)).status).toBe(200);
    await setPolicy({ token_endpoint_auth_methods: ['client_secret_basic', 'private_key_jwt'] });
    expect((await ask(client)).body.error).toBe('invalid_client');
    const { clientId, clientSecret } = client;
    const basic = await server.postForm(
      '/api/v1/oauth/token',
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    );
    expect(basic.status).toBe(200);
  });

  test('a bearer token is refused if tokens must be bound, and an assertion by a key that is too small or of another algorithm', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    const { publicKey: key, privateKey } = await generateKeyPair('PS256', { extractable: true, modulusLength: 2_048 });
    const { body } = await create(keysOf({ ...(await exportJWK(key)), alg: 'PS256', kid: 'k' }));
    const assertion = async () => ({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT({
        iss: body.client_id,
        sub: body.client_id,
        aud: server.url,
        jti: crypto.randomUUID(),
      })
        .setProtectedHeader({ alg: 'PS256', kid: 'k' })
        .setIssuedAt(Math.floor(server.now() / 1000))
        .setExpirationTime(Math.floor(server.now() / 1000) + 60)
        .sign(privateKey),
    });
    expect((await server.postForm('/api/v1/oauth/token', await assertion())).status).toBe(200);
    for (const policy of [{ min_rsa_bits: 3_072 }, { signing_algs: ['ES256'] }]) {
      await setPolicy(policy);
      const { body: refused } = await server.postForm('/api/v1/oauth/token', await assertion());
      expect(refused.error).toBe('invalid_client');
    }
    for (const sender_constraint of ['dpop', 'any', 'tls_client_certificate']) {
      await setPolicy({ sender_constraint });
      expect((await ask(client)).status).toBe(400);
    }
    await asRoot('DELETE', `${policyPath}/policy`);
    expect((await ask(client)).status).toBe(200);
  });

  test('on another node as soon as it has heard of it', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      await other.token(client);
      await setPolicy({ max_access_token_ttl_seconds: 60 });
      await other.advance(0);
      const { iat, exp } = claimsOf(await other.token(client)) as { iat: number; exp: number };
      expect(exp - iat).toBe(60);
    } finally {
      await other.close();
    }
  });
});

test('no lifetime of more than a year can be set', async () => {
  expect((await create({ access_token_ttl_seconds: 31_536_001 })).status).toBe(422);
  const resource = { key: 'api', identifier: 'https://api.example.com', scopes: [] };
  const answer = await asRoot('PUT', '/api/v1/oauth/resource', { ...resource, access_token_ttl_seconds: 31_536_001 });
  expect(answer.status).toBe(422);
  expect((await create({ access_token_ttl_seconds: 31_536_000 })).status).toBe(200);
});
