/** The event log: every change appends its rows in its own transaction, and a refused one none. */

import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabaseDriver } from '../src/db/driver.ts';
import { openEventLog } from '../src/events/event-log.ts';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const path = '/api/v1/oauth/client';
const call = (method: string, url: string, body?: unknown, token = root) => server.call(method, url, { token, body });

interface EventRow {
  readonly sequence: number;
  readonly actor: string;
  readonly kind: string;
  readonly subject: string;
  readonly data: unknown;
}

/** The rows that the event log got while `work` ran. */
async function eventsOf(work: () => Promise<unknown>): Promise<Omit<EventRow, 'sequence'>[]> {
  const { sequence: last } = await server.db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
  await work();
  const rows = await server.db
    .selectFrom('events')
    .selectAll()
    .where('sequence', '>', last)
    .orderBy('sequence')
    .execute();
  return rows.map(({ actor, kind, subject, data }) => ({ actor, kind, subject, data: JSON.parse(data) }));
}

describe('the event log', () => {
  test('has one row for a new client and one for its secret', async () => {
    let client: Credentials | undefined;
    const rows = await eventsOf(async () => {
      client = await server.createClient({ name: 'logged', scopes: ['policy:read'] });
    });
    expect(rows).toEqual([
      {
        actor: server.root.clientId,
        kind: 'client.created',
        subject: client?.clientId,
        data: { name: 'logged', scopes: ['policy:read'] },
      },
      {
        actor: server.root.clientId,
        kind: 'secret.created',
        subject: client?.clientId,
        data: { secret_id: expect.any(String) },
      },
    ]);
  });

  test('has one row for a change, a write of scopes and a deletion, with who made it', async () => {
    const maker = await server.createClient({
      scopes: ['client:update', 'client:delete'],
      grantable_scopes: ['policy:read'],
    });
    const token = await server.token(maker);
    const { clientId } = await server.createClient({ grantable_scopes: [] });
    const event = (kind: string, data: unknown) => [{ actor: maker.clientId, kind, subject: clientId, data }];

    const url = `${path}/${clientId}`;
    expect(await eventsOf(() => call('PUT', url, { name: 'a' }, token))).toEqual(
      event('client.updated', { name: 'a' }),
    );
    expect(await eventsOf(() => call('PATCH', url, { name: null }, token))).toEqual(
      event('client.updated', { name: null }),
    );
    expect(await eventsOf(() => call('PUT', `${url}/scope`, ['policy:read'], token))).toEqual(
      event('client.updated', {
        scopes: ['policy:read'],
        status: {
          enabled: true,
          generation: 0,
          scopes: ['policy:read'],
          resources: [],
          authorization_details_types: [],
        },
      }),
    );
    expect(await eventsOf(() => call('DELETE', url, undefined, token))).toEqual(
      event('client.deleted', { generation: 0 }),
    );
  });

  test('has no row for a refused change or a read', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    const weak = await server.token(
      await server.createClient({ scopes: ['client:create', 'client:update', 'client:delete', 'client:read'] }),
    );
    const strong = await server.createClient({ scopes: ['client:create'] });
    const url = `${path}/${strong.clientId}`;
    const rows = await eventsOf(async () => {
      const refused = [
        await call('POST', path, ['client:create'], weak),
        await call('PUT', url, { name: 'x' }, weak),
        await call('PATCH', url, { enabled: false }, weak),
        await call('PUT', `${url}/scope`, [], weak),
        await call('DELETE', url, undefined, weak),
        await call('POST', path, { colour: 'green' }),
        await call('POST', path, ['policy:fly']),
        await call('PATCH', `${path}/nobody`, { name: 'x' }),
        await call('DELETE', `${path}/nobody`),
        await call('DELETE', url, undefined, 'x'),
      ];
      expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 422, 422, 404, 404, 401]);
      await call('GET', `${path}/${client.clientId}`);
      await call('GET', path);
      await server.token(client);
    });
    expect(rows).toEqual([]);
    expect((await call('GET', url)).body.name).toBeNull();
  });
});

test('a change that cannot be logged does not happen: both are one transaction', async () => {
  const broken = await startTestServer();
  try {
    const client = await broken.createClient({ name: 'kept', scopes: ['policy:read'] });
    const token = await broken.rootToken();
    const url = `${path}/${client.clientId}`;
    const all = () => broken.rows('clients');
    const before = await all();
    await sql`alter table events rename to events_elsewhere`.execute(broken.db);
    for (const [method, target, body] of [
      ['POST', path, {}],
      ['PATCH', url, { name: 'changed' }],
      ['PUT', `${url}/scope`, []],
      ['DELETE', url, undefined],
    ] as const) {
      const answer = await broken.call(method, target, { token, body });
      expect([answer.status, answer.body.error]).toEqual([500, 'server_error']);
      expect(answer.body.detail).not.toContain('events');
    }
    expect(await all()).toEqual(before);
    await sql`alter table events_elsewhere rename to events`.execute(broken.db);
    expect((await broken.call('DELETE', url, { token })).status).toBe(204);
  } finally {
    await broken.close();
  }
});

test('the age of news is measured by a clock that does not jump', async () => {
  let [nowMs, monotonicMs] = [server.now(), 0];
  const { db } = server;
  const driver = {} as DatabaseDriver;
  const events = await openEventLog({
    macEvent: () => '',
    masterKey: server.masterKey,
    db,
    driver,
    requireActive: async () => {},
    maxStalenessSeconds: 60,
    onHistoryLost: () => {},
    now: () => nowMs,
    monotonic: () => monotonicMs,
  });
  for (const jumpMs of [-3_600_000, 7_200_000]) {
    nowMs += jumpMs;
    expect(() => events.requireCurrent()).not.toThrow();
  }
  monotonicMs += 61_000;
  expect(() => events.requireCurrent()).toThrow('cannot follow the changes of other nodes');
  await events.catchUp();
  expect(() => events.requireCurrent()).not.toThrow();
});
