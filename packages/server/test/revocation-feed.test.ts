/** The revocation feed over HTTP, by its page in the manual: docs/revocation-feed.md. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDatabase } from '@postern/testing/test-database';
import {
  type Answer,
  type Credentials,
  claimsOf,
  startTestServer,
  type TestServer,
} from '@postern/testing/test-server';
import fc from 'fast-check';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const path = '/api/v1/oauth/revocations';
const clientPath = '/api/v1/oauth/client';
const resource = 'https://orders.example.com';

// biome-ignore lint/suspicious/noExplicitAny: entries of every shape
type Entry = any;

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  root = await server.rootToken();
  await asRoot('PUT', '/api/v1/oauth/resource', { key: 'orders', identifier: resource, scopes: ['policy:read'] });
  await asRoot('PUT', '/api/v1/oauth/authorization-details-type', { type: 'payment', schema: { type: 'object' } });
});
afterAll(() => server.close());

async function asRoot(method: string, target: string, body?: unknown): Promise<Answer> {
  const answer = await server.call(method, target, { token: root, body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer;
}

/** One answer of the feed. */
async function read(query: Record<string, string> = {}, at = server, token = root) {
  const answer = await at.call('GET', `${path}?${new URLSearchParams(query)}`, { token });
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
  return answer.body;
}

const subjectOf = (entry: Entry): string => entry.jti ?? entry.client_id;

/** What a follower knows at the end of the feed, and where that is; it continues from what it knew before. */
async function follow(before = { cursor: '', known: new Map<string, Entry>() }, at = server, token = root) {
  const known = new Map(before.known);
  let { cursor } = before;
  for (let isBehind = true; isBehind; ) {
    const answer = await read(cursor === '' ? {} : { cursor }, at, token);
    if (answer.snapshot) {
      known.clear();
    }
    for (const entry of answer.entries) {
      known.set(subjectOf(entry), entry);
    }
    cursor = answer.cursor;
    isBehind = answer.more;
  }
  return { cursor, known };
}

/** The entries that came while `work` ran. */
async function entriesOf(work: () => Promise<unknown>): Promise<Entry[]> {
  const { cursor } = await follow();
  await work();
  const answer = await read({ cursor });
  expect(answer).toMatchObject({ snapshot: false, more: false });
  return answer.entries;
}

const patch = ({ clientId }: Credentials, body: object) => asRoot('PATCH', `${clientPath}/${clientId}`, body);
const ended = ({ clientId }: Credentials) => ({ type: 'client', client_id: clientId, active: false });
const changedStatus = ({ clientId }: Credentials, over: object = {}) => ({
  type: 'client',
  client_id: clientId,
  active: true,
  gen: 0,
  gen_exact: false,
  scopes: ['policy:read', 'scope:read'],
  resources: [resource],
  authorization_details_types: ['payment'],
  ...over,
});
const full = {
  scopes: ['policy:read', 'scope:read'],
  resources: [resource],
  authorization_details_types: ['payment'],
};

