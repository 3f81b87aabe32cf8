/** SQLite through `node:sqlite`, under Kysely's own SQLite dialect. */
import { constants, DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { SqliteConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';
import { watchDatabaseFiles } from './file-watch.ts';
import type { Database } from './schema.ts';
import { NodeSqlite, SharedSqliteDialect, sqliteDialectOf } from './sqlite-dialect.ts';
import { copyDatabase } from './sqlite-files.ts';

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
