/** SQLite through `node:sqlite`, under Kysely's own SQLite dialect. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Dialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';

/** Statements kept prepared; Kysely asks for the same few texts again and again. */
const mostStatements = 200;

/**
 * Opens the file, made if missing. Write-ahead log with full synchronisation: a commit that was acknowledged is on
 * the disk, also after `kill -9` or a power cut. Throws what SQLite throws where the file cannot be opened.
 */
export function openSqlite(path: string): Dialect {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  return new SqliteDialect({ database: new NodeSqlite(database) });
}

/** `node:sqlite` in the shape that Kysely's dialect asks for. */
class NodeSqlite implements SqliteDatabase {
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
