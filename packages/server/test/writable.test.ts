/** `GET /health/ready` says whether a change can be made, and why not. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_DATABASE_TIMEOUT_MS: '200' } });
});
afterAll(() => server.close());

async function ready() {
  await server.advance(5);
  return server.call('GET', '/health/ready');
}

test('it is writable as long as changes can be made', async () => {
  expect((await ready()).body).toMatchObject({ status: 'ok', writable: true });
  expect((await server.call('GET', '/metrics')).body).toMatch(/^postern_database_writable 1$/m);
});

test('a lock of somebody else is named as the reason, tokens are issued meanwhile, and the status remains 200', async () => {
  const release = await lock();
  try {
    const { status, body } = await ready();
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({
        status: 'degraded',
        writable: false,
        reason: expect.stringMatching(/^(locked|interrupted)$/),
      }),
    ]);
    expect(body.detail).toMatch(/^No change can be made: .+\.$/);
    expect((await server.call('GET', '/metrics')).body).toMatch(/^postern_database_writable 0$/m);
    await server.rootToken();
  } finally {
    await release();
  }
  expect((await ready()).body).toMatchObject({ status: 'ok', writable: true });
});

test.runIf(inject('postgres'))('a database whose transactions are read-only is named as the reason', async () => {
  const { rows } = await sql<{ name: string }>`select quote_ident(current_database()) as name`.execute(server.db);
  const database = sql.raw(rows[0]?.name ?? '');
  const endConnections = sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  await sql`alter database ${database} set default_transaction_read_only = on`.execute(server.db);
  try {
    await endConnections.execute(server.db);
    await vi.waitFor(async () => expect((await ready()).body).toMatchObject({ writable: false, reason: 'read_only' }), {
      timeout: 10_000,
    });
    await server.rootToken();
  } finally {
    await server.db.connection().execute(async (connection) => {
      await sql`set default_transaction_read_only = off`.execute(connection);
      await sql`alter database ${database} reset default_transaction_read_only`.execute(connection);
      await endConnections.execute(connection);
      await sql`reset default_transaction_read_only`.execute(connection);
    });
  }
  await vi.waitFor(async () => expect((await ready()).body).toMatchObject({ writable: true }), { timeout: 10_000 });
});

/** Holds what every write needs; returns the function that lets go. */
async function lock(): Promise<() => Promise<void>> {
  if (inject('postgres') === undefined) {
    const database = new DatabaseSync(join(server.dataDir, 'postern.db'));
    database.exec('begin immediate');
    return async () => database.close();
  }
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const done = server.db.transaction().execute(async (transaction) => {
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(transaction);
    await sql`lock table heartbeat`.execute(transaction);
    held.resolve();
    await released.promise;
  });
  await held.promise;
  return () => {
    released.resolve();
    return done;
  };
}
