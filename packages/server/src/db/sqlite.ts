/** SQLite through `node:sqlite`, under Kysely's own SQLite dialect. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type { SqliteConfig } from '../config.ts';
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
  const database = new DatabaseSync(path, { timeout: timeoutMs });
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  // From here on SQLite must not wait itself: that would stop the whole process.
  database.exec('pragma busy_timeout = 0');
  return {
    dialect: new SharedSqliteDialect(new NodeSqlite(database), timeoutMs),
    // A file tells nobody: who shares it with others looks into it now and then.
    announce: async () => {},
    listen: () => async () => {},
  };
}

/** For a file that several processes use. */
class SharedSqliteDialect extends SqliteDialect {
  readonly #database: NodeSqlite;
  readonly #timeoutMs: number;

  constructor(database: NodeSqlite, timeoutMs: number) {
    super({ database });
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  override createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter();
  }

  override createDriver(): Driver {
    return new SharedSqliteDriver(this.#database, this.#timeoutMs);
  }
}

/** Migrations run in one transaction, so that processes that start at once run them one after the other. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class SharedSqliteDriver extends SqliteDriver {
  readonly #database: NodeSqlite;
  readonly #timeoutMs: number;

  constructor(database: NodeSqlite, timeoutMs: number) {
    super({ database });
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return new PatientConnection(await super.acquireConnection(), this.#timeoutMs);
  }

  /**
   * Transactions take the lock for writing at their start. SQLite would wait for it in vain at the first write, where
   * another process has written since the transaction began to read.
   */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** SQLite has rolled back by itself where the disk is full or does not answer; what failed then is what counts. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) {
      await super.rollbackTransaction(connection);
    }
  }
}

/** Tries again what finds the file locked. Inside a transaction, which holds the lock, nothing does. */
class PatientConnection implements DatabaseConnection {
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
