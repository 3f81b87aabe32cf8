/** A client with networks of its own authenticates nowhere else. RFC 6749 §2.3 and §10.2. */
import { randomUUID } from 'node:crypto';
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const clientPath = '/api/v1/oauth/client';
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const networks = ['203.0.113.0/24', '2001:db8::/32'];
const inside = '203.0.113.7';
const outside = '198.51.100.1';

let server: TestServer;
let root: string;
let limited: Credentials;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let jwk: object;
beforeAll(async () => {
  server = await startTestServer({
    env: { POSTERN_TRUSTED_PROXIES: '127.0.0.1', POSTERN_REGISTRATION: 'initial_access_token' },
  });
  root = await server.rootToken();
  keys = await generateKeyPair('ES256');
  jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one' };
  limited = await server.createClient({ scopes: ['policy:read'], allowed_networks: networks });
});
afterAll(() => server.close());

const from = (address: string) => ({ 'x-forwarded-for': address });
const secretOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });
const ask = (address: string, form: Record<string, string>) =>
  server.postForm(tokenPath, { grant_type: 'client_credentials', ...form }, from(address));

async function sendJson(method: string, path: string, address: string, body?: object, token?: string): Promise<Answer> {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...from(address),
      'postern-session': '1',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

function sign(claims: JWTPayload, audience = server.url): Promise<string> {
  const now = Math.floor(server.now() / 1000);
  return new SignJWT({ jti: randomUUID(), iat: now, exp: now + 60, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'JWT' })
    .setAudience(audience)
    .sign(keys.privateKey);
}

/** The reasons of the refusals since `before` lines of the log. */
const reasonsSince = (before: number) =>
  server.log
    .slice(before)
    .map((line) => JSON.parse(line))
    .flatMap(({ reason }) => reason ?? []);

test.each([
  [inside, 200],
  ['2001:db8::7', 200],
  ['::ffff:203.0.113.7', 200],
  [outside, 401],
  ['2001:db9::7', 401],
  ['not an address', 401],
])('from %s it gets %i', async (address, status) => {
  expect((await ask(address, secretOf(limited))).status).toBe(status);
});

test('the true address counts: what the caller itself puts before it, and a header of a stranger, count nothing', async () => {
  expect((await ask(`${inside}, ${outside}`, secretOf(limited))).status).toBe(401);
  expect((await ask(`${outside}, ${inside}`, secretOf(limited))).status).toBe(200);
  const direct = await startTestServer();
  try {
    const { clientId, clientSecret } = await direct.createClient({ scopes: [], allowed_networks: networks });
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    expect((await direct.postForm(tokenPath, form, from(inside))).status).toBe(401);
    const token = await direct.rootToken();
    await direct.call('PATCH', `${clientPath}/${clientId}`, { token, body: { allowed_networks: ['127.0.0.0/8'] } });
    expect((await direct.postForm(tokenPath, form, from(outside))).status).toBe(200);
  } finally {
    await direct.close();
  }
});

describe('from elsewhere nobody learns anything', () => {
  test('the answer is that for an unknown client and a wrong secret, whatever the secret', async () => {
    const right = await ask(outside, secretOf(limited));
    const wrong = await ask(outside, { ...secretOf(limited), client_secret: 'wrong' });
    const unknown = await ask(outside, { client_id: 'unknown', client_secret: 'wrong' });
    expect([right.status, right.body]).toEqual([401, unknown.body]);
    expect([wrong.status, wrong.body]).toEqual([401, unknown.body]);
    expect(unknown.body.error).toBe('invalid_client');
  });

  test('no secret of the client is compared, and no use of it is recorded', async () => {
    await ask(inside, secretOf(limited));
    const digests = vi.spyOn(server.masterKey, 'digest');
    const queries = vi.spyOn(server.db, 'selectFrom');
    const workOf = async (form: Record<string, string>) => {
      digests.mockClear();
      queries.mockClear();
      await ask(outside, form);
      const work = [...digests.mock.calls.map(([what]) => what), ...queries.mock.calls.map(([table]) => String(table))];
      return work.filter((one) => one.includes('client'));
    };
    const unknown = await workOf({ client_id: 'unknown', client_secret: 'wrong' });
    expect(await workOf(secretOf(limited))).toEqual(unknown);
    expect(await workOf({ ...secretOf(limited), client_secret: 'wrong' })).toEqual(unknown);
    digests.mockRestore();
    queries.mockRestore();
  });

  test('no key of the client is fetched, no signature verified and no assertion used', async () => {
    const { clientId } = await server.createClient({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      allowed_networks: networks,
    });
    const form = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign({ iss: clientId, sub: clientId }),
    };
    const [refused, used] = [await ask(outside, form), await ask(inside, form)];
    expect([refused.status, refused.body.error, used.status]).toEqual([401, 'invalid_client', 200]);
    // An assertion for another audience is told as such only to whoever may authenticate.
    const other = { ...form, client_assertion: await sign({ iss: clientId, sub: clientId }, 'https://other.example') };
    expect((await ask(outside, other)).body).toEqual(refused.body);
    expect((await ask(inside, other)).body.error_description).toContain('audience');
  });

  test('the log and the list of failures say the true reason', async () => {
    const before = server.log.length;
    await ask(outside, secretOf(limited));
    expect(reasonsSince(before)).toContain('address_not_allowed');
    await server.advance(60);
    const { body } = await server.call(
      'GET',
      `/api/v1/oauth/failures?client_id=${limited.clientId}&reason=address_not_allowed`,
      { token: root },
    );
    expect(body.items).toContainEqual(
      expect.objectContaining({ client_id: limited.clientId, reason: 'address_not_allowed', address: outside }),
    );
  });
});

