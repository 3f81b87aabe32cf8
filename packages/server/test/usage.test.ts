/** Counting what is issued and refused: by client and scope, by hour, over restarts and several nodes. */
import { setImmediate } from 'node:timers/promises';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const day = 86_400;
const get = async (path: string, from = server) =>
  (await from.call('GET', `/api/v1/oauth${path}`, { token: await from.rootToken() })).body;
const usageOf = ({ clientId }: Credentials, from = server) => get(`/client/${clientId}/usage`, from);
const nowText = () => new Date(server.now()).toISOString();

describe('GET /api/v1/oauth/client/{client_id}/usage', () => {
  test('counts tokens and scopes, those never used among them', async () => {
    const client = await server.createClient(['policy:read', 'rule:read', 'user:read']);
    const never = { tokens_issued: 0, last_issued_at: null };
    expect(await usageOf(client)).toEqual({
      ...never,
      quotas: [],
      scopes: ['policy:read', 'rule:read', 'user:read'].map((scope) => ({ scope, ...never })),
    });

    await server.token(client, 'policy:read');
    const first = nowText();
    await server.advance(10);
    await server.token(client, 'policy:read rule:read');
    await server.token(client, 'rule:read');
    expect(await usageOf(client)).toEqual({
      tokens_issued: 3,
      last_issued_at: nowText(),
      quotas: [],
      scopes: [
        { scope: 'policy:read', tokens_issued: 2, last_issued_at: nowText() },
        { scope: 'rule:read', tokens_issued: 2, last_issued_at: nowText() },
        { scope: 'user:read', ...never },
      ],
    });
    expect(first).not.toBe(nowText());
  });

  test('counts by what a token holds, and lists what the client holds', async () => {
    const client = await server.createClient(['policy:read', 'rule:read']);
    await server.token(client);
    await server.call('PUT', `/api/v1/oauth/client/${client.clientId}/scope`, {
      token: await server.rootToken(),
      body: ['rule:read'],
    });
    const { scopes } = await usageOf(client);
    expect(scopes).toEqual([{ scope: 'rule:read', tokens_issued: 1, last_issued_at: nowText() }]);
  });

  test('counts nothing that was refused', async () => {
    const client = await server.createClient(['policy:read']);
    await expect(server.token(client, 'rule:read')).rejects.toThrow('invalid_scope');
    await expect(server.token({ ...client, clientSecret: 'wrong' })).rejects.toThrow('invalid_client');
    expect(await usageOf(client)).toMatchObject({ tokens_issued: 0, last_issued_at: null });
  });

  test('is 404 for nobody and for root, who is no client to manage', async () => {
    const token = await server.rootToken();
    for (const id of ['nobody', server.root.clientId]) {
      expect((await server.call('GET', `/api/v1/oauth/client/${id}/usage`, { token })).status).toBe(404);
    }
  });

  test('goes with its client, also where a token is counted after that', async () => {
    const client = await server.createClient(['policy:read']);
    await server.token(client);
    await usageOf(client);
    await server.token(client);
    await server.call('DELETE', `/api/v1/oauth/client/${client.clientId}`, { token: await server.rootToken() });
    await server.advance(60);
    for (const table of ['client_usage', 'scope_usage'] as const) {
      const rows = await server.db.selectFrom(table).selectAll().where('client_id', '=', client.clientId).execute();
      expect(rows).toEqual([]);
    }
  });

  test.runIf(inject('postgres') !== undefined)('is counted for all but a client that goes meanwhile', async () => {
    const [going, staying] = [await server.createClient(['policy:read']), await server.createClient(['policy:read'])];
    await server.token(going);
    await server.token(staying);
    // Else its last use would have to wait first.
    await server.db.deleteFrom('client_secrets').where('client_id', '=', going.clientId).execute();
    const waiting = sql<{ number: number }>`select count(*) as number from pg_locks where not granted`;
    const read = await server.db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('clients').where('id', '=', going.clientId).execute();
      const reading = usageOf(staying);
      while ((await waiting.execute(server.db)).rows[0]?.number === 0) {
        await setImmediate();
      }
      return { reading };
    });
    expect((await read.reading).tokens_issued).toBe(1);
  });

  test('adds up over nodes and restarts', async () => {
    const one = await startTestServer();
    const client = await one.createClient(['policy:read']);
    const two = await startTestServer({ dataDir: one.dataDir });
    await one.token(client);
    await two.token(client);
    await one.advance(0);
    await two.token(client);
    await two.advance(0);
    expect((await usageOf(client, one)).tokens_issued).toBe(3);
    await one.token(client);
    await one.app.close();
    expect((await usageOf(client, two)).scopes[0].tokens_issued).toBe(4);
    await two.close();
    await one.close();
  });

  test('issuing writes nothing, and what cannot be written is not lost', async () => {
    const failing = await startTestServer();
    const client = await failing.createClient(['policy:read']);
    await failing.advance(60);
    const rows = () => failing.db.selectFrom('client_usage').select('tokens_issued').execute();
    await failing.token(client);
    expect((await rows()).map(({ tokens_issued }) => Number(tokens_issued))).toEqual([0]);
    await failing.db.schema.alterTable('client_usage').renameTo('elsewhere').execute();
    await failing.advance(60);
    await failing.token(client);
    await failing.db.schema.alterTable('elsewhere').renameTo('client_usage').execute();
    expect(await usageOf(client, failing)).toMatchObject({
      tokens_issued: 2,
      scopes: [{ scope: 'policy:read', tokens_issued: 2 }],
    });
    expect(failing.log.join('')).toContain('maintenance failed');
    await failing.close();
  });
});

