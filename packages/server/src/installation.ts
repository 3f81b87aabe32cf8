/** What a server keeps outside its process: the data directory, its generated secrets, the database. */
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { decodeUtf8 } from '@postern/protocol';
import { generateClientId, generateClientSecret } from './clients/credentials.ts';
import type { DatabaseConfig, RootConfig, RootCredentials, ServerConfig } from './config/config.ts';
import { parseVariable, variables } from './config/variables.ts';
import { type ConnectedDatabase, connectDatabase, describeDatabase } from './db/connect.ts';
import type { MigrationSet } from './db/migrate.ts';
import { serverMigrations } from './db/migrations/index.ts';
import { findOutage, isDatabaseError } from './db/outage.ts';
import { hasSqliteTables } from './db/sqlite-files.ts';
import { createOperatorKey, type MasterKey, type OperatorKey } from './keys/master-key.ts';
import { openRootKeys } from './keys/root-secret-store.ts';
import { invalidVariable, StartError } from './start-error.ts';

export interface Installation extends ConnectedDatabase {
  /** The keys that derive from the root secret of the database, which the operator's master key opens. */
  readonly masterKey: MasterKey;
  readonly root: RootConfig;
  /** The file that the root credentials were read from. Undefined: the environment. */
  readonly rootFile: string | undefined;
}

/**
 * Whether a missing SQLite database is created: at a first start, which finds no secrets of an earlier one; always, as somebody
 * asked for; or never, by a worker that replaces another one.
 */
export type DatabaseCreation = 'at first' | 'always' | 'never';

/**
 * Opens everything, and creates what is missing at a first start. `hosted` has the tables of the APIs that are served
 * beside the authorization server. Throws `StartError`.
 */
export async function openInstallation(
  config: ServerConfig,
  hosted: readonly MigrationSet[] = [],
  creation: DatabaseCreation = 'at first',
): Promise<Installation> {
  if (config.root === undefined || config.masterKey === undefined) {
    createDirectory(config.dataDir, invalidDataDir);
  }
  // Wrong secrets are found before anything is created.
  findRoot(config);
  findMasterKey(config);
  requireDatabase(config, creation);
  requireRoomForSecrets(config);
  createDatabaseDirectory(config.database);
  requireWritable(config.checkpoints.file);
  const connected = await connect(config.database, [serverMigrations, ...hosted]);
  try {
    // The secrets are created after the database: where they are, it was.
    const rootFile = config.root === undefined ? join(config.dataDir, 'root.env') : undefined;
    const credentials = config.root ?? readOrGenerateRoot(join(config.dataDir, 'root.env'));
    const root = { ...credentials, enabled: !config.rootDisabled };
    const masterKey =
      config.masterKey === undefined
        ? readOrGenerateMasterKey(join(config.dataDir, 'master.key'))
        : createOperatorKey(config.masterKey);
    return { ...connected, masterKey: await openMasterKey(connected, masterKey), root, rootFile };
  } catch (error) {
    await connected.db.destroy();
    throw error;
  }
}

/** So that a directory that cannot be written is found before a database is created. */
function requireRoomForSecrets({ root, masterKey, dataDir }: ServerConfig): void {
  const wanted = [...(root === undefined ? ['root.env'] : []), ...(masterKey === undefined ? ['master.key'] : [])];
  for (const path of wanted.map((name) => join(dataDir, name)).filter((file) => !existsSync(file))) {
    const draft = `${path}.${process.pid}.new`;
    try {
      writeFileSync(draft, '', { mode: 0o600 });
      unlinkSync(draft);
    } catch (error) {
      throw invalidDataDir(`cannot write or read ${path} (${codeOf(error)})`);
    }
  }
}

async function connect(database: DatabaseConfig, migrations: readonly MigrationSet[]): Promise<ConnectedDatabase> {
  try {
    return await connectDatabase(database, migrations);
  } catch (error) {
    throw explainDatabaseError(database, error);
  }
}

/** Throws `StartError` if the database is missing and is not to be created: an empty one would forget all clients and revocations. */
function requireDatabase({ database, dataDir }: ServerConfig, creation: DatabaseCreation): void {
  if (database.kind === 'postgres' || creation === 'always') {
    return;
  }
  // In this order, since another process may be at its first start.
  const secret = ['master.key', 'root.env'].map((name) => join(dataDir, name)).find((file) => existsSync(file));
  if ((creation === 'at first' && secret === undefined) || hasSqliteTables(database.path)) {
    return;
  }
  throw new StartError(
    `the database ${database.path} is ${existsSync(database.path) ? 'empty' : 'missing'}, although ` +
      `${secret === undefined ? 'the other workers have one' : `${secret} is of an earlier start`}: put it back, or restore a backup ` +
      '(postern restore FILE). To begin with an empty database, without any client, start with: postern serve --new-database',
  );
}

/** Creates the directory of an SQLite file if it is missing. */
export function createDatabaseDirectory(database: DatabaseConfig): void {
  if (database.kind === 'sqlite') {
    createDirectory(dirname(database.path), invalidDatabaseUrl);
  }
}

/**
 * Returns the keys of the database that the operator's master key opens. Throws `StartError` if that is none of the database.
 */
export async function openMasterKey(
  { db, driver }: Pick<ConnectedDatabase, 'db' | 'driver'>,
  masterKey: OperatorKey,
): Promise<MasterKey> {
  const keys = await openRootKeys(db, driver, masterKey);
  if (keys === undefined) {
    throw new StartError(
      'POSTERN_MASTER_KEY: does not open the signing keys in the database. Start with the master key that the database was ' +
        'created with or that it was rotated to (master.key in its data directory, if none was set).',
    );
  }
  return keys;
}