describe('what each change tells of a client', () => {
  const changes: [name: string, change: (client: Credentials) => Promise<unknown>, entry: object | 'ended'][] = [
    ['a scope taken', (client) => patch(client, { scopes: ['policy:read'] }), { scopes: ['policy:read'] }],
    [
      'scopes written',
      ({ clientId }) => asRoot('PUT', `${clientPath}/${clientId}/scope`, ['rule:read']),
      { scopes: ['rule:read'] },
    ],
    [
      'a scope given',
      (client) => patch(client, { scopes: ['policy:read', 'rule:read', 'scope:read'] }),
      { scopes: ['policy:read', 'rule:read', 'scope:read'] },
    ],
    ['a resource taken', (client) => patch(client, { resources: null }), { resources: [] }],
    [
      'a type of authorization details taken',
      (client) => patch(client, { authorization_details_types: [] }),
      { authorization_details_types: [] },
    ],
    ['disabling it', (client) => patch(client, { enabled: false }), 'ended'],
    [
      'revoking all of its tokens',
      ({ clientId }) => asRoot('POST', `${clientPath}/${clientId}/revoke`),
      { gen: expect.any(Number) },
    ],
    [
      'a new secret that ends all others',
      ({ clientId }) => asRoot('POST', `${clientPath}/${clientId}/secret`, { overlap_seconds: 0 }),
      { gen: expect.any(Number) },
    ],
    ['deleting it', ({ clientId }) => asRoot('DELETE', `${clientPath}/${clientId}`), 'ended'],
  ];
  test.each(changes)('%s', async (_, change, entry) => {
    const client = await server.createClient(full);
    const entries = await entriesOf(() => change(client));
    expect(entries).toEqual([entry === 'ended' ? ended(client) : changedStatus(client, entry)]);
  });

  test('enabling it again: earlier tokens remain invalid', async () => {
    const client = await server.createClient(full);
    await patch(client, { enabled: false });
    expect(await entriesOf(() => patch(client, { enabled: true }))).toEqual([
      changedStatus(client, { gen: expect.any(Number) }),
    ]);
  });

  test('a trusted issuer whose rule for it is changed or goes', async () => {
    const client = await server.createClient(full);
    const jwks = { keys: [await exportJWK((await generateKeyPair('ES256')).publicKey)] };
    const save = (claims: object) =>
      asRoot('PUT', '/api/v1/oauth/issuer', {
        key: 'ci',
        issuer: 'https://ci.example',
        jwks,
        rules: [{ client_id: client.clientId, claims }],
      });
    expect(await entriesOf(() => save({ sub: 'a' }))).toEqual([]);
    expect(await entriesOf(() => save({ sub: 'b' }))).toEqual([changedStatus(client, { gen: expect.any(Number) })]);
    const remove = () => asRoot('DELETE', '/api/v1/oauth/issuer/ci');
    expect(await entriesOf(remove)).toEqual([changedStatus(client, { gen: expect.any(Number) })]);
  });

  test('RFC 7592 §2.2 and §2.3 what it does to its own registration', async () => {
    const { body: initial } = await asRoot('POST', '/api/v1/oauth/initial-access-token', {
      scopes: ['policy:read', 'scope:read'],
      resources: [],
    });
    const made = await server.call('POST', '/api/v1/oauth/register', {
      token: initial.initial_access_token,
      body: { scope: 'policy:read scope:read' },
    });
    expect(made.status).toBe(201);
    const { client_id } = made.body;
    let token = made.body.registration_access_token;
    const manage = async (method: string, body?: object) => {
      const answer = await server.call(method, `/api/v1/oauth/register/${client_id}`, { token, body });
      expect(answer.status).toBeLessThan(300);
      token = answer.body.registration_access_token;
    };
    const client = { clientId: client_id, clientSecret: '' };
    const none = { resources: [], authorization_details_types: [] };
    expect(await entriesOf(() => manage('PUT', { client_id, scope: 'scope:read' }))).toEqual([
      changedStatus(client, { ...none, scopes: ['scope:read'] }),
    ]);
    expect(await entriesOf(() => manage('GET'))).toEqual([]);
    expect(await entriesOf(() => manage('DELETE'))).toEqual([ended(client)]);
  });

  test('nothing, if no token is revoked by it: creating it, naming it, adding or deleting a secret, a refused call', async () => {
    const entries = await entriesOf(async () => {
      const client = await server.createClient(full);
      const secrets = `${clientPath}/${client.clientId}/secret`;
      await patch(client, { name: 'a', grantable_scopes: [], access_token_ttl_seconds: 60 });
      const { body } = await asRoot('POST', secrets, {});
      await asRoot('DELETE', `${secrets}/${body.secret_id}`);
      await patch(client, full);
      const url = `${clientPath}/${client.clientId}`;
      expect((await server.call('PATCH', url, { token: root, body: { scopes: ['no:such'] } })).status).toBe(422);
    });
    expect(entries).toEqual([]);
  });
});

test('a revoked token has one entry, with its id and expiry', async () => {
  const client = await server.createClient(full);
  const token = await server.token(client);
  const { jti, exp } = claimsOf(token);
  const revoke = () =>
    server.postForm('/api/v1/oauth/revoke', {
      client_id: client.clientId,
      client_secret: client.clientSecret,
      token,
    });
  expect(await entriesOf(revoke)).toEqual([{ type: 'token', jti, exp, client_id: client.clientId, gen: 0 }]);
  expect(await entriesOf(revoke)).toEqual([]);
});