describe('GET /api/v1/oauth/usage/unused', () => {
  let quiet: TestServer;
  let clients: Credentials[];
  beforeAll(async () => {
    quiet = await startTestServer();
    clients = [];
    for (const scopes of [['policy:read', 'rule:read'], ['policy:read'], [], ['user:read']]) {
      clients.push(await quiet.createClient({ name: `client ${clients.length}`, scopes }));
      await quiet.advance(1);
    }
  });
  afterAll(() => quiet.close());

  const unused = (query: string) => get(`/usage/unused?${query}`, quiet);
  const item = (index: number, last_issued_at: string | null, ...scopes: string[]) => ({
    client_id: clients[index]?.clientId,
    name: `client ${index}`,
    created_at: expect.any(String),
    last_issued_at,
    too_young: false,
    scopes,
  });
  const timeOf = () => new Date(quiet.now()).toISOString();

  test('names clients that are younger than the days asked for as too young to say', async () => {
    const { items, total } = await unused('days=1');
    expect(total).toBe(3);
    expect(items).toEqual([
      { ...item(0, null, 'policy:read', 'rule:read'), too_young: true },
      { ...item(1, null, 'policy:read'), too_young: true },
      { ...item(3, null, 'user:read'), too_young: true },
    ]);
  });

  test('lists what no token held for as many days, also of clients that never had one, page by page', async () => {
    await quiet.token(clients[1] as Credentials);
    const first = timeOf();
    await quiet.advance(50 * day);
    await quiet.token(clients[0] as Credentials, 'rule:read');
    const second = timeOf();
    await quiet.advance(50 * day);
    const all = (await unused('')).items;
    expect(all).toEqual([item(0, second, 'policy:read'), item(1, first, 'policy:read'), item(3, null, 'user:read')]);
    expect((await unused('days=30')).items[0]).toEqual(item(0, second, 'policy:read', 'rule:read'));
    await quiet.token(clients[1] as Credentials);
    const left = (await unused('')).items;
    expect(left).toEqual(all.filter((one: { client_id: string }) => one.client_id !== clients[1]?.clientId));
    const pages = [await unused('size=1'), await unused('size=1&page=2'), await unused('size=1&page=3')];
    expect(pages.map(({ items }) => items)).toEqual([[left[0]], [left[1]], []]);
    expect(pages[0]).toMatchObject({ total: 2, pages: 2, page: 1, size: 1 });
    const young = await quiet.createClient({ name: 'young', scopes: ['user:read'] });
    expect((await unused('')).items.at(-1)).toMatchObject({ client_id: young.clientId, too_young: true });
  });

  test.each(['days=0', 'days=3651', 'days=x', 'size=101', 'name=x'])('%s is 422', async (query) => {
    const token = await quiet.rootToken();
    expect((await quiet.call('GET', `/api/v1/oauth/usage/unused?${query}`, { token })).status).toBe(422);
  });
});

