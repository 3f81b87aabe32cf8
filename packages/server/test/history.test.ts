/**
 * The database goes back in time while nodes run, or between two starts: a restore, a fail-over to a replica that is behind.
 * Nodes and guards notice, and no change that is made afterwards is missed. docs/nodes.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiGuard, createApiGuard } from '@postern/guard';
import { testDatabase } from '@postern/testing/test-database';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createRevokeAllTokens, openInstallation, openOfflineEventLog, readConfig } from '../src/index.ts';
import { saveTables } from './saved-tables.ts';

const issuer = 'https://auth.example.com';
const api = 'https://api.example.com';
const feedPath = '/api/v1/oauth/revocations';

let dataDir: string;
let a: TestServer;
let b: TestServer;
let guards: ApiGuard[];

const start = () => startTestServer({ dataDir, env: { POSTERN_ISSUER: issuer } });

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'postern-history-'));
  guards = [];
  a = await start();
  b = await start();
});
afterEach(async () => {
  await Promise.all(guards.map((guard) => guard.close()));
  await Promise.all([a.close(), b.close()]);
  rmSync(dataDir, { recursive: true });
  await (await testDatabase(dataDir)).drop();
});

async function asRoot(node: TestServer, method: string, path: string, body?: unknown) {
  const answer = await node.call(method, path, { token: await node.rootToken(), body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

const createReader = (node: TestServer) => node.createClient({ scopes: ['scope:read'] });
const statusOn = async (node: TestServer, token: string) =>
  (await node.call('GET', '/api/v1/oauth/scopes', { token })).status;
const revoke = (node: TestServer, { clientId, clientSecret }: Credentials, token: string) =>
  node.postForm('/api/v1/oauth/revoke', { client_id: clientId, client_secret: clientSecret, token });
/** Lets nodes look, as they do a few times a second. */
const look = (...nodes: TestServer[]) => Promise.all(nodes.map((node) => node.advance(0)));
const losses = (node: TestServer) => node.log.filter((line) => line.includes('The database has lost changes'));
const eventsOf = async (node: TestServer, kind: string) =>
  ((await node.rows('events')) as { kind: string; data: string }[]).filter((event) => event.kind === kind);

async function changeOften(node: TestServer) {
  for (let count = 0; count < 5; count += 1) {
    await createReader(node);
  }
}

/** Restores the tables as they are now, between two starts of both nodes. */
async function restoreWhileStopped(restore: Awaited<ReturnType<typeof saveTables>>) {
  await Promise.all([a.close(), b.close()]);
  const { db } = await openInstallation(
    readConfig({ POSTERN_DATA_DIR: dataDir, POSTERN_ISSUER: issuer, ...(await testDatabase(dataDir)).env }),
  );
  await restore(db);
  await db.destroy();
}

test.each<[string, (db: TestServer['db'], last: number) => Promise<unknown>]>([
  [
    'is changed',
    (db, last) => db.updateTable('events').set({ hash: 'changed' }).where('sequence', '=', last).execute(),
  ],
  ['is missing', (db, last) => db.deleteFrom('events').where('sequence', '=', last).execute()],
  ['is missing, as are all others', (db) => db.deleteFrom('events').execute()],
])('a log whose last event %s is read again once, not forever', async (_fault, tamper) => {
  const client = await createReader(a);
  const token = await a.token(client);
  const { sequence } = await a.db.selectFrom('event_head').select('sequence').executeTakeFirstOrThrow();
  await tamper(a.db, sequence);
  await look(a, b);
  await createReader(b);
  await look(a, b);
  expect(losses(a)).toHaveLength(1);
  expect((await revoke(b, client, token)).status).toBe(200);
  await look(a);
  expect(await statusOn(a, token)).toBe(401);
});

describe('after the database went back, a change with a number below that of the old head', () => {
  test('holds on the node that had taken the lost changes, when it makes it itself', async () => {
    const client = await createReader(a);
    const token = await a.token(client);
    const restore = await saveTables(a.db);
    await changeOften(a);
    await restore(a.db);
    expect((await revoke(a, client, token)).status).toBe(200);
    expect(await statusOn(a, token)).toBe(401);
  });

  test('holds on all nodes, whichever makes it', async () => {
    const client = await createReader(a);
    const tokens = [await a.token(client), await a.token(client)];
    const restore = await saveTables(a.db);
    await changeOften(a);
    await look(b);
    await restore(b.db);
    for (const [index, node] of [a, b].entries()) {
      // A node that reads everything again refuses meanwhile.
      await vi.waitFor(async () => expect((await revoke(node, client, tokens[index] as string)).status).toBe(200));
    }
    await look(a, b);
    for (const node of [a, b]) {
      expect(await Promise.all(tokens.map((token) => statusOn(node, token)))).toEqual([401, 401]);
    }
  });

  test('holds also if there are as many events again as before', async () => {
    const client = await createReader(a);
    const token = await a.token(client);
    const restore = await saveTables(a.db);
    await changeOften(a);
    await look(b);
    await restore(a.db);
    await changeOften(a);
    await revoke(a, client, token);
    await look(b);
    expect(await statusOn(b, token)).toBe(401);
  });
});

