/** Dynamic client registration and its management over HTTP. RFC 7591, RFC 7592. */
import { registerClient } from '@modelcontextprotocol/sdk/client/auth.js';
import { type Answer, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const path = '/api/v1/oauth/register';
const tokensPath = '/api/v1/oauth/initial-access-token';
const clientPath = '/api/v1/oauth/client';
const on = { POSTERN_REGISTRATION: 'initial_access_token' };

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer({ env: on });
  root = await server.rootToken();
  await server.call('PUT', '/api/v1/oauth/resource', {
    token: root,
    body: { key: 'billing', identifier: 'https://billing.example.com', scopes: ['policy:read'] },
  });
});
afterAll(() => server.close());

const scopes = ['policy:read', 'rule:read'];

async function makeToken(body: object = {}, token = root, at = server) {
  const made = await at.call('POST', tokensPath, { token, body: { scopes, max_uses: 1_000, ...body } });
  expect(made.status).toBe(200);
  return made.body as { id: string; initial_access_token: string };
}
const register = (token: string | undefined, body: unknown = {}, at = server) => at.call('POST', path, { token, body });
async function registered(body: unknown = {}, limits: object = {}) {
  const answer = await register((await makeToken(limits)).initial_access_token, body);
  expect(answer.status).toBe(201);
  return answer.body;
}
const manage = (method: string, { client_id }: { client_id: string }, token: string | undefined, body?: unknown) =>
  server.call(method, `${path}/${client_id}`, { token, body });
const credentialsOf = (body: { client_id: string; client_secret: string }) => ({
  clientId: body.client_id,
  clientSecret: body.client_secret,
});
const asRoot = (method: string, url: string, body?: unknown) => server.call(method, url, { token: root, body });

