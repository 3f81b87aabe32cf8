/** `GET /health/ready` says whether a change can be made, and why not. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';

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

const cannotProtect = findProtectionFault();

describe.skipIf(inject('postgres') !== undefined || cannotProtect !== undefined)(
  `files that may be read only, as on a disk that became read-only${cannotProtect ?? ''}`,
  () => {
    const create = async () =>
      server.call('POST', '/api/v1/oauth/client', { token: await server.rootToken(), body: {} });
    const cure = 'Make the file, its directory and its file system writable for the user of Postern.';

    test.each(['postern.db', 'postern.db-wal'])(
      '%s: creates are 503, readiness and log say why and what to do, and tokens are issued',
      async (name) => {
        const release = protect(join(server.dataDir, name));
        try {
          const answer = await create();
          expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
          const { status, body } = await ready();
          expect([status, body]).toEqual([
            200,
            expect.objectContaining({ status: 'degraded', writable: false, reason: 'read_only' }),
          ]);
          expect(body.detail).toBe(`No change can be made: the database is read-only. ${cure}`);
          expect(server.log.findLast((line) => line.includes('the database takes no changes'))).toContain(cure);
          await server.rootToken();
        } finally {
          release();
        }
        expect((await create()).status).toBe(200);
        expect((await ready()).body).toMatchObject({ status: 'ok', writable: true });
      },
    );

    test('a start on one is refused in one line with the cure', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'postern-read-only-'));
      await (await startTestServer({ dataDir })).close();
      const release = protect(join(dataDir, 'postern.db'));
      try {
        await expect(startTestServer({ dataDir })).rejects.toThrow(
          /^DATABASE_URL: cannot open the database \S+ \([^\n]+\)\. Make the file, its directory and its file system writable for the user of Postern\. Example: /,
        );
      } finally {
        release();
        rmSync(dataDir, { recursive: true });
      }
    });
  },
);

/** Lets nobody write the file, not even root; returns what lets them again. Throws if the system cannot do that. */
function protect(file: string): () => void {
  if (process.getuid?.() !== 0) {
    chmodSync(file, 0o400);
    return () => chmodSync(file, 0o600);
  }
  execFileSync('chattr', ['+i', file], { stdio: 'pipe' });
  return () => execFileSync('chattr', ['-i', file], { stdio: 'pipe' });
}

function findProtectionFault(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'postern-protected-'));
  try {
    writeFileSync(join(directory, 'file'), '');
    protect(join(directory, 'file'))();
    return undefined;
  } catch {
    return ' (skipped: this system cannot keep root from writing a file)';
  } finally {
    rmSync(directory, { recursive: true });
  }
}

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