test('raising the generation of a client also ends its tokens of a lost history, if the clock of the node is behind', async () => {
  const client = await createReader(a);
  const restore = await saveTables(a.db);
  await asRoot(a, 'POST', `/api/v1/oauth/client/${client.clientId}/revoke`);
  const token = await a.token(client);
  await look(b);
  await restore(a.db);
  await look(a, b);
  b.jump(-120);
  await vi.waitFor(async () => expect((await b.call('GET', '/health/ready')).status).toBe(200));
  await asRoot(b, 'POST', `/api/v1/oauth/client/${client.clientId}/revoke`);
  b.jump(120);
  await look(a, b);
  expect([await statusOn(a, token), await statusOn(b, token)]).toEqual([401, 401]);
});

test('a node that reads everything again while its clock is ahead keeps what only seems to have expired', async () => {
  const client = await createReader(a);
  const token = await a.token(client);
  await revoke(a, client, token);
  await look(b);
  b.jump(10 * 86_400);
  // So the last event that is left is of that clock too.
  await createReader(b);
  const restore = await saveTables(a.db);
  await changeOften(b);
  await look(a, b);
  await restore(a.db);
  await look(a, b);
  await look(a, b);
  expect(losses(b)).not.toEqual([]);
  b.jump(-10 * 86_400);
  expect([await statusOn(a, token), await statusOn(b, token)]).toEqual([401, 401]);
});

test('revoking all tokens also ends those of a lost history in which a clock was ahead', async () => {
  const client = await createReader(a);
  const restore = await saveTables(a.db);
  a.jump(7_200);
  await asRoot(a, 'POST', `/api/v1/oauth/client/${client.clientId}/revoke`);
  const token = await a.token(client);
  a.jump(-7_200);
  await look(b);
  await restore(a.db);
  await look(a, b);
  await vi.waitFor(async () => {
    await b.advance(60);
    expect(await eventsOf(b, 'history.lost')).not.toEqual([]);
  });
  expect(await statusOn(b, token)).toBe(200);
  await asRoot(b, 'POST', '/api/v1/oauth/revoke_all');
  await look(a, b);
  expect([await statusOn(a, token), await statusOn(b, token)]).toEqual([401, 401]);
});

test.each<[string, (client: Credentials) => Promise<unknown>]>([
  ['are revoked', ({ clientId }) => asRoot(a, 'POST', `/api/v1/oauth/client/${clientId}/revoke`)],
  [
    'are revoked, by disabling it',
    async ({ clientId }) => {
      await asRoot(a, 'PATCH', `/api/v1/oauth/client/${clientId}`, { enabled: false });
      await asRoot(a, 'PATCH', `/api/v1/oauth/client/${clientId}`, { enabled: true });
    },
  ],
  [
    'are revoked, by deleting it and creating another one with its id',
    async ({ clientId }) => {
      await asRoot(a, 'DELETE', `/api/v1/oauth/client/${clientId}`);
      await asRoot(a, 'POST', '/api/v1/oauth/client', { client_id: clientId, scopes: ['scope:read'] });
    },
  ],
])('when the tokens of a client %s, so are those of changes that the database has lost', async (_, end) => {
  const client = await a.createClient({ client_id: 'chosen', scopes: ['scope:read'] });
  const restore = await saveTables(a.db);
  // It has a later generation than the client will have after the restore.
  await changeOften(a);
  for (let count = 0; count < 3; count += 1) {
    await asRoot(a, 'POST', `/api/v1/oauth/client/${client.clientId}/revoke`);
  }
  const token = await a.token(client);
  await restore(a.db);
  await look(a, b);
  expect(await statusOn(a, token)).toBe(200);
  await a.advance(1);
  await end(client);
  await look(a, b);
  expect([await statusOn(a, token), await statusOn(b, token)]).toEqual([401, 401]);
});

