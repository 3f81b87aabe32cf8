/** Secrets of clients over HTTP: several at once, each with a life of its own. RFC 6749 §2.3.1. */
import { generateKeyPairSync } from 'node:crypto';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const pathOf = ({ clientId }: Pick<Credentials, 'clientId'>) => `/api/v1/oauth/client/${clientId}/secret`;
const call = (method: string, url: string, body?: unknown, token = root) => server.call(method, url, { token, body });
const make = () => server.createClient(['scope:read']);
const statusOf = async (token: string) => (await call('GET', '/api/v1/oauth/scope', undefined, token)).status;
const list = async (client: Credentials) => (await call('GET', pathOf(client))).body.items;

async function rotate(client: Credentials, body: object = {}) {
  const answer = await call('POST', pathOf(client), body);
  expect(answer.status).toBe(200);
  return { ...answer.body, credentials: { ...client, clientSecret: answer.body.client_secret } };
}
async function works(credentials: Credentials): Promise<boolean> {
  const answer = await server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
  });
  if (answer.status !== 200) {
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  }
  return answer.status === 200;
}

/** The rows that the event log has about the client, without the one of its making. */
async function eventsAbout({ clientId }: Credentials) {
  return (await server.eventsAbout(clientId)).slice(1);
}

describe('rotation with overlap', () => {
  test('the new secret works at once, and the old one until the overlap is over', async () => {
    const client = await make();
    const { credentials } = await rotate(client, { overlap_seconds: 60 });
    expect([await works(client), await works(credentials)]).toEqual([true, true]);
    await server.advance(59);
    expect(await works(client)).toBe(true);
    await server.advance(1);
    expect([await works(client), await works(credentials)]).toEqual([false, true]);
  });

  test('without overlap_seconds both secrets remain valid until one is deleted', async () => {
    const client = await make();
    const { credentials } = await rotate(client);
    await server.advance(365 * 86_400);
    expect([await works(client), await works(credentials)]).toEqual([true, true]);
    root = await server.rootToken();
  });

  test('an overlap shortens the life of a secret and never lengthens it', async () => {
    const client = await make();
    const second = await rotate(client, { expires_in_seconds: 10, overlap_seconds: 100 });
    await rotate(client, { overlap_seconds: 1_000 });
    await server.advance(10);
    expect([await works(second.credentials), await works(client)]).toEqual([false, true]);
    await server.advance(90);
    expect(await works(client)).toBe(false);
  });

  test('tokens remain valid during an overlap', async () => {
    const client = await make();
    const token = await server.token(client);
    await rotate(client, { overlap_seconds: 1 });
    await server.advance(1);
    expect(await works(client)).toBe(false);
    expect(await statusOf(token)).toBe(200);
  });

  test('with overlap_seconds 0 the old secrets and every token are revoked immediately', async () => {
    const client = await make();
    const second = (await rotate(client)).credentials;
    const tokens = [await server.token(client), await server.token(second)];
    const { credentials } = await rotate(client, { overlap_seconds: 0 });
    expect([await works(client), await works(second)]).toEqual([false, false]);
    for (const token of tokens) {
      expect(await statusOf(token)).toBe(401);
    }
    expect(await statusOf(await server.token(credentials))).toBe(200);
    expect(await list(client)).toHaveLength(1);
  });

  test('a secret with an expiry of its own expires to the second', async () => {
    const client = await make();
    const { credentials, expires_at } = await rotate(client, { expires_in_seconds: 60 });
    expect(expires_at).toBe(new Date(server.now() + 60_000).toISOString());
    await server.advance(59);
    expect(await works(credentials)).toBe(true);
    await server.advance(1);
    expect([await works(credentials), await works(client)]).toEqual([false, true]);
  });
});