describe('GET /api/v1/oauth/statistics', () => {
  let counted: TestServer;
  beforeEach(async () => {
    counted = await startTestServer();
    return () => counted.close();
  });
  const statistics = (hours: number) => get(`/statistics?hours=${hours}`, counted);
  const hourOf = (ms: number) => `${new Date(ms).toISOString().slice(0, 13)}:00:00.000Z`;

  test('counts by hour what was issued and why the rest was refused', async () => {
    const client = await counted.createClient(['policy:read']);
    const before = (await statistics(1)).buckets[0].issued;
    await counted.advance(3_600);
    await counted.token(client);
    await expect(counted.token({ ...client, clientSecret: 'wrong' })).rejects.toThrow('401');
    await expect(counted.token({ ...client, clientSecret: 'wrong' })).rejects.toThrow('401');
    await expect(counted.token(client, 'rule:read')).rejects.toThrow('400');
    await counted.postForm('/api/v1/oauth/token', {});
    await fetch(`${counted.url}/api/v1/oauth/token`, { method: 'POST', body: 'text' });
    const { buckets } = await statistics(3);
    expect(buckets).toEqual([
      { from: hourOf(counted.now() - 7_200_000), issued: 0, issued_by_secret: 0, refused: 0, refused_by: {} },
      { from: hourOf(counted.now() - 3_600_000), issued: before, issued_by_secret: before, refused: 0, refused_by: {} },
      {
        from: hourOf(counted.now()),
        // The client's, and root's own for this very call.
        issued: 2,
        issued_by_secret: 2,
        refused: 5,
        refused_by: { secret_wrong: 2, invalid_scope: 1, invalid_request: 2 },
      },
    ]);
  });

  test('counts clients: all, the enabled ones, and those that got a token in these hours', async () => {
    const [first, second] = [await counted.createClient(['policy:read']), await counted.createClient([])];
    await counted.createClient({ enabled: false });
    await counted.token(first);
    await counted.advance(2 * 3_600);
    await counted.token(second);
    expect((await statistics(2)).clients).toEqual({ total: 3, enabled: 2, expiring: 0, active: 1 });
    expect((await statistics(24)).clients).toEqual({ total: 3, enabled: 2, expiring: 0, active: 2 });
  });

  test('says what share of tokens came by a shared secret, and which clients to move next', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keyClient = await counted.call('POST', '/api/v1/oauth/client', {
      token: await counted.rootToken(),
      body: {
        scopes: ['policy:read'],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [await exportJWK(publicKey)] },
      },
    });
    const { client_id } = keyClient.body;
    const [busy, quiet] = [
      await counted.createClient({ name: 'busy', scopes: ['policy:read'] }),
      await counted.createClient(['policy:read']),
    ];
    await counted.createClient(['policy:read']);
    await counted.token(quiet);
    await counted.advance(2 * 3_600);
    const root = await counted.rootToken();
    for (let i = 0; i < 3; i += 1) {
      await counted.token(busy);
      const nowSeconds = Math.floor(counted.now() / 1000);
      const assertion = await new SignJWT({ jti: `${i}`, exp: nowSeconds + 60 })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(client_id)
        .setSubject(client_id)
        .setAudience(counted.url)
        .sign(privateKey);
      const { status } = await counted.postForm('/api/v1/oauth/token', {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
      expect(status).toBe(200);
    }
    const read = async (hours: number) =>
      (await counted.call('GET', `/api/v1/oauth/statistics?hours=${hours}`, { token: root })).body;
    const { buckets, busiest_secret_clients } = await read(1);
    // Those of the busy client, and root's own.
    expect([buckets[0].issued, buckets[0].issued_by_secret]).toEqual([7, 4]);
    expect(buckets[0].refused_by).toEqual({});
    expect(busiest_secret_clients).toEqual([{ client_id: busy.clientId, name: 'busy', tokens_issued: 3 }]);
    expect((await read(24)).busiest_secret_clients).toEqual([
      { client_id: busy.clientId, name: 'busy', tokens_issued: 3 },
      { client_id: quiet.clientId, name: null, tokens_issued: 1 },
    ]);
  });

  test('goes back 90 days and forgets what is older', async () => {
    await counted.rootToken();
    await counted.advance(60);
    await counted.advance(90 * day + 3_600);
    await counted.rootToken();
    await counted.advance(60);
    const { buckets } = await statistics(2_160);
    expect(buckets).toHaveLength(2_160);
    expect(buckets.slice(0, -2).every(({ issued }: { issued: number }) => issued === 0)).toBe(true);
    const hours = await counted.db.selectFrom('token_statistics').select('hour').execute();
    expect(hours.every(({ hour }) => hour > counted.now() / 3_600_000 - 2_161)).toBe(true);
  });

  test.each(['hours=0', 'hours=2161', 'hours=x', 'days=1'])('%s is 422', async (query) => {
    const token = await counted.rootToken();
    expect((await counted.call('GET', `/api/v1/oauth/statistics?${query}`, { token })).status).toBe(422);
  });
});
