/** The databases of test servers, one for each server, on the PostgreSQL of the run. */
import { hash, randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { connectDatabase, readConfig, serverMigrations } from '@postern/server';
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

const templateName = 'template';

/** The database of the server with that data directory, created with its tables if it is missing, or `isEmpty`, without them. */
export async function testDatabase(dataDir: string, { isEmpty = false } = {}): Promise<TestDatabase> {
  const postgres = inject('postgres');
  if (postgres === undefined) {
    return { env: {}, drop: async () => {} };
  }
  const name = basename(dataDir);
  if (await createDatabase(postgres, name, isEmpty ? 'template1' : postgres.prefix + templateName)) {
    await (isEmpty || giveIdentity(urlOf(postgres, name)));
  }
  return { env: variablesOf(postgres, name), drop: () => dropDatabase(postgres, name) };
}

/** Creates the database of which those of the servers are copies, for it takes longer to create the tables than most tests. */
export async function createTemplate(postgres: TestPostgres): Promise<void> {
  await createDatabase(postgres, templateName, 'template1');
  const { database } = readConfig(variablesOf(postgres, templateName));
  const { db } = await connectDatabase(database, [serverMigrations]);
  await db.destroy();
}

function variablesOf(postgres: TestPostgres, name: string): Record<string, string> {
  return {
    DATABASE_URL: urlOf(postgres, name),
    POSTERN_MASTER_KEY: hash('sha256', name, 'base64'),
    OAUTH_ROOT_CLIENT_ID: 'root',
    OAUTH_ROOT_CLIENT_SECRET: hash('sha256', `root of ${name}`),
  };
}

function urlOf({ url, prefix }: TestPostgres, name: string): string {
  return Object.assign(new URL(url), { pathname: prefix + name }).href;
}

/** Returns whether it was missing. */
function createDatabase({ url, prefix }: TestPostgres, name: string, template: string): Promise<boolean> {
  return administer(url, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [prefix + name]);
    if (rowCount === 0) {
      const [database, source] = [prefix + name, template].map((part) => pg.escapeIdentifier(part));
      await client.query(`create database ${database} template ${source} strategy file_copy`);
    }
    return rowCount === 0;
  });
}

/** What is drawn at random where the tables are created, so that no database is taken for another one. */
function giveIdentity(url: string): Promise<void> {
  const random = () => randomBytes(16).toString('base64url');
  return administer(url, async (client) => {
    await client.query('update event_head set log_id = $1, hash = $1', [random()]);
    await client.query('update own_scopes_version set version = $1', [random()]);
  });
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

async function administer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