describe('the cursor', () => {
  test('without one, the answer starts from the beginning, with the last state of each subject', async () => {
    const client = await server.createClient(full);
    await patch(client, { scopes: ['policy:read'] });
    await patch(client, { scopes: [] });
    const answer = await read();
    expect(answer).toMatchObject({ snapshot: true, more: false, lag_seconds: expect.any(Number) });
    expect(answer.entries.filter((entry: Entry) => subjectOf(entry) === client.clientId)).toEqual([
      changedStatus(client, { scopes: [] }),
    ]);
  });

  test('of the last answer has nothing until there is something', async () => {
    const { cursor } = await follow();
    expect(await read({ cursor })).toMatchObject({ cursor, snapshot: false, more: false, entries: [] });
    const client = await server.createClient(full);
    // Its making is no entry, but moves the cursor on.
    const next = await read({ cursor });
    expect(next).toMatchObject({ snapshot: false, entries: [] });
    expect(next.cursor).not.toBe(cursor);
    await asRoot('DELETE', `${clientPath}/${client.clientId}`);
    for (const one of [cursor, next.cursor]) {
      expect((await read({ cursor: one })).entries).toEqual([ended(client)]);
    }
  });

  test.each([
    ['garbage', () => 'x'],
    ['that is empty', () => ''],
    ['of an event that never was', () => `999999.${'a'.repeat(43)}`],
    ['of a number that is none', () => `1e3.${'a'.repeat(43)}`],
    [
      'of another history, as after the restore of a backup',
      (good: string) => `${good.split('.')[0]}.${'a'.repeat(43)}`,
    ],
  ])('%s is answered from the start', async (_, cursorOf) => {
    const { cursor, known } = await follow();
    const answer = await read({ cursor: cursorOf(cursor) });
    expect(answer).toMatchObject({ snapshot: true, cursor });
    expect(answer.entries).toEqual([...known.values()]);
  });

  test('of another database is answered from the start', async () => {
    const other = await startTestServer();
    try {
      const theirs = await read({}, other, await other.rootToken());
      const { cursor, known } = await follow();
      const answer = await read({ cursor: theirs.cursor });
      expect([answer.snapshot, answer.cursor, answer.entries.length]).toEqual([true, cursor, known.size]);
    } finally {
      await other.close();
    }
  });

  test.each([
    ['cursor', 'a'.repeat(201)],
    ['wait', '31'],
    ['wait', '-1'],
    ['wait', 'x'],
    ['limit', '5'],
  ])('%s=%s is 422', async (name, value) => {
    const answer = await server.call('GET', `${path}?${name}=${value}`, { token: root });
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
    expect(answer.body.detail).toContain(name);
  });
});

test('an answer has at most 1000 entries, and says where to continue', async () => {
  const many = await startTestServer();
  try {
    const token = await many.rootToken();
    const exp = Math.floor(many.now() / 1000) + 600;
    await many.app.events.change('postern', async (_, append) => {
      for (let count = 0; count < 2_001; count += 1) {
        await append({ kind: 'token.revoked', subject: `token-${count}`, data: { client_id: 'x', exp } });
      }
    });
    const first = await read({}, many, token);
    expect([first.snapshot, first.more, first.entries.length]).toEqual([true, true, 1_000]);
    const second = await read({ cursor: first.cursor }, many, token);
    expect([second.snapshot, second.more, second.entries.length]).toEqual([false, true, 1_000]);
    const third = await read({ cursor: second.cursor }, many, token);
    expect([third.snapshot, third.more]).toEqual([false, false]);
    const subjects = [first, second, third].flatMap(({ entries }) => entries.map(subjectOf));
    expect(new Set(subjects).size).toBe(subjects.length);
    expect(subjects.filter((subject) => subject.startsWith('token-'))).toHaveLength(2_001);
  } finally {
    await many.close();
  }
});