describe('what is known of a secret', () => {
  test('its last four characters and its times, never the secret or its digest', async () => {
    const client = await make();
    const created_at = new Date(server.now()).toISOString();
    const answer = await rotate(client, { expires_in_seconds: 60, overlap_seconds: 30 });
    expect(answer.client_secret).toMatch(/^postern[A-Za-z0-9]{49}$/);
    const common = {
      secret_id: expect.any(String),
      created_at,
      last_used_at: null,
      use: expect.any(String),
      use_known_until: new Date(server.now() - 5_000).toISOString(),
      token_seconds: 691_200,
    };
    expect(new Set(await list(client))).toEqual(
      new Set([
        {
          ...common,
          last_four: client.clientSecret.slice(-4),
          expires_at: new Date(server.now() + 30_000).toISOString(),
        },
        {
          ...common,
          last_four: answer.client_secret.slice(-4),
          expires_at: new Date(server.now() + 60_000).toISOString(),
        },
      ]),
    );
  });

  test('when it was last used: at once, to the secret, and after a restart', async () => {
    const own = await startTestServer();
    try {
      const client = await own.createClient(['scope:read']);
      const url = pathOf(client);
      const token = await own.rootToken();
      const made = (await own.call('POST', url, { token, body: {} })).body;
      const uses = async (at = own) =>
        Object.fromEntries(
          (await at.call('GET', url, { token: await at.rootToken() })).body.items.map(
            (item: { last_four: string; last_used_at: string | null }) => [item.last_four, item.last_used_at],
          ),
        );
      const [old, fresh] = [client.clientSecret.slice(-4), made.last_four];
      expect(await uses()).toEqual({ [old]: null, [fresh]: null });
      await own.token(client);
      const first = new Date(own.now()).toISOString();
      expect(await uses()).toEqual({ [old]: first, [fresh]: null });
      await own.advance(30);
      await own.token({ ...client, clientSecret: made.client_secret });
      const expected = { [old]: first, [fresh]: new Date(own.now()).toISOString() };
      expect(await uses()).toEqual(expected);

      await own.app.close();
      const second = await startTestServer({ dataDir: own.dataDir });
      expect(await uses(second)).toEqual(expected);
      await second.close();
    } finally {
      await own.close();
    }
  });

  test('a wrong or expired secret does not count as a use', async () => {
    const client = await make();
    const { credentials } = await rotate(client, { expires_in_seconds: 1 });
    await server.advance(1);
    await works({ ...client, clientSecret: 'wrong' });
    await works(credentials);
    expect((await list(client)).map((item: { last_used_at: unknown }) => item.last_used_at)).toEqual([null, null]);
  });

  test('the answer to a rotation warns of other secrets in use, and says how long they stay valid', async () => {
    const client = await make();
    expect((await rotate(client)).warnings).toEqual([]);
    await server.token(client);
    const usedAt = new Date(server.now()).toISOString();
    await server.advance(5);
    const start = `The secret that ends in ${client.clientSecret.slice(-4)} was last used at ${usedAt}.`;
    expect((await rotate(client)).warnings).toEqual([`${start} It stays valid until it is deleted.`]);
    const end = new Date(server.now() + 60_000).toISOString();
    expect((await rotate(client, { overlap_seconds: 60 })).warnings).toEqual([`${start} It expires at ${end}.`]);
    expect((await rotate(client, { overlap_seconds: 0 })).warnings).toEqual([]);
  });
});

describe('deleting a secret', () => {
  test('takes effect immediately, and leaves the other secrets and the tokens valid', async () => {
    const client = await make();
    const { credentials } = await rotate(client);
    const token = await server.token(client);
    const [{ secret_id }] = (await list(client)).filter(
      (item: { last_four: string }) => item.last_four === client.clientSecret.slice(-4),
    );
    expect((await call('DELETE', `${pathOf(client)}/${secret_id}`)).status).toBe(204);
    expect([await works(client), await works(credentials)]).toEqual([false, true]);
    expect(await statusOf(token)).toBe(200);
    expect((await call('DELETE', `${pathOf(client)}/${secret_id}`)).status).toBe(404);
  });

  test('takes the id of a secret of that client only', async () => {
    const [client, other] = [await make(), await make()];
    const [{ secret_id }] = await list(other);
    expect((await call('DELETE', `${pathOf(client)}/${secret_id}`)).status).toBe(404);
    expect(await works(other)).toBe(true);
  });
});

test('at most five secrets are valid at once; expired ones make room', async () => {
  const client = await make();
  for (let count = 1; count < 5; count += 1) {
    await rotate(client, count === 1 ? { expires_in_seconds: 60 } : {});
  }
  const refused = await call('POST', pathOf(client), {});
  expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
  expect(await list(client)).toHaveLength(5);
  await server.advance(60);
  await rotate(client);
  expect(await list(client)).toHaveLength(5);
});

test('a client without a secret cannot get one', async () => {
  const client = await server.createClient({
    scopes: [],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })] },
  });
  expect((await call('POST', pathOf(client), {})).status).toBe(409);
  expect(await list(client)).toEqual([]);
});

