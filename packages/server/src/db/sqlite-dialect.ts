/** Kysely's SQLite dialect over `node:sqlite`, for a file of one's own and for one that several processes share. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
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
import type { SqliteWriter } from './sqlite-writer.ts';

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

/** Kysely's dialect for a file that several processes share: one connection reads, and a thread of its own writes. */
export class SharedSqliteDialect extends SqliteDialect {
  readonly #parts: SharedSqliteParts;

  constructor(parts: SharedSqliteParts) {
    super({ database: parts.reading });
    this.#parts = parts;
  }

  override createAdapter(): DialectAdapter {
    return new SharedSqliteAdapter();
  }

  override createDriver(): Driver {
    return new SharedSqliteDriver(this.#parts);
  }
}

interface SharedSqliteParts {
  readonly reading: NodeSqlite;
  readonly writer: SqliteWriter;
  readonly watch: FileWatch;
  /** Milliseconds for which a read waits for a lock that another process holds. */
  readonly timeoutMs: number;
}

class SharedSqliteAdapter extends TransactionalSqliteAdapter {
  /** Lets Kysely send statements concurrently: writers queue in `WriteQueue`, and readers do not wait. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SharedSqliteDriver extends SqliteDriver {
  readonly #parts: SharedSqliteParts;
  readonly #queue = new WriteQueue();

  constructor(parts: SharedSqliteParts) {
    super({ database: parts.reading });
    this.#parts = parts;
  }

  override async acquireConnection(): Promise<SharedConnection> {
    const reading = new RetryBusyConnection(await super.acquireConnection(), this.#parts.timeoutMs);
    return new SharedConnection({ ...this.#parts, reading, queue: this.#queue });
  }

  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    (connection as SharedConnection).endTransaction();
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SharedConnection).beginTransaction();
  }

  /** Throws if what was committed went into a file that is lost, so that nobody is told that it is kept. */
  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#parts.watch.require();
  }

  /** The error that came first is thrown, also if SQLite has rolled back because of it. */
  override async rollbackTransaction(): Promise<void> {
    await this.#parts.writer.rollback();
  }

  override async destroy(): Promise<void> {
    await super.destroy();
    await this.#parts.writer.close();
  }
}

/**
 * Admits one transaction at a time, in the order in which they asked. A statement by itself waits for the one that is under way
 * and for no other, since a token may depend on it: a hundred changes may wait.
 */
class WriteQueue {
  readonly #statements: (() => void)[] = [];
  readonly #transactions: (() => void)[] = [];
  #isInTransaction = false;

  /** Calls `send` as soon as no transaction is under way. */
  async sendStatement<T>(send: () => Promise<T>): Promise<T> {
    if (!this.#isInTransaction) {
      return send();
    }
    return new Promise((resolve, reject) => {
      this.#statements.push(() => void send().then(resolve, reject));
    });
  }

  /** Resolves when it is the caller's turn, which it must end. */
  async beginTransaction(): Promise<void> {
    if (this.#isInTransaction) {
      await new Promise<void>((begin) => void this.#transactions.push(begin));
    }
    this.#isInTransaction = true;
  }

  endTransaction(): void {
    for (const send of this.#statements.splice(0)) {
      send();
    }
    const next = this.#transactions.shift();
    this.#isInTransaction = next !== undefined;
    next?.();
  }
}

interface ConnectionParts extends Omit<SharedSqliteParts, 'reading'> {
  readonly reading: DatabaseConnection;
  readonly queue: WriteQueue;
}

/**
 * Sends writes to the writer, and reads to the connection of this thread, where they see what is committed and do not wait for a
 * transaction in progress. In a transaction, which excludes other writers, that is what it sees itself until it first writes; only
 * what it reads from then on is read by the writer.
 */
class SharedConnection implements DatabaseConnection {
  readonly #parts: ConnectionParts;
  #isInTransaction = false;
  #hasWritten = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /**
   * Waits for its turn, and takes the write lock. If it were taken at the first write, that would fail if another process had
   * written since the transaction began to read.
   */
  async beginTransaction(): Promise<void> {
    await this.#parts.queue.beginTransaction();
    this.#isInTransaction = true;
    this.#parts.watch.require();
    this.#parts.watch.requireWritable();
    // As a query of its own, so that Kysely logs it if it fails.
    await this.executeQuery(CompiledQuery.raw('begin immediate'));
    this.#hasWritten = false;
  }

  endTransaction(): void {
    if (this.#isInTransaction) {
      this.#isInTransaction = false;
      this.#hasWritten = false;
      this.#parts.queue.endTransaction();
    }
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { reading, writer, watch, queue } = this.#parts;
    const isRead = SelectQueryNode.is(query.query);
    if (this.#isInTransaction && (this.#hasWritten || !isRead)) {
      this.#hasWritten = true;
      return writer.execute<R>(query);
    }
    if (isRead) {
      watch.require(readCheckMs);
      return reading.executeQuery<R>(query);
    }
    const result = await queue.sendStatement(async () => {
      watch.require();
      watch.requireWritable();
      return writer.execute<R>(query);
    });
    watch.require();
    return result;
  }

  streamQuery(): never {
    throw new Error('results are not streamed: while one is open, all reads would see what was committed before it');
  }
}

/** Repeats a read that finds the file locked. */
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