function expectRefused(answer: Answer, status: number, error: string, text: RegExp = /./): void {
  expect([answer.status, answer.body.error]).toEqual([status, error]);
  expect(answer.body.error_description).toMatch(text);
  expect(answer.body.detail).toBe(answer.body.error_description);
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

async function publicKey() {
  return { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'one' };
}

describe('while registration is off, which it is by default', () => {
  test('the endpoint says so, the metadata names none, and no initial access tokens are made', async () => {
    const off = await startTestServer();
    try {
      for (const method of ['POST', 'GET', 'PUT', 'DELETE']) {
        const answer = await off.call(method, method === 'POST' ? path : `${path}/x`, { token: 'x' });
        expectRefused(answer, 403, 'access_denied', /off/);
      }
      const metadata = (await off.call('GET', '/.well-known/oauth-authorization-server')).body;
      expect(metadata).not.toHaveProperty('registration_endpoint');
      const token = await off.rootToken();
      const made = await off.call('POST', tokensPath, { token, body: { scopes } });
      expect([made.status, made.body.error]).toEqual([409, 'conflict']);
      expect((await off.call('GET', tokensPath, { token })).body.items).toEqual([]);
    } finally {
      await off.close();
    }
  });

  test('also for what was given out while it was on', async () => {
    const first = await startTestServer({ env: on });
    try {
      const token = await first.rootToken();
      const { initial_access_token } = await makeToken({}, token, first);
      const made = (await register(initial_access_token, {}, first)).body;
      const off = await startTestServer({ dataDir: first.dataDir });
      expect((await register(initial_access_token, {}, off)).status).toBe(403);
      const read = await off.call('GET', `${path}/${made.client_id}`, { token: made.registration_access_token });
      expect(read.status).toBe(403);
      expect(await off.token(credentialsOf(made))).toEqual(expect.any(String));
      await off.close();
    } finally {
      await first.close();
    }
  });
});

describe('RFC 7591 §3.2.1 the client information response', () => {
  test('has the credentials, the management address and all that was registered', async () => {
    const { initial_access_token } = await makeToken();
    const wanted = {
      client_name: 'crawler \u{1f577}',
      scope: 'rule:read',
      token_endpoint_auth_method: 'client_secret_post',
    };
    const { status, headers, body } = await register(initial_access_token, wanted);
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toEqual({
      ...wanted,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      client_id: expect.stringMatching(/^[A-Za-z0-9]{22}$/),
      client_id_issued_at: Math.floor(server.now() / 1000),
      client_secret: expect.stringMatching(/^postern[A-Za-z0-9]{49}$/),
      client_secret_expires_at: 0,
      registration_access_token: expect.stringMatching(/^posternrat[A-Za-z0-9]{49}$/),
      registration_client_uri: `${server.url}${path}/${body.client_id}`,
    });
    expect(await server.token(credentialsOf(body))).toEqual(expect.any(String));
    expect((await asRoot('GET', `${clientPath}/${body.client_id}`)).body).toMatchObject({
      name: wanted.client_name,
      scopes: ['rule:read'],
      grantable_scopes: null,
      token_endpoint_auth_method: 'client_secret_post',
    });
  });

  test('default_resource is what its tokens are for if it names none, among the resources of its registration', async () => {
    const resource = 'https://billing.example.com';
    const body = await registered({ default_resource: resource }, { resources: [resource] });
    expect(body.default_resource).toBe(resource);
    expect(claimsOf(await server.token(credentialsOf(body)))['aud']).toBe(resource);
    const { initial_access_token } = await makeToken({ resources: [resource] });
    const refused = await register(initial_access_token, { resources: [], default_resource: resource });
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata']);
  });

  test('§2 without a scope the client gets all that the initial access token gives, and its resources', async () => {
    const body = await registered({}, { resources: ['https://billing.example.com'] });
    expect(body).toMatchObject({ scope: scopes.join(' '), resources: ['https://billing.example.com'] });
    const answer = await server.postForm('/api/v1/oauth/token', {
      grant_type: 'client_credentials',
      client_id: body.client_id,
      client_secret: body.client_secret,
      resource: 'https://billing.example.com',
    });
    expect([answer.status, answer.body.scope]).toEqual([200, 'policy:read']);
  });

  test('has no secret for a client that authenticates by its keys', async () => {
    const jwks = { keys: [await publicKey()] };
    const body = await registered({ token_endpoint_auth_method: 'private_key_jwt', jwks });
    expect(body).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', jwks });
    expect(body).not.toHaveProperty('client_secret');
    expect(body).not.toHaveProperty('client_secret_expires_at');
  });
});

describe('RFC 7591 §2 client metadata', () => {
  test('what is not understood is ignored, and what only administrators set is not taken', async () => {
    const body = await registered({
      scope: 'rule:read',
      client_uri: 'https://crawler.example.com',
      contacts: ['ops@example.com'],
      software_id: '4NRB1',
      'client_name#de': 'Spinne',
      scopes: ['client:create'],
      grantable_scopes: ['client:create'],
      enabled: false,
      access_token_ttl_seconds: 31_536_000,
      name: 'other',
    });
    const { body: made } = await asRoot('GET', `${clientPath}/${body.client_id}`);
    expect(made).toEqual({
      client_id: body.client_id,
      name: null,
      description: null,
      scopes: ['rule:read'],
      grantable_scopes: null,
      enabled: true,
      access_token_ttl_seconds: null,
      expires_at: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
  });

  test.each<[string, string, unknown]>([
    ['redirect_uris that are empty', 'taken', { redirect_uris: [], response_types: [] }],
    ['null for what is not wanted', 'taken', { client_name: null, jwks: null, redirect_uris: null, grant_types: null }],
    ['the one grant there is', 'taken', { grant_types: ['client_credentials'] }],
    ['an empty scope', 'taken', { scope: '' }],
    ['a redirect URI', 'invalid_redirect_uri', { redirect_uris: ['https://a.example.com/cb'] }],
    ['redirect_uris of another type', 'invalid_redirect_uri', { redirect_uris: 'https://a.example.com/cb' }],
    ['a response type', 'invalid_client_metadata', { response_types: ['code'] }],
    ['another grant', 'invalid_client_metadata', { grant_types: ['authorization_code'] }],
    ['a grant of administrators', 'invalid_client_metadata', { grant_types: ['client_credentials', 'x'] }],
    ['another method', 'invalid_client_metadata', { token_endpoint_auth_method: 'none' }],
    ['keys in two ways', 'invalid_client_metadata', { jwks: { keys: [{ kty: 'EC' }] }, jwks_uri: 'https://a.example' }],
    ['keys at an address without TLS', 'invalid_client_metadata', { jwks_uri: 'http://a.example.com/keys' }],
    ['a private key', 'invalid_client_metadata', { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }],
    ['a method without its keys', 'invalid_client_metadata', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['a scope outside the limits', 'invalid_client_metadata', { scope: 'rule:read policy:delete' }],
    ['an administrative scope', 'invalid_client_metadata', { scope: 'client:create' }],
    ['a scope that does not exist', 'invalid_client_metadata', { scope: 'nothing:read' }],
    ['a malformed scope', 'invalid_client_metadata', { scope: 'rule:read  policy:read' }],
    ['a resource outside the limits', 'invalid_client_metadata', { resources: ['https://billing.example.com'] }],
    ['a name with a line end', 'invalid_client_metadata', { client_name: 'a\nb' }],
    ['a blank name', 'invalid_client_metadata', { client_name: ' \u3000' }],
    ['a name of another type', 'invalid_client_metadata', { client_name: 5 }],
    ['an array', 'invalid_client_metadata', []],
    ['a software statement', 'unapproved_software_statement', { software_statement: 'e30.e30.AAAA' }],
    ['what is no software statement', 'invalid_software_statement', { software_statement: 'x' }],
  ])('§3.2.2 %s: %s', async (_, expected, body) => {
    const { id, initial_access_token } = await makeToken();
    const answer = await register(initial_access_token, body);
    if (expected === 'taken') {
      expect(answer.status).toBe(201);
    } else {
      expectRefused(answer, 400, expected);
      const { items } = (await asRoot('GET', `${tokensPath}?size=100`)).body;
      expect(items.find((item: { id: string }) => item.id === id).uses).toBe(0);
    }
  });

  test('§3.1 a body that is not JSON is refused', async () => {
    const { initial_access_token } = await makeToken();
    const headers = { authorization: `Bearer ${initial_access_token}` };
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      const answer = await fetch(server.url + path, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body: 'client_name=x',
      });
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { error: 'invalid_request', detail: /JSON|json/ },
      ]);
    }
  });
});

