/** Kysely's SQLite dialect over `node:sqlite`, for a file of one's own and for one that several processes share. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type { FileWatch } from './file-watch.ts';

/** Prepared statements that are kept, since preparing one takes 25 µs and Kysely sends the same few texts. */
const mostStatements = 200;

/** Milliseconds until a read looks again whether the file is the one that is open; a write always does. */
const readCheckMs = 1_000;

/** Milliseconds between two attempts to get a lock that another process holds. */
const retryAfterMs = 5;

/** The dialect for a database that nobody else writes. */
export function sqliteDialectOf(database: DatabaseSync): SqliteDialect {
  return new TransactionalSqliteDialect({ database: new NodeSqlite(database) });
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
export class SharedSqliteDialect extends SqliteDialect {
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
export function isBusy(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === 5;
}

/** `node:sqlite` with the interface that Kysely's dialect expects. */
export class NodeSqlite implements SqliteDatabase {
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