describe('waiting', () => {
  /** True where the answer has not come though the server has answered other calls meanwhile. */
  async function isPending(answer: Promise<unknown>): Promise<boolean> {
    for (let count = 0; count < 3; count += 1) {
      await server.call('GET', '/health/ready');
    }
    return (await Promise.race([answer, Promise.resolve('pending')])) === 'pending';
  }

  test('ends with the first entry, and not with any other event', async () => {
    const client = await server.createClient(full);
    const { cursor } = await follow();
    const waiting = read({ cursor, wait: '30' });
    await patch(client, { name: 'other' });
    expect(await isPending(waiting)).toBe(true);
    await asRoot('DELETE', `${clientPath}/${client.clientId}`);
    expect(await waiting).toMatchObject({ snapshot: false, entries: [ended(client)] });
  });

  test('ends without an entry when its time is over, with the cursor moved on', async () => {
    const { cursor } = await follow();
    const waiting = read({ cursor, wait: '1' });
    await server.createClient(full);
    const answer = await waiting;
    expect(answer).toMatchObject({ snapshot: false, more: false, entries: [] });
    expect(answer.cursor).toBe((await read()).cursor);
  });

  test('is not for who comes without a cursor', async () => {
    expect((await read({ wait: '30' })).snapshot).toBe(true);
  });

  test('sends nothing to a token that was revoked meanwhile', async () => {
    const reader = await server.createClient({ scopes: ['revocation:read'], grantable_scopes: [] });
    const token = await server.token(reader);
    const { cursor } = await follow();
    const waiting = server.call('GET', `${path}?cursor=${cursor}&wait=30`, { token });
    expect(await isPending(waiting)).toBe(true);
    await asRoot('DELETE', `${clientPath}/${reader.clientId}`);
    expect([(await waiting).status, (await waiting).body.error]).toEqual([401, 'invalid_token']);
  });

  test('is no load: more followers than there may be requests under way keep nobody out, and all get the news', async () => {
    let arrived = 0;
    const own = await startTestServer({
      before: (app) =>
        app.addHook('preHandler', async (request) => {
          arrived += request.url.includes('wait=30') ? 1 : 0;
        }),
    });
    try {
      const token = await own.rootToken();
      const client = await own.createClient(['scope:read']);
      const { cursor } = await follow(undefined, own, token);
      const waiting = Promise.all(Array.from({ length: 1_050 }, () => read({ cursor, wait: '30' }, own, token)));
      await Promise.race([waiting, vi.waitFor(() => expect(arrived).toBe(1_050), 20_000)]);
      expect((await own.call('DELETE', `${clientPath}/${client.clientId}`, { token })).status).toBe(204);
      for (const answer of await waiting) {
        expect(answer.entries).toEqual([ended(client)]);
      }
    } finally {
      await own.close();
    }
  });

  test('does not hold up the end of the server', async () => {
    // As the command does at its end: connections that are kept alive would hold it up by themselves.
    const own = await startTestServer({
      before: (app) => app.addHook('onSend', async (_request, reply) => void reply.header('connection', 'close')),
    });
    const token = await own.rootToken();
    const { cursor } = await read({}, own, token);
    const waiting = Promise.all([read({ cursor, wait: '30' }, own, token), read({ cursor, wait: '30' }, own, token)]);
    await own.call('GET', '/health/ready');
    await own.close();
    for (const answer of await waiting) {
      expect(answer).toMatchObject({ cursor, entries: [] });
    }
  });
});

describe('over time', () => {
  test('what can kill no living token any more is dropped, ten minutes late, and is not told after a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'postern-feed-'));
    const env = { POSTERN_ISSUER: 'http://localhost:8080', OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '60' };
    const start = () => startTestServer({ dataDir, env });
    const first = await start();
    try {
      const token = await first.rootToken();
      const long = await first.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 7_200 });
      const revoked = await first.token(await first.createClient(['scope:read']));
      const { jti } = claimsOf(revoked);
      const form = { client_id: first.root.clientId, client_secret: first.root.clientSecret, token: revoked };
      expect((await first.postForm('/api/v1/oauth/revoke', form)).status).toBe(200);
      expect((await first.call('DELETE', `${clientPath}/${long.clientId}`, { token })).status).toBe(204);
      const told = async (at: TestServer) => {
        const answer = await read({}, at, await at.rootToken());
        return answer.entries.map(subjectOf);
      };
      expect(await told(first)).toEqual([first.root.clientId, jti, long.clientId]);
      await first.advance(86_400 + 3_600 + 599);
      expect(await told(first)).toEqual([first.root.clientId, jti, long.clientId]);
      await first.advance(1);
      expect(await told(first)).toEqual([first.root.clientId, long.clientId]);
      await first.advance(3_600);
      expect(await told(first)).toEqual([]);

      const second = await start();
      expect(await told(second)).toEqual([second.root.clientId, jti, long.clientId]);
      await second.close();
    } finally {
      await first.close();
      rmSync(dataDir, { recursive: true });
      await (await testDatabase(dataDir)).drop();
    }
  });

  test('a restart changes nothing for who follows', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'postern-feed-'));
    const env = {
      POSTERN_ISSUER: 'http://localhost:8080',
      OAUTH_ROOT_CLIENT_ID: 'root',
      OAUTH_ROOT_CLIENT_SECRET: randomBytes(32).toString('hex'),
    };
    const running = async <T>(over: object, work: (at: TestServer, token: string) => Promise<T>) => {
      const at = await startTestServer({ dataDir, env: { ...env, ...over } });
      try {
        return await work(at, await at.rootToken());
      } finally {
        await at.close();
      }
    };
    try {
      const before = await running({}, async (at, token) => {
        const client = await at.createClient(full.scopes);
        await at.call('PATCH', `${clientPath}/${client.clientId}`, { token, body: { scopes: [] } });
        return follow(undefined, at, token);
      });
      expect(before.known.get('root')).toMatchObject({ active: true, gen_exact: true });
      expect(before.known.get('root')).not.toHaveProperty('scopes');
      await running({}, async (at, token) => {
        expect(await follow(undefined, at, token)).toEqual(before);
        expect(await read({ cursor: before.cursor }, at, token)).toMatchObject({ snapshot: false, entries: [] });
      });
      await running({ OAUTH_ROOT_CLIENT_SECRET: randomBytes(32).toString('hex') }, async (at, token) => {
        const { entries } = await read({ cursor: before.cursor }, at, token);
        const gen = claimsOf(token)['gen'];
        expect(entries).toEqual([{ type: 'client', client_id: 'root', active: true, gen, gen_exact: true }]);
        expect(gen).not.toBe(before.known.get('root').gen);
      });
      await running({ OAUTH_ROOT_CLIENT_ID: 'admin' }, async (at, token) => {
        const { entries } = await read({ cursor: before.cursor }, at, token);
        expect(entries).toEqual([
          { type: 'client', client_id: 'root', active: false },
          { type: 'client', client_id: 'admin', active: true, gen: claimsOf(token)['gen'], gen_exact: true },
        ]);
      });
    } finally {
      rmSync(dataDir, { recursive: true });
      await (await testDatabase(dataDir)).drop();
    }
  });
});