describe('RFC 7591 §1.2 initial access tokens', () => {
  test('are needed', async () => {
    const missing = await register(undefined);
    expectRefused(missing, 401, 'missing_token');
    expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="Postern"');
    for (const token of ['x', root, (await registered()).registration_access_token]) {
      const answer = await register(token, 'not looked at');
      expectRefused(answer, 401, 'invalid_token', /initial access token/);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
    }
  });

  test('are shown once, listed without themselves, and nowhere in the database', async () => {
    const { initial_access_token, ...record } = await makeToken({
      name: 'rollout',
      max_uses: 2,
      expires_in_seconds: 60,
    });
    expect(initial_access_token).toMatch(/^posterniat[A-Za-z0-9]{49}$/);
    expect(record).toEqual({
      id: expect.any(String),
      name: 'rollout',
      scopes,
      resources: [],
      max_uses: 2,
      uses: 0,
      created_at: new Date(server.now()).toISOString(),
      created_by: server.root.clientId,
      expires_at: new Date(server.now() + 60_000).toISOString(),
    });
    await register(initial_access_token);
    const { items } = (await asRoot('GET', `${tokensPath}?size=100`)).body;
    expect(items).toContainEqual({ ...record, uses: 1 });
    const rows = await Promise.all(['initial_access_tokens', 'events', 'registrations'].map(server.rows));
    expect(JSON.stringify(rows)).not.toMatch(/postern(iat|rat)/);
    expect(server.log.join()).not.toMatch(/postern(iat|rat)/);
  });

  test('by default serve one client, for a day', async () => {
    const { body } = await asRoot('POST', tokensPath, { scopes });
    expect(body).toMatchObject({ max_uses: 1, expires_at: new Date(server.now() + 86_400_000).toISOString() });
  });

  test('of fifty registrations at once with a token for three, exactly three pass, and none after a restart', async () => {
    const first = await startTestServer({ env: on });
    try {
      const token = await first.rootToken();
      const { initial_access_token } = await makeToken({ max_uses: 3 }, token, first);
      const second = await startTestServer({ dataDir: first.dataDir, env: on });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => register(initial_access_token, {}, index % 2 === 0 ? first : second)),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
      expect(answers.filter(({ body }) => body.error === 'invalid_token')).toHaveLength(47);
      expect((await first.call('GET', clientPath, { token })).body.total).toBe(3);
      await second.close();
      const third = await startTestServer({ dataDir: first.dataDir, env: on });
      expect((await register(initial_access_token, {}, third)).status).toBe(401);
      await third.close();
    } finally {
      await first.close();
    }
  });

  test('end by the clock, and by being deleted; the clients stay', async () => {
    const own = await startTestServer({ env: on });
    try {
      const short = await makeToken({ expires_in_seconds: 60 }, await own.rootToken(), own);
      const long = await makeToken({}, await own.rootToken(), own);
      await own.advance(59);
      expect((await register(short.initial_access_token, {}, own)).status).toBe(201);
      await own.advance(1);
      expect((await register(short.initial_access_token, {}, own)).status).toBe(401);
      const { body: made } = await register(long.initial_access_token, {}, own);
      const token = await own.rootToken();
      expect((await own.call('DELETE', `${tokensPath}/${long.id}`, { token })).status).toBe(204);
      expect((await own.call('DELETE', `${tokensPath}/${long.id}`, { token })).status).toBe(404);
      expect((await register(long.initial_access_token, {}, own)).status).toBe(401);
      expect(await own.token(credentialsOf(made))).toEqual(expect.any(String));
    } finally {
      await own.close();
    }
  });

  test('give no more than their maker may assign, when they are made and when they are used', async () => {
    const maker = await server.createClient({
      scopes: ['initial_access_token:create', 'initial_access_token:delete'],
      grantable_scopes: ['policy:read', 'rule:read'],
    });
    const token = await server.token(maker);
    for (const body of [{ scopes: ['policy:delete'] }]) {
      const refused = await server.call('POST', tokensPath, { token, body });
      expect([refused.status, refused.body.error]).toEqual([403, 'access_denied']);
    }
    const made = await makeToken({}, token);
    const { initial_access_token } = made;
    expect((await register(initial_access_token, { scope: 'rule:read' })).status).toBe(201);

    await asRoot('PATCH', `${clientPath}/${maker.clientId}`, { grantable_scopes: ['policy:read'] });
    expectRefused(await register(initial_access_token, { scope: 'rule:read' }), 400, 'invalid_client_metadata');
    expect((await register(initial_access_token)).body.scope).toBe('policy:read');
    const foreign = await makeToken({ scopes: ['policy:delete'] });
    const deletion = await server.call('DELETE', `${tokensPath}/${foreign.id}`, { token });
    expect([deletion.status, deletion.body.error]).toEqual([403, 'access_denied']);

    await asRoot('PATCH', `${clientPath}/${maker.clientId}`, { enabled: false });
    expectRefused(await register(initial_access_token), 401, 'invalid_token');
    await asRoot('DELETE', `${clientPath}/${maker.clientId}`);
    expectRefused(await register(initial_access_token), 401, 'invalid_token');
  });

  test('give no administrative scope, whatever the database says of them', async () => {
    const { id, initial_access_token } = await makeToken();
    await server.db
      .updateTable('initial_access_tokens')
      .set({ scopes: JSON.stringify(['client:create', 'policy:read', 'gone:read']) })
      .where('id', '=', id)
      .execute();
    expect((await register(initial_access_token)).body.scope).toBe('policy:read');
    expectRefused(await register(initial_access_token, { scope: 'client:create' }), 400, 'invalid_client_metadata');
  });

  test.each<[string, object, RegExp]>([
    ['an administrative scope, also for root', { scopes: ['client:create'] }, /client:create/],
    ['a scope that does not exist', { scopes: ['nothing:read'] }, /nothing:read/],
    ['a resource that does not exist', { scopes, resources: ['https://other.example.com'] }, /other/],
    ['no scopes at all', {}, /scopes/],
    ['no use', { scopes, max_uses: 0 }, /max_uses/],
    ['no time', { scopes, expires_in_seconds: 0 }, /expires_in_seconds/],
    ['an unknown member', { scopes, count: 5 }, /count/],
  ])('are not made with %s', async (_, body, detail) => {
    const answer = await asRoot('POST', tokensPath, body);
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
    expect(answer.body.detail).toMatch(detail);
  });

  test.each([
    ['POST', tokensPath],
    ['GET', tokensPath],
    ['DELETE', `${tokensPath}/x`],
  ])('%s %s needs its scope', async (method, url) => {
    const token = await server.token(await server.createClient({ scopes: ['client:create'], grantable_scopes: [] }));
    expect((await server.call(method, url, { token })).status).toBe(403);
  });
});

