/** SQLite through `node:sqlite`, under Kysely's own SQLite dialect. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
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
import type { SqliteConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';

/** Statements kept prepared; Kysely asks for the same few texts again and again. */
const mostStatements = 200;

/** Milliseconds between two tries to get a lock that another process holds. */
const tryAgainMs = 5;

/**
 * Opens the file, made if missing. Write-ahead log with full synchronisation: a commit that was acknowledged is on
 * the disk, also after `kill -9` or a power cut. What another process has locked is waited for, `timeoutMs` at the
 * most. Throws what SQLite throws where the file cannot be opened.
 */
export function openSqlite({ path, timeoutMs }: SqliteConfig): DatabaseDriver {
  const writing = new DatabaseSync(path, { timeout: timeoutMs });
  writing.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  const reading = new DatabaseSync(path, { timeout: timeoutMs });
  reading.exec('pragma query_only = on');
  // From here on SQLite must not wait itself: that would stop the whole process.
  for (const database of [writing, reading]) {
    database.exec('pragma busy_timeout = 0');
  }
  return {
    dialect: new SharedSqliteDialect(new NodeSqlite(writing), new NodeSqlite(reading), timeoutMs),
    // A file tells nobody: who shares it with others looks into it now and then.
    announce: async () => {},
    listen: () => async () => {},
  };
}

/** For a file that several processes use, and this one by two connections. */
class SharedSqliteDialect extends SqliteDialect {
  readonly #writing: NodeSqlite;
  readonly #reading: NodeSqlite;
  readonly #timeoutMs: number;

  constructor(writing: NodeSqlite, reading: NodeSqlite, timeoutMs: number) {
    super({ database: writing });
    this.#writing = writing;
    this.#reading = reading;
    this.#timeoutMs = timeoutMs;
  }

  override createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter();
  }

  override createDriver(): Driver {
    return new SharedSqliteDriver(this.#writing, this.#reading, this.#timeoutMs);
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  /** Migrations run in one transaction, so that processes that start at once run them one after the other. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** Who writes takes turns; who reads need not wait for that. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SharedSqliteDriver extends SqliteDriver {
  readonly #database: NodeSqlite;
  readonly #readers: SqliteDriver;
  readonly #timeoutMs: number;
  readonly #turns = new WriteQueue();

  constructor(writing: NodeSqlite, reading: NodeSqlite, timeoutMs: number) {
    super({ database: writing });
    this.#database = writing;
    this.#readers = new SqliteDriver({ database: reading });
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
      this.#turns,
    );
  }

  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    (connection as SharedConnection).endTurn();
  }

  /**
   * Transactions take the lock for writing at their start. SQLite would wait for it in vain at the first write, where
   * another process has written since the transaction began to read.
   */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SharedConnection).beginTurn();
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** SQLite has rolled back by itself where the disk is full or does not answer; what failed then is what counts. */
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

/** One at a time, in the order in which they came. */
class WriteQueue {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with what ends it. */
  async take(): Promise<() => void> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    await before;
    return turn.resolve;
  }
}

/**
 * Reads beside the transaction that is under way, which may take long, and sees what was committed before. Writes, and
 * whole transactions, take turns on the connection for that.
 */
class SharedConnection implements DatabaseConnection {
  readonly #writing: DatabaseConnection;
  readonly #reading: DatabaseConnection;
  readonly #turns: WriteQueue;
  #endTurn: (() => void) | undefined;

  constructor(writing: DatabaseConnection, reading: DatabaseConnection, turns: WriteQueue) {
    this.#writing = writing;
    this.#reading = reading;
    this.#turns = turns;
  }

  /** From here on all runs on the connection that writes. */
  async beginTurn(): Promise<void> {
    this.#endTurn = await this.#turns.take();
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
      return this.#reading.executeQuery<R>(query);
    }
    await this.beginTurn();
    try {
      return await this.#writing.executeQuery<R>(query);
    } finally {
      this.endTurn();
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#reading.streamQuery(query, chunkSize);
  }
}

/** Tries again what finds the file locked. Inside a transaction, which holds the lock, nothing does. */
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
      await setTimeout(tryAgainMs);
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#connection.streamQuery(query, chunkSize);
  }
}

/** SQLITE_BUSY, which extended codes have in their low byte. */
function isBusy(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === 5;
}

/** `node:sqlite` in the shape that Kysely's dialect asks for. */
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