function invalidDataDir(fault: string): StartError {
  return invalidVariable(variables.dataDir.name, fault, variables.dataDir.example);
}

function invalidDatabaseUrl(fault: string, cause?: unknown): StartError {
  return invalidVariable(variables.databaseUrl.name, fault, variables.databaseUrl.example, { cause });
}

/** So that a wrong path is found at the start, and not when the first checkpoint is due. */
function requireWritable(checkpointFile: string | undefined): void {
  if (checkpointFile === undefined) {
    return;
  }
  try {
    appendFileSync(checkpointFile, '', { mode: 0o600 });
  } catch (error) {
    const { name, example } = variables.checkpointFile;
    throw invalidVariable(name, `cannot write ${checkpointFile} (${codeOf(error)})`, example);
  }
}

/** A directory that exists keeps its mode: it may be shared with others on purpose. */
function createDirectory(path: string, invalid: (fault: string) => StartError): void {
  try {
    createMissing(path);
  } catch (error) {
    throw invalid(`cannot create the directory ${path} (${codeOf(error)})`);
  }
  if (!statSync(path).isDirectory()) {
    throw invalid(`${path} is not a directory`);
  }
}

/** Creates one level at a time: `recursive` of Node never returns if an existing parent refuses, as `/proc` does. */
function createMissing(path: string): void {
  if (existsSync(path)) {
    return;
  }
  createMissing(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may start on the same directory at the same moment.
    if (codeOf(error) !== 'EEXIST') {
      throw error;
    }
  }
}

function readOrGenerateRoot(path: string): RootCredentials {
  const text = readOrGenerate(path, () => {
    const [clientId, clientSecret] = [generateClientId(), generateClientSecret()];
    return (
      "# The root client of this Postern, which has every scope. Keep this file private; load it with 'source'.\n" +
      `OAUTH_ROOT_CLIENT_ID=${clientId}\nOAUTH_ROOT_CLIENT_SECRET=${clientSecret}\n`
    );
  });
  const { OAUTH_ROOT_CLIENT_ID: clientId = '', OAUTH_ROOT_CLIENT_SECRET: clientSecret = '' } = parseEnv(text);
  return namingFile(path, () => ({
    clientId: parseVariable('rootClientId', clientId),
    clientSecret: parseVariable('rootClientSecret', clientSecret),
  }));
}

/** Reads the master key in a file, which is created with a new one if it is missing. Throws `StartError`. */
export function readOrGenerateMasterKey(path: string): OperatorKey {
  const text = readOrGenerate(path, () => `${randomBytes(32).toString('base64')}\n`);
  return createOperatorKey(namingFile(path, () => parseVariable('masterKey', text.trim())));
}

/** Finds the master key in the configuration or in the data directory, and where it was. Undefined: there is none yet. */
export function findMasterKey({ masterKey, dataDir }: Pick<ServerConfig, 'masterKey' | 'dataDir'>) {
  const file = join(dataDir, 'master.key');
  if (masterKey !== undefined) {
    return { where: variables.masterKey.name, key: createOperatorKey(masterKey) };
  }
  return existsSync(file) ? { where: file, key: readOrGenerateMasterKey(file) } : undefined;
}

/** Finds the root client in the configuration or in the data directory. Undefined: there is none yet. */
export function findRoot({ root, rootDisabled, dataDir }: Pick<ServerConfig, 'root' | 'rootDisabled' | 'dataDir'>) {
  const file = join(dataDir, 'root.env');
  const credentials = root ?? (existsSync(file) ? readOrGenerateRoot(file) : undefined);
  return credentials && { ...credentials, enabled: !rootDisabled };
}

/** Adds to the error about a value the file that holds it. */
function namingFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new StartError(`${path}: ${(error as Error).message}`);
  }
}

/**
 * Returns the content of a file with mode 0600 that is generated once. It appears complete or not at all, and if two
 * processes generate it at the same time, both use the first one.
 */
function readOrGenerate(path: string, generate: () => string): string {
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
    return decodeUtf8(readFileSync(path));
  } catch (error) {
    throw invalidDataDir(`cannot write or read ${path} (${codeOf(error)})`);
  }
}

/**
 * Makes of what the database throws the one line that a start stops with: what is wrong, and what to do about it. Returns
 * other errors as they are.
 */
export function explainDatabaseError(database: DatabaseConfig, error: unknown): unknown {
  const { message, code } = error as NodeJS.ErrnoException;
  const outage = findOutage(error);
  if (error instanceof StartError || (outage === undefined && !isDatabaseError(error))) {
    return error;
  }
  const name = describeDatabase(database);
  if (database.kind === 'sqlite') {
    const cure = outage === undefined ? '' : `. ${outage.cure.replace(/\.$/, '')}`;
    return invalidDatabaseUrl(`cannot open the database ${name} (${message || code})${cure}`, error);
  }
  const cause = message && message !== outage?.text ? ` (${message})` : '';
  return new StartError(
    `${variables.databaseUrl.name}: cannot use ${name}: ${outage?.text ?? 'it rejected a statement'}${cause}. ` +
      (outage?.cure ?? 'Give Postern a database or schema of its own, and see the log of PostgreSQL.'),
    { cause: error },
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
