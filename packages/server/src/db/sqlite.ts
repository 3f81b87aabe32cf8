/** SQLite through `node:sqlite`, under Kysely's own SQLite dialect. */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backup, constants, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  Kysely,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type { SqliteConfig } from '../config/config.ts';
import { StartError } from '../start-error.ts';
import type { DatabaseDriver } from './driver.ts';
import { type FileWatch, watchDatabaseFiles } from './file-watch.ts';
import type { Database } from './schema.ts';

/** Prepared statements that are kept, since preparing one takes 25 µs and Kysely sends the same few texts. */
const mostStatements = 200;

/** Milliseconds until a read looks again whether the file is the one that is open; a write always does. */
const readCheckMs = 1_000;

/** Milliseconds between two attempts to get a lock that another process holds. */
const retryAfterMs = 5;

/**
 * Opens the file, and creates it if it is missing. The write-ahead log is fully synchronized: a commit that was
 * acknowledged is on the disk, even after `kill -9` or a power cut. Statements wait at most `timeoutMs` for a lock that
 * another process holds. Throws what SQLite throws if the file cannot be opened.
 */
export function openSqlite({ path, timeoutMs }: SqliteConfig): DatabaseDriver {
  const writing = new DatabaseSync(path, { timeout: timeoutMs });
  writing.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  const reading = new DatabaseSync(path, { timeout: timeoutMs });
  reading.exec('pragma query_only = on');
  // Opens the write-ahead log too.
  writing.exec('select 1 from sqlite_schema');
  const watch = watchDatabaseFiles(path);
  // From here on SQLite must not wait for locks: that would block the whole process. `RetryBusyConnection` waits.
  for (const database of [writing, reading]) {
    database.exec('pragma busy_timeout = 0');
  }
  return {
    dialect: new SharedSqliteDialect(new NodeSqlite(writing), new NodeSqlite(reading), watch, timeoutMs),
    // There is one writing transaction at a time.
    lockChanges: async () => {},
    tryLockChanges: async () => true,
    // What runs apart runs on a copy.
    isAwaited: async () => false,
    findFault: watch.findFault,
    async runApart(db, work) {
      watch.require();
      const copy = await copyDatabase(path);
      try {
        const session = copy.createSession();
        const apart = new Kysely<Database>({ dialect: sqliteDialectOf(copy) });
        return await apart.transaction().execute((transaction) =>
          work(transaction, async (conclude) => {
            const changes = session.changeset();
            await db.transaction().execute(async (target) => {
              await conclude(target);
              applyChanges(writing, changes);
            });
          }),
        );
      } finally {
        copy.close();
      }
    },
    // A file has no clock.
    readTime: async () => undefined,
    // A file sends no notifications: the other processes poll it.
    announce: async () => {},
    listen: () => async () => {},
  };
}

/** Opens a file that exists, to read what is committed; each transaction reads what there is when it begins. */
export function openSqliteReader(path: string): SqliteDialect {
  return sqliteDialectOf(new DatabaseSync(path, { readOnly: true, timeout: 60_000 }));
}

/** Whether a file has the tables of Postern. True for one that cannot be read: only what opens it can say why. */
export function hasSqliteTables(path: string): boolean {
  if (!existsSync(path)) {
    return false;
  }
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      return database.prepare("select 1 from sqlite_schema where name = 'server_migration'").get() !== undefined;
    } finally {
      database.close();
    }
  } catch {
    return true;
  }
}

/** Returns what is wrong with a database file; undefined if it is intact. Changes nothing. */
export function findSqliteFault(path: string): string | undefined {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const [row] = database.prepare('pragma integrity_check(1)').all();
      const verdict = String(row?.['integrity_check']);
      return verdict === 'ok' ? undefined : `it is damaged (${verdict})`;
    } finally {
      database.close();
    }
  } catch (error) {
    return `it cannot be read (${(error as Error).message})`;
  }
}

/**
 * Makes one file of a database and its write-ahead log. Throws `StartError` if a process has it open. A damaged one stays
 * as it is.
 */