describe('two nodes on one database', () => {
  let other: TestServer;
  beforeAll(async () => {
    other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
  });
  afterAll(() => other.close());

  test('tell the same, and take the cursors of each other', async () => {
    const client = await server.createClient(full);
    const { cursor } = await follow();
    const waiting = read({ cursor, wait: '30' }, other);
    await asRoot('DELETE', `${clientPath}/${client.clientId}`);
    await other.advance(0);
    expect((await waiting).entries).toEqual([ended(client)]);
    expect(await follow(undefined, other)).toEqual(await follow());
  });

  test('one that is behind sends nobody back', async () => {
    const client = await server.createClient(full);
    await asRoot('DELETE', `${clientPath}/${client.clientId}`);
    const { cursor } = await follow();
    // It may have heard by now, and may not: both must be right.
    const answer = await read({ cursor }, other);
    expect(answer).toMatchObject({ cursor, snapshot: false, more: false, entries: [] });
    await other.advance(0);
    expect((await follow(undefined, other)).cursor).toBe(cursor);
  });

  test('whatever is changed on which node, whoever followed either ends where a fresh one starts', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => server.createClient(full)));
    const change = fc.oneof(
      fc.subarray([...full.scopes, 'rule:read']).map((scopes) => ({ method: 'PATCH', body: { scopes } })),
      fc.boolean().map((enabled) => ({ method: 'PATCH', body: { enabled } })),
      fc.subarray([resource]).map((resources) => ({ method: 'PATCH', body: { resources } })),
      fc.constant({ method: 'PATCH', body: { name: 'other' } }),
      fc.constant({ method: 'POST', tail: '/revoke' }),
    );
    const step = fc.record({
      client: fc.nat(clients.length - 1),
      change,
      node: fc.nat(1),
      isFollowed: fc.boolean(),
      isCaughtUp: fc.boolean(),
    });
    const steps = fc.sample(step, { numRuns: 60, seed: 4 });
    let followed = await follow();
    for (const { client, change, node, isFollowed, isCaughtUp } of steps) {
      const at = node === 0 ? server : other;
      const { clientId } = clients[client] as Credentials;
      const { method, body, tail } = { body: undefined, tail: '', ...change };
      const answer = await at.call(method, `${clientPath}/${clientId}${tail}`, { token: root, body });
      expect(answer.status).toBeLessThan(300);
      if (isCaughtUp) {
        await Promise.all([server.advance(0), other.advance(0)]);
      }
      if (isFollowed) {
        followed = await follow(followed, node === 0 ? other : server);
      }
    }
    await Promise.all([server.advance(0), other.advance(0)]);
    followed = await follow(followed);
    const fresh = await follow(undefined, other);
    expect(new Map([...followed.known].toSorted())).toEqual(new Map([...fresh.known].toSorted()));

    for (const { clientId } of clients) {
      const { body } = await asRoot('GET', `${clientPath}/${clientId}`);
      expect(fresh.known.get(clientId)).toMatchObject(
        body.enabled
          ? { active: true, scopes: body.scopes.toSorted(), resources: body.resources ?? [] }
          : { active: false },
      );
    }
  });
});
