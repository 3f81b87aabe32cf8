/** Files of SQLite that no server has open: what is in them, whether they are intact, and copies of them. */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { SqliteDialect } from 'kysely';
import { StartError } from '../start-error.ts';
import { isBusy, sqliteDialectOf } from './sqlite-dialect.ts';

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

/**
 * Returns a private copy of what is committed, which leaves nothing behind when it is closed. Copying takes place in
 * another thread and waits for nobody.
 */
export async function copyDatabase(path: string): Promise<DatabaseSync> {
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