describe('every place at which a client authenticates', () => {
  /** What is done at the place, by address. It answers in the same way from elsewhere as for a client that is unknown. */
  async function expectOnlyInside(send: (address: string) => Promise<Answer>, error: string): Promise<void> {
    const before = server.log.length;
    const refused = await send(outside);
    expect([refused.status >= 400, refused.body.error]).toEqual([true, error]);
    expect(reasonsSince(before)).toContain('address_not_allowed');
    const { status, body } = await send(inside);
    expect([status, body]).toEqual([expect.toSatisfy((code: number) => code < 300), body]);
  }

  test('introspection', async () => {
    const token = (await ask(inside, secretOf(limited))).body.access_token;
    const send = (address: string) =>
      server.postForm('/api/v1/oauth/introspect', { token, ...secretOf(limited) }, from(address));
    await expectOnlyInside(send, 'invalid_client');
    // What it has got is valid everywhere.
    expect((await send(inside)).body.active).toBe(true);
  });

  test('revocation', async () => {
    const token = (await ask(inside, secretOf(limited))).body.access_token;
    await expectOnlyInside(
      (address) => server.postForm('/api/v1/oauth/revoke', { token, ...secretOf(limited) }, from(address)),
      'invalid_client',
    );
  });

  test('HTTP Basic', async () => {
    const authorization = `Basic ${Buffer.from(`${limited.clientId}:${limited.clientSecret}`).toString('base64')}`;
    await expectOnlyInside(
      (address) =>
        server.postForm(tokenPath, { grant_type: 'client_credentials' }, { ...from(address), authorization }),
      'invalid_client',
    );
  });

  test('token exchange', async () => {
    const actor = await server.createClient({
      scopes: ['policy:read'],
      grant_types: [exchange],
      allowed_networks: networks,
    });
    const subject = await server.createClient({ scopes: ['policy:read'], may_act: actor.clientId });
    const form = {
      grant_type: exchange,
      subject_token: await server.token(subject),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...secretOf(actor),
    };
    await expectOnlyInside((address) => ask(address, form), 'invalid_client');
  });

  test('a JWT that the client signed, by the jwt-bearer grant', async () => {
    const { clientId } = await server.createClient({
      scopes: ['policy:read'],
      grant_types: [jwtBearer],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      allowed_networks: networks,
    });
    const assertion = await sign({ iss: clientId, sub: clientId });
    await expectOnlyInside((address) => ask(address, { grant_type: jwtBearer, assertion }), 'invalid_grant');
  });

  test.each([
    ['the jwt-bearer grant', jwtBearer, 'invalid_grant'],
    ['token exchange', exchange, 'invalid_request'],
  ])('the token of a workload, by %s', async (_name, grantType, error) => {
    const { body } = await server.call('POST', clientPath, {
      token: root,
      body: {
        scopes: ['policy:read'],
        grant_types: [grantType],
        token_endpoint_auth_method: 'none',
        allowed_networks: networks,
      },
    });
    const issuer = 'https://platform.example';
    const rules = [{ client_id: body.client_id, claims: { sub: 'workload' } }];
    await server.call('PUT', '/api/v1/oauth/issuer', {
      token: root,
      body: { key: 'platform', issuer, jwks: { keys: [jwk] }, rules },
    });
    const token = await sign({ iss: issuer, sub: 'workload' });
    const form =
      grantType === jwtBearer
        ? { grant_type: grantType, assertion: token }
        : {
            grant_type: grantType,
            subject_token: token,
            subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          };
    await expectOnlyInside((address) => ask(address, form), error);
  });

  test('a session: to begin one by a secret or a code, and to get tokens by it', async () => {
    const open = (address: string) => sendJson('POST', '/api/v1/session', address, secretOf(limited));
    await expectOnlyInside(open, 'invalid_client');
    const code = (await sendJson('POST', '/api/v1/session/code', inside, secretOf(limited))).body.code;
    await expectOnlyInside((address) => sendJson('POST', '/api/v1/session', address, { code }), 'invalid_grant');
    const cookie = (await open(inside)).headers.get('set-cookie')?.split(';')[0] ?? '';
    const tokenBy = async (address: string) => {
      const response = await fetch(`${server.url}/api/v1/session/token`, {
        method: 'POST',
        headers: { ...from(address), cookie, 'postern-session': '1', 'content-type': 'application/json' },
        body: '{}',
      });
      return response.status;
    };
    expect([await tokenBy(outside), await tokenBy(inside)]).toEqual([401, 200]);
  });

  test('its registration, which it manages by a registration access token', async () => {
    const creator = await server.createClient({
      scopes: ['initial_access_token:create', 'policy:read'],
      grantable_scopes: [],
      allowed_networks: networks,
    });
    const creatorToken = (await ask(inside, secretOf(creator))).body.access_token;
    const initial = await server.call('POST', '/api/v1/oauth/initial-access-token', {
      token: creatorToken,
      body: { scopes: ['policy:read'] },
    });
    const wanted = { allowed_networks: ['0.0.0.0/0'] };
    const registered = await sendJson(
      'POST',
      '/api/v1/oauth/register',
      outside,
      wanted,
      initial.body.initial_access_token,
    );
    // It has the networks of the creator, and cannot register others.
    expect(registered.body.allowed_networks).toEqual(networks);
    const { client_id, registration_access_token: registrationToken } = registered.body;
    const path = `/api/v1/oauth/register/${client_id}`;
    await expectOnlyInside((address) => sendJson('GET', path, address, undefined, registrationToken), 'invalid_token');
  });
});

