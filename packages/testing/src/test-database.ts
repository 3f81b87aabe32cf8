/** The databases of test servers, one for each server, on the PostgreSQL of the run. */
import { hash } from 'node:crypto';
import { basename } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';

interface TestPostgres {
  /** Of one of its databases, for a user who may create others. */
  readonly url: string;
  /** The beginning of the names of this run's databases. */
  readonly prefix: string;
}

export interface TestDatabase {
  /** Variables that make a server use the database. Empty on SQLite: it uses the file in its data directory. */
  readonly env: Readonly<Record<string, string>>;
  drop(): Promise<void>;
}

/** The database of the server with that data directory, created if it is missing. */
export async function testDatabase(dataDir: string): Promise<TestDatabase> {
  const postgres = inject('postgres');
  if (postgres === undefined) {
    return { env: {}, drop: async () => {} };
  }
  const name = basename(dataDir);
  return {
    env: {
      DATABASE_URL: await createDatabase(postgres, name),
      POSTERN_MASTER_KEY: hash('sha256', name, 'base64'),
      OAUTH_ROOT_CLIENT_ID: 'root',
      OAUTH_ROOT_CLIENT_SECRET: hash('sha256', `root of ${name}`),
    },
    drop: () => dropDatabase(postgres, name),
  };
}

/** The URL of the database of that name, created if it is missing. */
async function createDatabase({ url, prefix }: TestPostgres, name: string): Promise<string> {
  const database = prefix + name;
  await administer(url, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) {
      await client.query(`create database ${pg.escapeIdentifier(database)}`);
    }
  });
  return Object.assign(new URL(url), { pathname: database }).href;
}

async function dropDatabase({ url, prefix }: TestPostgres, name: string): Promise<void> {
  await administer(url, (client) => drop(client, prefix + name));
}

/** Drops all databases of the run. */
export async function dropDatabases({ url, prefix }: TestPostgres): Promise<void> {
  await administer(url, async (client) => {
    const { rows } = await client.query('select datname from pg_database where starts_with(datname, $1)', [prefix]);
    for (const { datname } of rows) {
      await drop(client, datname);
    }
  });
}

async function drop(client: pg.Client, database: string): Promise<void> {
  await client.query(`drop database if exists ${pg.escapeIdentifier(database)} with (force)`);
}

async function administer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