test('a change that the database loses before it is confirmed is not confirmed', async () => {
  const client = await createReader(a);
  const token = await a.token(client);
  const restore = await saveTables(a.db);
  let isLost = false;
  a.app.events.follow(
    async ({ kind }) => {
      if (kind === 'token.revoked' && !isLost) {
        isLost = true;
        await restore(a.db);
      }
    },
    () => {},
  );
  expect((await revoke(a, client, token)).status).toBe(503);
  expect(losses(a)).toHaveLength(1);
  await look(a);
  expect((await revoke(a, client, token)).status).toBe(200);
  expect(await statusOn(a, token)).toBe(401);
});

test('what a node reads again while its clock is ahead is complete when the clock is right', async () => {
  const client = await createReader(a);
  const token = await a.token(client);
  await revoke(a, client, token);
  const restore = await saveTables(a.db);
  await changeOften(a);
  const days = 30 * 86_400;
  a.jump(days);
  await restore(a.db);
  await a.app.events.catchUp();
  a.jump(-days);
  expect(await statusOn(a, token)).toBe(401);
  const { entries } = await asRoot(a, 'GET', feedPath);
  expect(entries).toContainEqual(expect.objectContaining({ type: 'token', jti: claimsOf(token)['jti'] }));
});

test('nothing that a node keeps in memory is from the lost history', async () => {
  const client = await createReader(a);
  const [token, revoked] = [await a.token(client), await a.token(client)];
  const kids = (await asRoot(a, 'GET', '/api/v1/oauth/key')).total;
  const restore = await saveTables(a.db);
  await revoke(a, client, revoked);
  await asRoot(a, 'PUT', '/api/v1/oauth/scope', [{ name: 'lost:read', description: 'x' }]);
  await asRoot(a, 'PUT', '/api/v1/oauth/resource', { key: 'lost', identifier: api, scopes: [] });
  await asRoot(a, 'PUT', '/api/v1/oauth/client-policy', { name: 'lost' });
  await asRoot(a, 'PUT', '/api/v1/oauth/authorization-details-type', { type: 'lost', schema: { type: 'object' } });
  await asRoot(a, 'PUT', '/api/v1/oauth/issuer', { key: 'lost', issuer: 'https://ci.example.com', rules: [] });
  await asRoot(a, 'POST', '/api/v1/oauth/key/rotate', {});
  const lost = await createReader(a);
  const lostToken = await a.token(lost);
  await asRoot(a, 'DELETE', `/api/v1/oauth/client/${client.clientId}`);
  await look(b);
  await restore(a.db);
  await look(a, b);
  for (const node of [a, b]) {
    expect(await statusOn(node, lostToken)).toBe(401);
    expect(await Promise.all([token, revoked].map((one) => statusOn(node, one)))).toEqual([200, 200]);
    await expect(node.token(lost)).rejects.toThrow('401');
    await node.token(client);
    const root = await node.rootToken();
    expect(claimsOf(root)['scope']).not.toContain('lost:read');
    for (const path of ['resource', 'client-policy', 'authorization-details-type', 'issuer']) {
      expect((await node.call('GET', `/api/v1/oauth/${path}`, { token: root })).body.items).toEqual([]);
    }
    expect((await node.call('GET', '/api/v1/oauth/key', { token: root })).body.total).toBe(kids);
    const { entries } = (await node.call('GET', feedPath, { token: root })).body;
    expect(entries.map(({ type, client_id }: Record<string, unknown>) => [type, client_id])).toEqual([
      ['client', node.root.clientId],
    ]);
  }
});

test('a node is not ready, and gives no token and accepts none, until it has read everything again', async () => {
  const client = await createReader(a);
  const token = await a.token(client);
  const restore = await saveTables(a.db);
  await changeOften(a);
  const reading = Promise.withResolvers<void>();
  a.app.events.follow(
    () => {},
    () => reading.promise,
  );
  await restore(a.db);
  const looking = look(a);
  await vi.waitFor(async () => expect((await a.call('GET', '/health/ready')).status).toBe(503));
  expect(await statusOn(a, token)).toBe(503);
  await expect(a.token(client)).rejects.toThrow('503');
  expect((await b.call('GET', '/health/ready')).status).toBe(200);
  reading.resolve();
  await looking;
  expect((await a.call('GET', '/health/ready')).status).toBe(200);
  expect(await statusOn(a, token)).toBe(200);
});

test('a node that cannot read everything again at once tries again', async () => {
  const restore = await saveTables(a.db);
  await changeOften(a);
  let attempts = 0;
  a.app.events.follow(
    () => {},
    () => {
      attempts += 1;
      if (attempts === 1) {
        throw new Error('the database is out of reach');
      }
    },
  );
  await restore(a.db);
  await look(a);
  expect((await a.call('GET', '/health/ready')).status).toBe(503);
  await look(a);
  expect([attempts, (await a.call('GET', '/health/ready')).status]).toEqual([2, 200]);
});