describe('RFC 7592 §2.1 read', () => {
  test('answers what was registered with a new token, and the previous one is invalid', async () => {
    const made = await registered({ client_name: 'crawler' });
    const { client_secret: _, client_secret_expires_at: __, registration_access_token: before, ...rest } = made;
    const read = await manage('GET', made, before);
    expect(read.status).toBe(200);
    expect(read.body).toEqual({ ...rest, registration_access_token: expect.any(String) });
    expect(read.body.registration_access_token).not.toBe(before);
    expectRefused(await manage('GET', made, before), 401, 'invalid_token');
    expect((await manage('GET', made, read.body.registration_access_token)).status).toBe(200);
  });

  test('of twenty at once with one token, one passes', async () => {
    const made = await registered();
    const reads = await Promise.all(
      Array.from({ length: 20 }, () => manage('GET', made, made.registration_access_token)),
    );
    expect(reads.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('§2 a token serves its own client only; all that is wrong is one and the same 401', async () => {
    const [one, other] = [await registered(), await registered()];
    const managed = await server.createClient({ scopes: ['rule:read'] });
    const token = one.registration_access_token;
    const answers = [
      await manage('GET', other, token),
      await manage('GET', { client_id: managed.clientId }, token),
      await manage('GET', { client_id: server.root.clientId }, token),
      await manage('GET', { client_id: 'unknown' }, token),
      await manage('GET', one, 'x'),
      await manage('GET', one, root),
      await manage('DELETE', other, token),
      await manage('PUT', other, token, 'not looked at'),
    ];
    for (const answer of answers) {
      expectRefused(answer, 401, 'invalid_token');
      expect(answer.body).toEqual(answers[0]?.body);
    }
    expectRefused(await manage('GET', one, undefined), 401, 'missing_token');
    expect((await manage('GET', one, token)).status).toBe(200);
  });
});

describe('RFC 7592 §2.2 update', () => {
  test('replaces all metadata: what is missing goes', async () => {
    const made = await registered({ client_name: 'crawler', scope: 'rule:read', dpop_bound_access_tokens: true });
    const updated = await manage('PUT', made, made.registration_access_token, {
      client_id: made.client_id,
      token_endpoint_auth_method: 'client_secret_basic',
    });
    expect(updated.status).toBe(200);
    expect(updated.body).toMatchObject({ scope: scopes.join(' '), token_endpoint_auth_method: 'client_secret_basic' });
    for (const member of ['client_name', 'dpop_bound_access_tokens', 'client_secret']) {
      expect(updated.body).not.toHaveProperty(member);
    }
    expectRefused(await manage('GET', made, made.registration_access_token), 401, 'invalid_token');
    expect((await manage('GET', made, updated.body.registration_access_token)).body).toEqual({
      ...updated.body,
      registration_access_token: expect.any(String),
    });
  });

  test('takes what was read, without the members of the server, and changes nothing by it', async () => {
    const made = await registered({ client_name: 'crawler', scope: '', jwks: { keys: [await publicKey()] } });
    const read = (await manage('GET', made, made.registration_access_token)).body;
    const { registration_access_token, registration_client_uri: _, client_id_issued_at: __, ...metadata } = read;
    const updated = await manage('PUT', made, registration_access_token, metadata);
    expect(updated.body).toEqual({ ...read, registration_access_token: expect.any(String) });
    expect((await server.postForm('/api/v1/oauth/introspect', { ...secretsOf(made), token: 'x' })).status).toBe(200);
  });
  const secretsOf = ({ client_id, client_secret }: Record<string, string>) => ({
    client_id: client_id ?? '',
    client_secret: client_secret ?? '',
  });

  test('refuses what does not fit, and keeps metadata and token as they were', async () => {
    const made = await registered({ client_name: 'crawler', scope: 'rule:read' });
    const id = { client_id: made.client_id };
    for (const [body, text] of [
      [{}, /client_id/],
      [{ client_id: 'other' }, /client_id/],
      [{ ...id, client_secret: 'chosen' }, /client_secret/],
      [{ ...id, registration_access_token: made.registration_access_token }, /registration_access_token/],
      [{ ...id, client_id_issued_at: made.client_id_issued_at }, /client_id_issued_at/],
      [{ ...id, scope: 'policy:delete' }, /scope/],
      [{ ...id, scope: 'client:create' }, /scope/],
      [{ ...id, token_endpoint_auth_method: 'private_key_jwt' }, /jwks/],
    ] as const) {
      expectRefused(
        await manage('PUT', made, made.registration_access_token, body),
        400,
        'invalid_client_metadata',
        text,
      );
    }
    const read = await manage('GET', made, made.registration_access_token);
    expect(read.body).toMatchObject({ client_name: 'crawler', scope: 'rule:read' });
  });

  test('accepts the secret that the client has, which remains valid', async () => {
    const made = await registered();
    const { client_id, client_secret } = made;
    const updated = await manage('PUT', made, made.registration_access_token, { client_id, client_secret });
    expect(updated.status).toBe(200);
    expect(await server.token(credentialsOf(made))).toEqual(expect.any(String));
  });

  test('a change to keys ends the secrets, and one back makes a new one', async () => {
    const made = await registered();
    const { client_id } = made;
    const keyed = await manage('PUT', made, made.registration_access_token, {
      client_id,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [await publicKey()] },
    });
    expect(keyed.body).not.toHaveProperty('client_secret');
    const back = await manage('PUT', made, keyed.body.registration_access_token, { client_id });
    expect(back.body).toMatchObject({ client_secret: expect.any(String), client_secret_expires_at: 0 });
    await expect(server.token(credentialsOf(made))).rejects.toThrow('invalid_client');
    expect(await server.token(credentialsOf(back.body))).toEqual(expect.any(String));
  });

  test('a token that holds a scope which the client gave up is rejected', async () => {
    const made = await registered();
    const token = await server.token(credentialsOf(made));
    await manage('PUT', made, made.registration_access_token, { client_id: made.client_id, scope: 'rule:read' });
    expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(401);
  });

  test('is over once an administrator changed the client', async () => {
    const made = await registered();
    await asRoot('PATCH', `${clientPath}/${made.client_id}`, { scopes: ['rule:read'] });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { client_id: made.client_id } : undefined;
      expectRefused(await manage(method, made, made.registration_access_token, body), 401, 'invalid_token');
    }
    expect((await asRoot('GET', `${clientPath}/${made.client_id}`)).body.scopes).toEqual(['rule:read']);
  });
});

describe('RFC 7592 §2.3 delete', () => {
  test('ends the client, its tokens and its registration access token', async () => {
    const made = await registered({}, { scopes: ['scope:read'] });
    const token = await server.token(credentialsOf(made));
    expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(200);
    const deleted = await manage('DELETE', made, made.registration_access_token);
    expect([deleted.status, deleted.body]).toEqual([204, '']);
    expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(401);
    expectRefused(await manage('GET', made, made.registration_access_token), 401, 'invalid_token');
    await expect(server.token(credentialsOf(made))).rejects.toThrow('invalid_client');
  });

  test('by an administrator ends the registration access token too', async () => {
    const made = await registered();
    await asRoot('DELETE', `${clientPath}/${made.client_id}`);
    expectRefused(await manage('DELETE', made, made.registration_access_token), 401, 'invalid_token');
  });
});

test('every change is an event, and none holds a token', async () => {
  const own = await startTestServer({ env: on });
  try {
    const token = await own.rootToken();
    const { id, initial_access_token } = await makeToken({}, token, own);
    const made = (await register(initial_access_token, { client_name: 'crawler' }, own)).body;
    const url = `${path}/${made.client_id}`;
    const read = await own.call('GET', url, { token: made.registration_access_token });
    const updated = await own.call('PUT', url, {
      token: read.body.registration_access_token,
      body: { client_id: made.client_id },
    });
    await own.call('DELETE', url, { token: updated.body.registration_access_token });
    await own.call('DELETE', `${tokensPath}/${id}`, { token });
    const events = await own.db.selectFrom('events').select(['actor', 'kind', 'subject']).orderBy('sequence').execute();
    const client = made.client_id;
    expect(events.filter(({ kind }) => !/^(key|root)\./.test(kind))).toEqual([
      { actor: own.root.clientId, kind: 'initial_access_token.created', subject: id },
      { actor: 'initial_access_token', kind: 'client.created', subject: client },
      { actor: 'initial_access_token', kind: 'secret.created', subject: client },
      { actor: client, kind: 'registration_access_token.rotated', subject: client },
      { actor: client, kind: 'client.updated', subject: client },
      { actor: client, kind: 'registration_access_token.rotated', subject: client },
      { actor: client, kind: 'client.deleted', subject: client },
      { actor: own.root.clientId, kind: 'initial_access_token.deleted', subject: id },
    ]);
  } finally {
    await own.close();
  }
});

describe('libraries register clients', () => {
  test('openid-client, and get a token with what they got', async () => {
    const { initial_access_token } = await makeToken();
    const configuration = await client.dynamicClientRegistration(
      new URL(server.url),
      { client_name: 'crawler', scope: 'rule:read', software_id: 'x' },
      undefined,
      { initialAccessToken: initial_access_token, execute: [client.allowInsecureRequests], algorithm: 'oauth2' },
    );
    expect((await client.clientCredentialsGrant(configuration)).scope).toBe('rule:read');
  });

  test('oauth4webapi by metadata alone, and uses what it got for a token, its introspection and its revocation', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.url);
    const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, discovered);
    const { initial_access_token: initialAccessToken } = await makeToken();
    const wanted = { client_name: 'crawler', scope: 'rule:read', token_endpoint_auth_method: 'client_secret_post' };
    const made = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, wanted, { initialAccessToken, ...insecure }),
    );
    expect(made).toMatchObject(wanted);

    const auth = oauth.ClientSecretPost(String(made['client_secret']));
    const { access_token, scope } = await oauth.processClientCredentialsResponse(
      as,
      made,
      await oauth.clientCredentialsGrantRequest(as, made, auth, {}, insecure),
    );
    expect(scope).toBe('rule:read');
    const introspect = async () =>
      oauth.processIntrospectionResponse(
        as,
        made,
        await oauth.introspectionRequest(as, made, auth, access_token, insecure),
      );
    expect(await introspect()).toMatchObject({ active: true, client_id: made.client_id });
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, made, auth, access_token, insecure));
    expect(await introspect()).toEqual({ active: false });
  });

  test('oauth4webapi learns what is wrong with a registration', async () => {
    const as = { issuer: server.url, registration_endpoint: server.url + path };
    const { initial_access_token: initialAccessToken } = await makeToken();
    const insecure = { [oauth.allowInsecureRequests]: true };
    const attempt = async (metadata: Partial<oauth.Client>, token: string) =>
      oauth.processDynamicClientRegistrationResponse(
        await oauth.dynamicClientRegistrationRequest(as, metadata, { initialAccessToken: token, ...insecure }),
      );
    await expect(
      attempt({ token_endpoint_auth_method: 'client_secret_jwt' }, initialAccessToken),
    ).rejects.toMatchObject({ error: 'invalid_client_metadata', status: 400 });
    await expect(attempt({}, 'never-was')).rejects.toMatchObject({
      cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
    });
  });

  test('the MCP SDK', async () => {
    const { initial_access_token } = await makeToken();
    const metadata = (await server.call('GET', '/.well-known/oauth-authorization-server')).body;
    const information = await registerClient(server.url, {
      metadata,
      clientMetadata: {
        client_name: 'crawler',
        redirect_uris: [],
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      fetchFn: (url, init) =>
        fetch(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${initial_access_token}` } }),
    });
    expect(information).toMatchObject({ client_id: expect.any(String), client_secret: expect.any(String) });
  });
});

describe('what is registered stays within the reach of the creator of the initial access token', () => {
  const resource = 'https://billing.example.com';
  const limits = { resources: [resource], token_quota_per_minute: 30, access_token_ttl_seconds: 300 };
  const administration = ['initial_access_token:create', 'initial_access_token:delete'];
  const creator = (body: object = {}) =>
    server.createClient({ scopes: [...administration, 'policy:read'], grantable_scopes: [], ...limits, ...body });

  test('a resource that the creator does not have is refused', async () => {
    const token = await server.token(await creator({ resources: [] }));
    const body = { scopes: ['policy:read'], resources: [resource] };
    const answer = await server.call('POST', tokensPath, { token, body });
    expect([answer.status, answer.body]).toEqual([
      403,
      { error: 'access_denied', detail: expect.stringMatching(/^resources: .* https:\/\/billing\.example\.com\.$/) },
    ]);
  });

  test('the creator passes its limits on', async () => {
    const token = await server.token(await creator());
    const initial = await makeToken({ scopes: ['policy:read'], resources: [resource] }, token);
    const { status, body } = await register(initial.initial_access_token, { token_quota_per_minute: 1_000_000 });
    expect(status).toBe(201);
    const view = (await asRoot('GET', `${clientPath}/${body.client_id}`)).body;
    expect(view).toMatchObject({ ...limits, scopes: ['policy:read'] });
    expect(body).toMatchObject({ token_quota_per_minute: 30 });
  });

  test('a binding that the creator has is required, at registration and ever after', async () => {
    const credentials = await creator();
    const initial = await makeToken({ scopes: ['policy:read'] }, await server.token(credentials));
    await asRoot('PATCH', `${clientPath}/${credentials.clientId}`, { dpop_bound_access_tokens: true });
    const unbound = { dpop_bound_access_tokens: false };
    const text = /^dpop_bound_access_tokens: /;
    expectRefused(await register(initial.initial_access_token, unbound), 400, 'invalid_client_metadata', text);
    const { body } = await register(initial.initial_access_token);
    expect(body).toMatchObject({ dpop_bound_access_tokens: true });
    const { client_id, registration_access_token } = body;
    const refused = await manage('PUT', body, registration_access_token, { client_id, ...unbound });
    expectRefused(refused, 400, 'invalid_client_metadata', text);
    const kept = await manage('PUT', body, registration_access_token, { client_id });
    expect([kept.status, kept.body.dpop_bound_access_tokens]).toEqual([200, true]);
  });

  test('a creator that proves a key gives no secrets', async () => {
    const credentials = await creator();
    const initial = await makeToken({ scopes: ['policy:read'] }, await server.token(credentials));
    const byKey = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await publicKey()] } };
    await asRoot('PATCH', `${clientPath}/${credentials.clientId}`, byKey);
    const text = /^token_endpoint_auth_method: /;
    expectRefused(await register(initial.initial_access_token), 400, 'invalid_client_metadata', text);
    const { status, body } = await register(initial.initial_access_token, byKey);
    expect(status).toBe(201);
    const { client_id, registration_access_token } = body;
    const refused = await manage('PUT', body, registration_access_token, { client_id });
    expectRefused(refused, 400, 'invalid_client_metadata', text);
  });

  test('an initial access token that gives more is not deleted', async () => {
    const initial = await makeToken({ scopes: ['policy:read'] });
    const token = await server.token(await creator());
    const refused = await server.call('DELETE', `${tokensPath}/${initial.id}`, { token });
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: 'access_denied', detail: expect.stringMatching(/^access_token_ttl_seconds: .* at most 300\.$/) },
    ]);
    expect((await asRoot('DELETE', `${tokensPath}/${initial.id}`)).status).toBe(204);
  });
});
