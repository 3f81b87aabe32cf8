/** Writes everything that the database has at one moment to a file, whichever database it is: an SQLite database, as `restore.ts` reads it. */
import { existsSync } from 'node:fs';
import type { DatabaseConfig } from '../config/config.ts';
import { copyDatabase, type OnProgress, type RowCounts } from '../db/copy/copy-database.ts';
import { writeWholeFile } from '../db/copy/whole-file.ts';
import type { MigrationSet } from '../db/migrate.ts';
import { type LogEnd, readLogEnd } from '../events/event-store.ts';
import { StartError } from '../start-error.ts';

export interface BackupRequest {
  readonly source: DatabaseConfig;
  /** A file that does not exist. */
  readonly path: string;
  readonly migrations: readonly MigrationSet[];
  readonly onProgress: OnProgress;
}

export interface Backup {
  readonly rows: RowCounts;
  /** Where the audit trail ended. */
  readonly end: LogEnd;
}

/** Throws `StartError` if the file exists or cannot be written, or the database cannot be read. Then there is no file. */
export async function backUpDatabase({ source, path, migrations, onProgress }: BackupRequest): Promise<Backup> {
  if (existsSync(path)) {
    throw new StartError(`${path} already exists: name another file.`);
  }
  return writeWholeFile(path, async (draft) => {
    let end: LogEnd | undefined;
    const rows = await copyDatabase({
      source,
      target: fileConfig(draft),
      migrations,
      isReplacing: false,
      async inspect(from) {
        end = await readLogEnd(from);
      },
      onProgress,
    });
    return { rows, end: end as LogEnd };
  });
}

/** The configuration of a database that nobody else uses. */
export function fileConfig(path: string): DatabaseConfig & { kind: 'sqlite' } {
  return { kind: 'sqlite', path, timeoutMs: 1_000 };
}