describe('that changes were lost is told', () => {
  // A database that tells of changes wakes a node while it reads everything again, which may then find a second loss on a starved machine.
  test('in the log, the audit trail, the readiness and the metrics, until all tokens are revoked', {
    retry: 3,
  }, async () => {
    const restore = await saveTables(a.db);
    await changeOften(a);
    await look(b);
    const { sequence } = await asRoot(a, 'GET', '/api/v1/oauth/events/head');
    await restore(a.db);
    await look(a, b);
    await look(a, b);
    expect(losses(a), losses(a).join('\n')).toHaveLength(1);
    expect(losses(a)[0]).toContain(`event ${sequence}, which`);
    const events = await eventsOf(a, 'history.lost');
    expect(events.map(({ data }) => JSON.parse(data))).toEqual([
      {
        sequence,
        hash: expect.any(String),
        known_by: expect.any(String),
        generation: expect.any(Number),
        known_at: expect.any(String),
      },
    ]);
    const metrics = async () => (await a.call('GET', '/metrics')).body;
    for (const node of [a, b]) {
      const { body } = await node.call('GET', '/health/ready');
      expect(body).toMatchObject({ status: 'ok', history_lost_at: expect.any(String) });
    }
    expect(await metrics()).toMatch(/^postern_history_losses_total 1\npostern|^postern_history_losses_total 1$/m);
    expect(await metrics()).toMatch(/^postern_history_lost 1$/m);
    await asRoot(b, 'POST', '/api/v1/oauth/revoke_all');
    await look(a);
    expect((await a.call('GET', '/health/ready')).body).not.toHaveProperty('history_lost_at');
    expect(await metrics()).toMatch(/^postern_history_lost 0$/m);
  });

  test('at the start, if it happened while no node ran, and again at later starts', async () => {
    const restore = await saveTables(a.db);
    await changeOften(a);
    await restoreWhileStopped(restore);
    a = await start();
    expect(losses(a)).toHaveLength(1);
    expect(losses(a)[0]).toContain('which the file last-event.json knows');
    expect((await a.call('GET', '/health/ready')).body).toHaveProperty('history_lost_at');
    expect((await a.call('GET', '/metrics')).body).toMatch(/^postern_history_lost 1$/m);
    await look(a);
    await a.close();
    [a, b] = [await start(), await start()];
    expect(losses(a)).toEqual([]);
    expect((await a.call('GET', '/health/ready')).body).toHaveProperty('history_lost_at');
    expect(await eventsOf(a, 'history.lost')).toHaveLength(1);
  });

  test('at the start, but not for long, if all tokens were revoked when it was restored', async () => {
    const restore = await saveTables(a.db);
    await changeOften(a);
    await Promise.all([a.close(), b.close()]);
    const env = { POSTERN_DATA_DIR: dataDir, POSTERN_ISSUER: issuer, ...(await testDatabase(dataDir)).env };
    const installation = await openInstallation(readConfig(env));
    await restore(installation.db);
    const events = await openOfflineEventLog({ installation, now: Date.now });
    await createRevokeAllTokens({ events, ...installation })('postern');
    await installation.db.destroy();
    [a, b] = [await start(), await start()];
    expect(losses(a)).toHaveLength(1);
    for (const node of [a, b]) {
      expect((await node.call('GET', '/health/ready')).body).not.toHaveProperty('history_lost_at');
      await look(node);
      expect((await node.call('GET', '/health/ready')).body).not.toHaveProperty('history_lost_at');
    }
    expect(await eventsOf(a, 'history.lost')).toHaveLength(1);
  });

  test('by a guard that knows more than the database, if nothing else does', async () => {
    const restore = await saveTables(a.db);
    await changeOften(a);
    const { cursor } = await asRoot(a, 'GET', feedPath);
    await restoreWhileStopped(restore);
    rmSync(join(dataDir, 'last-event.json'));
    [a, b] = [await start(), await start()];
    expect(losses(a)).toEqual([]);
    for (let count = 0; count < 2; count += 1) {
      const answer = await asRoot(a, 'GET', `${feedPath}?cursor=${cursor}`);
      expect(answer).toMatchObject({ snapshot: true, history_changed: true });
      await look(a);
    }
    expect(losses(a)).toHaveLength(1);
    expect(losses(a)[0]).toContain('which a follower of the revocation feed knows');
    expect(await eventsOf(a, 'history.lost')).toHaveLength(1);
  });

  test('by nobody who made a cursor up', async () => {
    const { cursor } = await asRoot(a, 'GET', feedPath);
    const [sequence, hash, mac] = cursor.split('.');
    for (const forged of [`${Number(sequence) + 5}.${hash}.${mac}`, `${sequence}.${'a'.repeat(43)}.${mac}`]) {
      expect(await asRoot(a, 'GET', `${feedPath}?cursor=${forged}`)).toMatchObject({ snapshot: true });
    }
    await look(a);
    expect(losses(a)).toEqual([]);
  });
});