describe('who may', () => {
  test.each([
    ['POST', 'client:update'],
    ['GET', 'client:read'],
    ['DELETE', 'client:update'],
  ])('%s needs %s', async (method, scope) => {
    const client = await make();
    const [{ secret_id }] = await list(client);
    const others = ['client:create', 'client:read', 'client:update', 'client:delete'].filter((one) => one !== scope);
    const token = await server.token(await server.createClient({ scopes: others, grantable_scopes: ['scope:read'] }));
    const url = method === 'DELETE' ? `${pathOf(client)}/${secret_id}` : pathOf(client);
    expect((await call(method, url, method === 'POST' ? {} : undefined, token)).status).toBe(403);
    expect(await works(client)).toBe(true);
  });

  test('a change needs the right to assign all that the client holds: a secret is as good as the client', async () => {
    const strong = await server.createClient({ scopes: ['policy:read', 'client:read'], grantable_scopes: [] });
    const [{ secret_id }] = await list(strong);
    const helper = await server.createClient({ scopes: ['client:update'], grantable_scopes: ['policy:read'] });
    const token = await server.token(helper);
    for (const [method, url, body] of [
      ['POST', pathOf(strong), {}],
      ['POST', pathOf(strong), { overlap_seconds: 0 }],
      ['DELETE', `${pathOf(strong)}/${secret_id}`, undefined],
    ] as const) {
      const answer = await call(method, url, body, token);
      expect([answer.status, answer.body.error]).toEqual([403, 'access_denied']);
    }
    expect([await works(strong), (await list(strong)).length]).toEqual([true, 1]);
    const plain = await server.createClient({ scopes: ['policy:read'], grantable_scopes: [] });
    expect((await call('POST', pathOf(plain), {}, token)).status).toBe(200);
  });

  test('root has no secrets here, and neither has a client that is not there', async () => {
    for (const clientId of [server.root.clientId, 'unknown']) {
      for (const [method, body] of [
        ['GET', undefined],
        ['POST', {}],
      ] as const) {
        expect((await call(method, pathOf({ clientId }), body)).status).toBe(404);
      }
      expect((await call('DELETE', `${pathOf({ clientId })}/root`)).status).toBe(404);
    }
    expect(await works(server.root)).toBe(true);
  });

  test.each([
    { overlap_seconds: -1 },
    { overlap_seconds: 1.5 },
    { overlap_seconds: '60' },
    { expires_in_seconds: 0 },
    { secret: 'chosen' },
    [],
  ])('%j is 422', async (body) => {
    const client = await make();
    expect((await call('POST', pathOf(client), body)).status).toBe(422);
    expect(await list(client)).toHaveLength(1);
  });
});

test('every change is an event with the id of the secret, and never the secret', async () => {
  const client = await make();
  const [first] = await list(client);
  const second = await rotate(client, { overlap_seconds: 60 });
  await call('DELETE', `${pathOf(client)}/${second.secret_id}`);
  const third = await rotate(client, { overlap_seconds: 0 });
  const actor = server.root.clientId;
  expect(await eventsAbout(client)).toEqual([
    { actor, kind: 'secret.created', data: { secret_id: first.secret_id } },
    { actor, kind: 'secret.created', data: { secret_id: second.secret_id, overlap_seconds: 60 } },
    { actor, kind: 'secret.deleted', data: { secret_id: second.secret_id } },
    { actor, kind: 'secret.deleted', data: { secret_id: first.secret_id } },
    { actor, kind: 'secret.created', data: { secret_id: third.secret_id, overlap_seconds: 0 } },
    { actor, kind: 'client.revoked', data: { status: expect.objectContaining({ generation: expect.any(Number) }) } },
  ]);
  expect(server.log.join()).not.toMatch(/postern[A-Za-z0-9]{49}/);
});

describe('whether an old secret is still used', () => {
  const usesOf = async (client: Credentials, from = server) =>
    (await from.call('GET', pathOf(client), { token: await from.rootToken() })).body.items.map(
      ({ use }: { use: string }) => use,
    );

  test('it is called unused only after the new one was used, and it was not for as long as a token lasts since', async () => {
    const client = await server.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 600 });
    expect(await usesOf(client)).toEqual(['current']);
    expect(await works(client)).toBe(true);
    await server.advance(1);
    const { credentials } = await rotate(client);
    expect(await usesOf(client)).toEqual(['unknown', 'current']);
    await server.advance(86_400);
    // An idle client says nothing.
    expect(await usesOf(client)).toEqual(['unknown', 'current']);
    expect(await works(credentials)).toBe(true);
    expect(await usesOf(client)).toEqual(['unused', 'current']);
    expect(await works(client)).toBe(true);
    expect(await usesOf(client)).toEqual(['in_use', 'current']);
    await server.advance(590);
    expect(await usesOf(client)).toEqual(['in_use', 'current']);
    await server.advance(20);
    expect(await usesOf(client)).toEqual(['unused', 'current']);
    root = await server.rootToken();
    const [old] = await list(client);
    expect(old).toMatchObject({ token_seconds: 600 });
    expect(Date.parse(old.use_known_until)).toBeGreaterThan(server.now() - 10_000);
  });

  test('another node knows of a use within seconds, if the client has several secrets', async () => {
    const one = await startTestServer();
    const two = await startTestServer({ dataDir: one.dataDir });
    const client = await one.createClient(['scope:read']);
    await one.advance(1);
    await two.advance(1);
    await one.call('POST', pathOf(client), { token: await one.rootToken(), body: {} });
    await two.token(client);
    await two.advance(6);
    await one.advance(6);
    expect(await usesOf(client, one)).toEqual(['in_use', 'current']);
    await two.close();
    await one.close();
  });
});
