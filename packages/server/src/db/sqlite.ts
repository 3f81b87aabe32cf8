/** SQLite through `node:sqlite`, under Kysely's own SQLite dialect. */
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { SqliteConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';
import { watchDatabaseFiles } from './file-watch.ts';
import type { Database } from './schema.ts';
import { NodeSqlite, SharedSqliteDialect, sqliteDialectOf } from './sqlite-dialect.ts';
import { copyDatabase } from './sqlite-files.ts';
import { SqliteWriter } from './sqlite-writer.ts';

/**
 * Opens the file, and creates it if it is missing. Statements wait at most `timeoutMs` for a lock that another process holds.
 * Throws what SQLite throws if the file cannot be opened.
 */
export function openSqlite({ path, timeoutMs }: SqliteConfig): DatabaseDriver {
  const reading = new DatabaseSync(path, { timeout: timeoutMs });
  // Opens the write-ahead log too.
  reading.exec('pragma journal_mode = wal; select 1 from sqlite_schema; pragma query_only = on;');
  const watch = watchDatabaseFiles(path);
  // From here on SQLite must not wait for locks: that would block the whole process. `RetryBusyConnection` waits.
  reading.exec('pragma busy_timeout = 0');
  const writer = new SqliteWriter(path, timeoutMs);
  return {
    dialect: new SharedSqliteDialect({ reading: new NodeSqlite(reading), writer, watch, timeoutMs }),
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
              await writer.applyChanges(changes);
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