export function takeOutOfUse(path: string): void {
  try {
    const database = new DatabaseSync(path);
    try {
      database.exec('pragma journal_mode = delete');
    } finally {
      database.close();
    }
  } catch (error) {
    if (isBusy(error)) {
      throw new StartError(`${path} is in use: stop the server first.`, { cause: error });
    }
  }
}

/** The dialect for a database that nobody else writes. */
export function sqliteDialectOf(database: DatabaseSync): SqliteDialect {
  return new TransactionalSqliteDialect({ database: new NodeSqlite(database) });
}

/**
 * Returns a private copy of what is committed, which leaves nothing behind when it is closed. Copying takes place in
 * another thread and waits for nobody.
 */
async function copyDatabase(path: string): Promise<DatabaseSync> {
  const directory = mkdtempSync(join(dirname(path), '.postern-copy-'));
  try {
    const file = join(directory, 'copy.db');
    const source = new DatabaseSync(path, { readOnly: true });
    try {
      // In one step: between two, a change of another process would make it begin again.
      await backup(source, file, { rate: 2_147_483_647 });
    } finally {
      source.close();
    }
    chmodSync(file, 0o600);
    const copy = new DatabaseSync(file);
    copy.exec('pragma journal_mode = memory; pragma synchronous = off; pragma foreign_keys = on;');
    return copy;
  } finally {
    // The open file remains until it is closed, also if the process is killed.
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The tables that every change writes by itself. */
const logTables: ReadonlySet<string> = new Set(['events', 'event_head']);

/**
 * Applies what was changed on a copy. Rows that are not part of the log of changes, such as those on usage, may differ by
 * now: then the change wins, and what is deleted already remains so.
 */
function applyChanges(database: DatabaseSync, changes: Uint8Array): void {
  const isApplied = database.applyChangeset(changes, {
    filter: (table) => !logTables.has(table),
    onConflict: (kind) => {
      switch (kind) {
        case constants.SQLITE_CHANGESET_DATA:
        case constants.SQLITE_CHANGESET_CONFLICT:
          return constants.SQLITE_CHANGESET_REPLACE;
        case constants.SQLITE_CHANGESET_NOTFOUND:
          return constants.SQLITE_CHANGESET_OMIT;
        default:
          return constants.SQLITE_CHANGESET_ABORT;
      }
    },
  });
  if (!isApplied) {
    throw new Error('changes to a copy of the database do not fit the database');
  }
}

/** Lets migrations run in a transaction, so that processes that start together run them one after the other. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter();
  }
}

/** Kysely's dialect for a file that several processes share, each with one connection to write and one to read. */
class SharedSqliteDialect extends SqliteDialect {
  readonly #writing: NodeSqlite;
  readonly #reading: NodeSqlite;
  readonly #watch: FileWatch;
  readonly #timeoutMs: number;

  constructor(writing: NodeSqlite, reading: NodeSqlite, watch: FileWatch, timeoutMs: number) {
    super({ database: writing });
    this.#writing = writing;
    this.#reading = reading;
    this.#watch = watch;
    this.#timeoutMs = timeoutMs;
  }

  override createAdapter(): DialectAdapter {
    return new SharedSqliteAdapter();
  }

  override createDriver(): Driver {
    return new SharedSqliteDriver(this.#writing, this.#reading, this.#watch, this.#timeoutMs);
  }
}

class SharedSqliteAdapter extends TransactionalSqliteAdapter {
  /** Lets Kysely send statements concurrently: writers queue in `SharedConnection`, and readers do not wait. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SharedSqliteDriver extends SqliteDriver {
  readonly #database: NodeSqlite;
  readonly #readers: SqliteDriver;
  readonly #watch: FileWatch;
  readonly #timeoutMs: number;
  readonly #writeQueue = new WriteQueue();

  constructor(writing: NodeSqlite, reading: NodeSqlite, watch: FileWatch, timeoutMs: number) {
    super({ database: writing });
    this.#database = writing;
    this.#readers = new SqliteDriver({ database: reading });
    this.#watch = watch;
    this.#timeoutMs = timeoutMs;
  }

  override async init(): Promise<void> {
    await super.init();
    await this.#readers.init();
  }

  override async acquireConnection(): Promise<SharedConnection> {
    const [writing, reading] = [await super.acquireConnection(), await this.#readers.acquireConnection()];
    return new SharedConnection(
      new RetryBusyConnection(writing, this.#timeoutMs),
      new RetryBusyConnection(reading, this.#timeoutMs),
      this.#watch,
      this.#writeQueue,
    );
  }

  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    (connection as SharedConnection).endTurn();
  }

  /**
   * Takes the write lock when a transaction begins. If it were taken at the first write, that would fail if another
   * process had written since the transaction began to read.
   */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SharedConnection).beginTurn();
    this.#watch.require();
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** Throws if what was committed went into a file that is lost, so that nobody is told that it is kept. */
  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#watch.require();
  }

  /** Does nothing if SQLite has already rolled back, as it does if the disk is full, so that the first error is thrown. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) {
      await super.rollbackTransaction(connection);
    }
  }

  override async destroy(): Promise<void> {
    await this.#readers.destroy();
    await super.destroy();
  }
}

/**
 * Admits one writer at a time, in the order in which they asked, and one in each turn of the event loop: a commit blocks the
 * process until it is on the disk, and requests that write nothing must not wait for a whole queue of commits.
 */
class WriteQueue {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with the function that ends the turn. */
  async takeTurn(): Promise<() => void> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    await before;
    await setImmediate();
    return turn.resolve;
  }
}

/**
 * Sends writes and whole transactions, one at a time, to the connection that writes. Sends other reads to the second
 * connection, where they see what is committed and do not wait for a transaction in progress.
 */
class SharedConnection implements DatabaseConnection {
  readonly #writing: DatabaseConnection;
  readonly #reading: DatabaseConnection;
  readonly #watch: FileWatch;
  readonly #writeQueue: WriteQueue;
  #endTurn: (() => void) | undefined;

  constructor(writing: DatabaseConnection, reading: DatabaseConnection, watch: FileWatch, writeQueue: WriteQueue) {
    this.#writing = writing;
    this.#reading = reading;
    this.#watch = watch;
    this.#writeQueue = writeQueue;
  }

  /** Waits for the turn; until it ends, every statement goes to the connection that writes. */
  async beginTurn(): Promise<void> {
    this.#endTurn = await this.#writeQueue.takeTurn();
  }

  endTurn(): void {
    this.#endTurn?.();
    this.#endTurn = undefined;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#endTurn !== undefined) {
      return this.#writing.executeQuery<R>(query);
    }
    if (SelectQueryNode.is(query.query)) {
      this.#watch.require(readCheckMs);
      return this.#reading.executeQuery<R>(query);
    }
    await this.beginTurn();
    try {
      this.#watch.require();
      const result = await this.#writing.executeQuery<R>(query);
      this.#watch.require();
      return result;
    } finally {
      this.endTurn();
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#reading.streamQuery(query, chunkSize);
  }
}

/** Repeats a statement that finds the file locked. In a transaction, which holds the lock, no statement does. */
class RetryBusyConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection;
  readonly #timeoutMs: number;

  constructor(connection: DatabaseConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const giveUpAt = performance.now() + this.#timeoutMs;
    for (;;) {
      try {
        return await this.#connection.executeQuery<R>(query);
      } catch (error) {
        if (!isBusy(error) || performance.now() > giveUpAt) {
          throw error;
        }
      }
      await setTimeout(retryAfterMs);
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#connection.streamQuery(query, chunkSize);
  }
}

/** True for SQLITE_BUSY and its extended codes, which have it in their low byte. */
function isBusy(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === 5;
}

/** `node:sqlite` with the interface that Kysely's dialect expects. */
class NodeSqlite implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  prepare(text: string): SqliteStatement {
    const known = this.#statements.get(text);
    if (known !== undefined) {
      return known;
    }
    const statement = asKyselyStatement(this.#database.prepare(text));
    if (this.#statements.size >= mostStatements) {
      this.#statements.clear();
    }
    this.#statements.set(text, statement);
    return statement;
  }

  close(): void {
    this.#database.close();
  }
}

function asKyselyStatement(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