describe('the networks of a client', () => {
  const create = (allowed_networks: unknown, token = root) =>
    server.call('POST', clientPath, { token, body: { scopes: ['policy:read'], allowed_networks } });

  test('are read as they were written, changed at once, and named in the audit trail', async () => {
    const { clientId } = await server.createClient({ allowed_networks: networks });
    const path = `${clientPath}/${clientId}`;
    expect((await server.call('GET', path, { token: root })).body.allowed_networks).toEqual(networks);
    const body = { allowed_networks: ['10.0.0.0/8'] };
    expect((await server.call('PATCH', path, { token: root, body })).body.allowed_networks).toEqual(['10.0.0.0/8']);
    const back = await server.call('PATCH', path, { token: root, body: { allowed_networks: null } });
    expect('allowed_networks' in back.body).toBe(false);
    const events = await server.eventsAbout(clientId);
    expect(events.filter(({ kind }) => kind === 'client.updated').map(({ data }) => data)).toEqual([
      body,
      { allowed_networks: null },
    ]);
  });

  test.each<[string, unknown]>([
    ['no network', ['somewhere']],
    ['bits after the prefix', ['10.0.0.5/24']],
    ['one address without a prefix', ['10.0.0.5']],
    ['an IPv4 network in IPv6 form', ['::ffff:10.0.0.0/104']],
    ['the same twice', ['10.0.0.0/8', '10.0.0.0/8']],
    ['none', []],
    ['a text', '10.0.0.0/8'],
    ['a number', [8]],
    ['101 of them', Array.from({ length: 101 }, (_, index) => `10.0.${index}.0/24`)],
    ['a long one', ['1'.repeat(10_000)]],
    ['a NUL', ['10.0.0.0/8\0']],
  ])('are refused with a clear error: %s', async (_name, wanted) => {
    const { status, body } = await create(wanted);
    expect([status, body.detail]).toEqual([422, expect.stringMatching(/^allowed_networks/)]);
  });

  test('may be 100, and everything', async () => {
    const hundred = Array.from({ length: 100 }, (_, index) => `10.0.${index}.0/24`);
    expect((await create(hundred)).status).toBe(200);
    expect((await create(['0.0.0.0/0', '::/0'])).status).toBe(200);
  });

  test('are passed on, and never given wider than a client has them itself', async () => {
    const team = await server.createClient({
      scopes: ['client:create', 'client:update', 'policy:read'],
      allowed_networks: networks,
    });
    const token = (await ask(inside, secretOf(team))).body.access_token;
    const child = await server.call('POST', clientPath, { token, body: { scopes: ['policy:read'] } });
    expect(child.body.inherited).toEqual({ allowed_networks: networks });
    for (const wider of [null, ['0.0.0.0/0'], ['203.0.112.0/23'], [...networks, '198.51.100.0/24']]) {
      expect((await create(wider, token)).body).toMatchObject({ error: 'access_denied' });
      const change = { token, body: { allowed_networks: wider } };
      for (const id of [child.body.client_id, team.clientId]) {
        expect((await server.call('PATCH', `${clientPath}/${id}`, change)).status).toBe(403);
      }
    }
    expect((await create(['203.0.113.128/25'], token)).status).toBe(200);
  });
});
