/** Copies all rows of one database into another one, and verifies each: the way of a move, a backup and a restore. */
import { Kysely, type Transaction } from 'kysely';
import type { DatabaseConfig } from '../../config/config.ts';
import { StartError } from '../../start-error.ts';
import { connectDatabase, describeDatabase, withoutTimeLimit } from '../connect.ts';
import { listExecuted, listTableNames, type MigrationSet } from '../migrate.ts';
import { openPostgres } from '../postgres.ts';
import type { Database } from '../schema.ts';
import { openSqliteReader } from '../sqlite-files.ts';
import { type AnyTables, countRows, deleteRows, hasRow, RowSum, readRows, writeRows } from './rows.ts';
import { listTables, type Table } from './tables.ts';
import { isPresent } from './whole-file.ts';

/** Receives how many rows are done, of all: first copied, then verified. */
export type OnProgress = (step: 'copied' | 'verified', done: number, total: number) => void;

export interface CopyOptions {
  readonly source: DatabaseConfig;
  readonly target: DatabaseConfig;
  readonly migrations: readonly MigrationSet[];
  /** Whether the rows of the target are replaced. Otherwise it must have none. */
  readonly isReplacing: boolean;
  /** Looks at the source before anything is written. If it throws, nothing is. */
  readonly inspect: (source: Kysely<Database>) => Promise<void>;
  readonly onProgress: OnProgress;
}

/** How many rows each table has, by its name. */
export type RowCounts = Readonly<Record<string, number>>;

/**
 * Copies what the source has at one moment, in one transaction on the target, and creates the tables there if they are
 * missing. Returns what was copied. Throws `StartError` if the source is of another version, the target has rows, or what was
 * written is not what was read; then the target is as before.
 */
export async function copyDatabase(options: CopyOptions): Promise<RowCounts> {
  const { source, target, migrations } = options;
  const tables = await listTables(migrations);
  return readSnapshot(withoutTimeLimit(source), migrations, async (from) => {
    await options.inspect(from);
    return naming(target, async () => {
      const { db, driver } = await connectDatabase(withoutTimeLimit(target), migrations);
      try {
        return await db.transaction().execute(async (to) => {
          await driver.lockChanges(to);
          if (!options.isReplacing && (await hasRows(to, tables))) {
            throw notEmpty(target);
          }
          return await copyTables(from, to, tables, options.onProgress);
        });
      } finally {
        await db.destroy();
      }
    });
  });
}

export function notEmpty(config: DatabaseConfig): StartError {
  return new StartError(`${describeDatabase(config)} is not empty, and nothing was changed: name an empty database.`);
}

/** Runs `work` on what the database has at one moment, without writing to it. Throws `StartError` if it is not of this version. */
export function readSnapshot<T>(
  config: DatabaseConfig,
  migrations: readonly MigrationSet[],
  work: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return readAtOnce(config, async (transaction) => {
    await requireThisVersion(transaction, migrations, describeDatabase(config));
    return work(transaction);
  });
}

function readAtOnce<T>(config: DatabaseConfig, work: (transaction: Transaction<Database>) => Promise<T>): Promise<T> {
  return naming(config, async () => {
    const db = new Kysely<Database>({
      dialect: config.kind === 'sqlite' ? openSqliteReader(config.path) : openPostgres(config).dialect,
    });
    try {
      const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
      return await snapshot.execute(work);
    } finally {
      await db.destroy();
    }
  });
}

/** Makes a `StartError` that names the database of what the database throws. */
async function naming<T>(config: DatabaseConfig, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof StartError || code === undefined) {
      throw error;
    }
    throw new StartError(`the database ${describeDatabase(config)} cannot be used: ${message || code}.`, {
      cause: error,
    });
  }
}

/** Whether it is missing, or has no tables of Postern, or none with rows that somebody wrote. */
export async function isEmptyDatabase(config: DatabaseConfig, migrations: readonly MigrationSet[]): Promise<boolean> {
  if (config.kind === 'sqlite' && !isPresent(config.path)) {
    return true;
  }
  const tables = await listTables(migrations);
  try {
    return await readAtOnce(config, async (db) => {
      const names = await listTableNames(db);
      const present = tables.filter(({ name }) => names.has(name));
      // What else an SQLite file has is a database of another program.
      const isOther = config.kind === 'sqlite' && names.size > 0 && present.length === 0;
      return !isOther && !(await hasRows(db, present));
    });
  } catch (error) {
    if (config.kind === 'sqlite') {
      // A file that cannot be read may have been a database, and must not be overwritten.
      return false;
    }
    throw error;
  }
}

async function hasRows(db: Kysely<AnyTables>, tables: readonly Table[]): Promise<boolean> {
  for (const table of tables) {
    if (!table.isSeeded && (await hasRow(db, table))) {
      return true;
    }
  }
  return false;
}

async function requireThisVersion(
  db: Kysely<Database>,
  migrations: readonly MigrationSet[],
  name: string,
): Promise<void> {
  for (const set of migrations) {
    const executed = await listExecuted(db, `${set.owner}_migration`);
    if (executed.length === 0) {
      throw new StartError(`${name} has no tables of Postern: is it the right database?`);
    }
    const unknown = executed.find((one) => set.migrations[one] === undefined);
    if (unknown !== undefined) {
      throw new StartError(
        `${name} was written by a newer version of Postern (${set.owner} migration ${unknown}): use the command of that version.`,
      );
    }
    const lacking = Object.keys(set.migrations).find((one) => !executed.includes(one));
    if (lacking !== undefined) {
      throw new StartError(
        `${name} was written by an older version of Postern (it lacks ${set.owner} migration ${lacking}): start this version on ` +
          'it once, which upgrades it, or use the command of the older version.',
      );
    }
  }
}

async function copyTables(
  from: Kysely<AnyTables>,
  to: Kysely<AnyTables>,
  tables: readonly Table[],
  onProgress: OnProgress,
): Promise<RowCounts> {
  for (const table of tables.toReversed()) {
    await deleteRows(to, table);
  }
  let total = 0;
  for (const table of tables) {
    total += await countRows(from, table);
  }
  const sums = new Map<Table, RowSum>();
  let done = 0;
  for (const table of tables) {
    const sum = new RowSum();
    for await (const rows of readRows(from, table)) {
      await writeRows(to, table, rows);
      for (const row of rows) {
        sum.add(table, row);
      }
      done += rows.length;
      onProgress('copied', done, total);
    }
    sums.set(table, sum);
  }
  done = 0;
  for (const [table, expected] of sums) {
    const sum = new RowSum();
    for await (const rows of readRows(to, table)) {
      for (const row of rows) {
        sum.add(table, row);
      }
      done += rows.length;
      onProgress('verified', done, total);
    }
    if (!sum.equals(expected)) {
      throw new StartError(
        `the rows of the table ${table.name} are not the same after they were copied (${sum.count} of ${expected.count} arrived, or ` +
          'some were changed): nothing was kept of the copy.',
      );
    }
  }
  return Object.fromEntries([...sums].map(([{ name }, { count }]) => [name, count]));
}
