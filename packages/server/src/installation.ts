/** What a server keeps outside its process: the data directory, its generated secrets, the database. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { Kysely } from 'kysely';
import { generateClientId, generateClientSecret } from './clients/credentials.ts';
import {
  checkRoot,
  type DatabaseConfig,
  parseMasterKey,
  type RootCredentials,
  type ServerConfig,
  StartError,
} from './config.ts';
import { describeDatabase, openDatabase } from './db/database.ts';
import type { DatabaseDriver } from './db/driver.ts';
import { type MigrationSet, migrate } from './db/migrate.ts';
import { serverMigrations } from './db/migrations/index.ts';
import { isDatabaseOutage } from './db/outage.ts';
import type { Database } from './db/schema.ts';
import { createMasterKey, type MasterKey } from './keys/master-key.ts';

export interface Installation {
  readonly db: Kysely<Database>;
  readonly driver: DatabaseDriver;
  readonly masterKey: MasterKey;
  readonly root: RootCredentials;
  /** How many statements have failed because the database was out of reach, busy or full. */
  readonly databaseOutages: () => number;
  /** Where the root credentials were read from; undefined: the environment. */
  readonly rootFile: string | undefined;
}

/**
 * Opens everything, and makes what is missing at a first start. `hosted`: the tables of what is served beside the
 * authorization server. Throws `StartError`.
 */
export async function openInstallation(
  config: ServerConfig,
  hosted: readonly MigrationSet[] = [],
): Promise<Installation> {
  makeDirectory(config.dataDir, dataDirFault);
  const rootFile = config.root === undefined ? join(config.dataDir, 'root.env') : undefined;
  const root = config.root ?? keptRoot(join(config.dataDir, 'root.env'));
  const masterKey = createMasterKey(config.masterKey ?? keptMasterKey(join(config.dataDir, 'master.key')));
  if (config.database.kind === 'sqlite') {
    makeDirectory(dirname(config.database.path), databaseUrlFault);
  }
  try {
    await migrateAll(config.database, [serverMigrations, ...hosted]);
    const driver = openDatabase(config.database);
    let outages = 0;
    const db = new Kysely<Database>({
      dialect: driver.dialect,
      log(event) {
        outages += event.level === 'error' && isDatabaseOutage(event.error) ? 1 : 0;
      },
    });
    return { db, driver, masterKey, root, databaseOutages: () => outages, rootFile };
  } catch (error) {
    throw databaseFault(config.database, error);
  }
}

/** On a connection of their own, since migrations may take their time. */
async function migrateAll(database: DatabaseConfig, sets: readonly MigrationSet[]): Promise<void> {
  const patient = database.kind === 'postgres' ? { ...database, timeoutMs: 0 } : database;
  const db = new Kysely<Database>({ dialect: openDatabase(patient).dialect });
  try {
    for (const set of sets) {
      await migrate(db, set);
    }
  } finally {
    await db.destroy();
  }
}

const dataDirFault = (fault: string) =>
  new StartError(`POSTERN_DATA_DIR: ${fault}. Example: POSTERN_DATA_DIR=/var/lib/postern`);

const databaseUrlFault = (fault: string, cause?: unknown) =>
  new StartError(`DATABASE_URL: ${fault}. Example: DATABASE_URL=sqlite:/var/lib/postern.db`, { cause });

/** One that exists keeps its mode: it may be shared with others on purpose. */
function makeDirectory(path: string, startError: (fault: string) => StartError): void {
  try {
    makeMissing(path);
  } catch (error) {
    throw startError(`cannot make the directory ${path} (${codeOf(error)})`);
  }
  if (!statSync(path).isDirectory()) {
    throw startError(`${path} is not a directory`);
  }
}

/** Step by step: the `recursive` of Node never returns where a parent is there and yet refuses, as `/proc` does. */
function makeMissing(path: string): void {
  if (existsSync(path)) {
    return;
  }
  makeMissing(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may start on the same directory at the same moment.
    if (codeOf(error) !== 'EEXIST') {
      throw error;
    }
  }
}

function keptRoot(path: string): RootCredentials {
  const text = keptFile(path, () => {
    const [clientId, clientSecret] = [generateClientId(), generateClientSecret()];
    return (
      "# The root client of this Postern: it may do everything. Keep this file private; use it with 'source'.\n" +
      `OAUTH_ROOT_CLIENT_ID=${clientId}\nOAUTH_ROOT_CLIENT_SECRET=${clientSecret}\n`
    );
  });
  const { OAUTH_ROOT_CLIENT_ID: clientId = '', OAUTH_ROOT_CLIENT_SECRET: clientSecret = '' } = parseEnv(text);
  return inFile(path, () => checkRoot({ clientId, clientSecret }));
}

function keptMasterKey(path: string): Buffer {
  const text = keptFile(path, () => `${randomBytes(32).toString('base64')}\n`);
  return inFile(path, () => parseMasterKey(text.trim()));
}

/** Says which file a wrong value stands in, where it comes from no variable. */
function inFile<T>(path: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new StartError(`${path}: ${(error as Error).message}`);
  }
}

/**
 * The content of a file of 0600 that is made once. It appears whole or not at all, and where two processes make it
 * at once, both go on with the one that came first.
 */
function keptFile(path: string, generate: () => string): string {
  try {
    if (!existsSync(path)) {
      const draft = `${path}.${process.pid}.new`;
      writeFileSync(draft, generate(), { mode: 0o600, flush: true });
      try {
        linkSync(draft, path);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') {
          throw error;
        }
      } finally {
        unlinkSync(draft);
      }
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw dataDirFault(`cannot write or read ${path} (${codeOf(error)})`);
  }
}

function databaseFault(database: DatabaseConfig, error: unknown): Error {
  if (error instanceof StartError) {
    return error;
  }
  const { message, code } = error as NodeJS.ErrnoException;
  return databaseUrlFault(`cannot open the database ${describeDatabase(database)} (${message || code})`, error);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