describe('the feed', () => {
  test('answers a follower that waits at once, from the beginning, and marks that the history changed', async () => {
    const restore = await saveTables(a.db);
    await changeOften(a);
    const { cursor } = await asRoot(a, 'GET', feedPath);
    const token = await a.rootToken();
    const waiting = a.call('GET', `${feedPath}?cursor=${cursor}&wait=30`, { token });
    await restore(a.db);
    await look(a);
    const { body } = await waiting;
    expect(body).toMatchObject({ snapshot: true, history_changed: true });
    const next = await asRoot(a, 'GET', `${feedPath}?cursor=${body.cursor}`);
    expect(next).toMatchObject({ snapshot: false, history_changed: false });
  });

  test('never passes what a node has read of one history for that of another one', async () => {
    const { cursor: earlier } = await asRoot(a, 'GET', feedPath);
    await changeOften(a);
    // It has read everything, and knows no hash of an earlier event yet.
    const fresh = await start();
    try {
      const token = await fresh.rootToken();
      const read = (cursor?: string) =>
        fresh.call('GET', cursor === undefined ? feedPath : `${feedPath}?cursor=${cursor}`, { token });
      const { sequence } = await a.db.selectFrom('event_head').select('sequence').executeTakeFirstOrThrow();
      await a.db.updateTable('events').set({ hash: 'changed' }).where('sequence', '=', sequence).execute();
      const { status } = await read(earlier);
      const body = await vi.waitFor(async () => {
        const answer = await read();
        expect(answer.status).toBe(200);
        return answer.body;
      });
      // A database that tells of changes may have made it look already.
      const hasLooked = body.cursor.includes('.changed.');
      expect(hasLooked ? [200, 503] : [503]).toContain(status);
      await look(fresh);
      const isOther = !hasLooked;
      expect((await read(body.cursor)).body).toMatchObject({ snapshot: isOther, history_changed: isOther });
      expect((await read(earlier)).body).toMatchObject({ snapshot: false, history_changed: false });
    } finally {
      await fresh.close();
    }
  });
});

test('a guard refuses what was revoked in the lost changes, and hears of what is revoked afterwards', async () => {
  await asRoot(a, 'PUT', '/api/v1/oauth/resource', { key: 'api', identifier: api, scopes: ['scope:read'] });
  const client = await a.createClient({ scopes: ['scope:read'], resources: [api] });
  const tokenOf = async ({ clientId, clientSecret }: Credentials) => {
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, resource: api };
    return (await a.postForm('/api/v1/oauth/token', form)).body.access_token as string;
  };
  const [revoked, other, later] = [await tokenOf(client), await tokenOf(client), await tokenOf(client)];
  const restore = await saveTables(a.db);
  await revoke(a, client, revoked);
  const follower = await a.rootToken();
  const faults: string[] = [];
  const guard = createApiGuard({
    issuer,
    audience: api,
    fetch: (url, init) => fetch(url.replace(issuer, a.url), init),
    revocations: {
      fetch: (url, init) =>
        fetch(url.replace(issuer, a.url), { ...init, headers: { authorization: `Bearer ${follower}` } }),
    },
    onFault: (fault) => faults.push(fault.message),
  });
  guards.push(guard);
  await guard.start();
  const outcome = (token: string) =>
    guard
      .authorize(
        {
          method: 'GET',
          path: '/',
          authorization: `Bearer ${token}`,
          dpop: undefined,
          certificateThumbprint: undefined,
        },
        'scope:read',
      )
      .then(
        () => 'passed',
        ({ reason }) => reason,
      );
  expect([await outcome(revoked), await outcome(other)]).toEqual(['token_revoked', 'passed']);
  await changeOften(a);
  await restore(a.db);
  await look(a);
  await vi.waitFor(() => expect(faults.join()).toContain('has lost changes'), { timeout: 5_000 });
  expect(faults).toHaveLength(1);
  expect(await Promise.all([revoked, other, later].map(outcome))).toEqual(['token_revoked', 'passed', 'passed']);
  await revoke(a, client, later);
  await vi.waitFor(async () => expect(await outcome(later)).toBe('token_revoked'), { timeout: 5_000 });
  expect(await outcome(other)).toBe('passed');
});
