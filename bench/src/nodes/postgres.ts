/** A PostgreSQL for a benchmark, as durable as in production. */
import { startOwnPostgres } from '@postern/testing/own-postgres';
import pg from 'pg';

export interface BenchPostgres {
  readonly url: string;
  /** What the database has done since it was created, by its own statistics. */
  counts(): Promise<DatabaseCounts>;
  /** Creates another database; its URL. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

export interface DatabaseCounts {
  readonly transactions: number;
  /** Rows inserted, updated and deleted. */
  readonly rowsWritten: number;
}

export async function startPostgres(): Promise<BenchPostgres> {
  const postgres = await startOwnPostgres({ isDurable: true });
  // Connected to another database, so that its queries are not counted.
  const observer = new pg.Client(postgres.url);
  await observer.connect();
  const createDatabase = async (name: string) => {
    await observer.query(`create database ${name}`);
    return Object.assign(new URL(postgres.url), { pathname: name }).href;
  };
  return {
    url: await createDatabase('postern'),
    createDatabase,
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
