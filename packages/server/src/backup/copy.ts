/** Moves everything to another database, such as from SQLite to PostgreSQL: nobody needs a new secret. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseConfig } from '../config/config.ts';
import { describeDatabase } from '../db/connect.ts';
import { copyDatabase, isEmptyDatabase, notEmpty, type OnProgress, type RowCounts } from '../db/copy/copy-database.ts';
import { writeWholeFile } from '../db/copy/whole-file.ts';
import type { MigrationSet } from '../db/migrate.ts';
import { StartError } from '../start-error.ts';
import { type KnownMasterKey, requireMasterKeys } from './known-master-key.ts';

export interface CopyRequest {
  readonly source: DatabaseConfig;
  readonly target: DatabaseConfig;
  readonly migrations: readonly MigrationSet[];
  readonly masterKeys: readonly KnownMasterKey[];
  readonly onProgress: OnProgress;
}

/**
 * Copies what the source has at one moment. Returns how many rows each table has. Throws `StartError` if the target is not
 * empty, the databases are of different versions, or a master key at hand is not that of the source; then nothing was changed.
 */
export async function copyToEmptyDatabase(request: CopyRequest): Promise<RowCounts> {
  const { source, target, migrations, masterKeys, onProgress } = request;
  const name = describeDatabase(source);
  if (name === describeDatabase(target)) {
    throw new StartError(`${name} is the source and the target: name two databases.`);
  }
  const copyTo = (to: DatabaseConfig) =>
    copyDatabase({
      source,
      target: to,
      migrations,
      isReplacing: false,
      inspect: (from) => requireMasterKeys(from, name, masterKeys),
      onProgress,
    });
  if (target.kind === 'postgres') {
    return copyTo(target);
  }
  if (!(await isEmptyDatabase(target, migrations))) {
    throw notEmpty(target);
  }
  createDirectory(dirname(target.path));
  return writeWholeFile(target.path, (draft) => copyTo({ ...target, path: draft }));
}

/** Creates the directory of the new database, as a start does: with PostgreSQL there may have been none. */
function createDirectory(path: string): void {
  try {
    if (!existsSync(path)) {
      mkdirSync(path, { mode: 0o700 });
    }
  } catch (error) {
    throw new StartError(`cannot create ${path} (${(error as NodeJS.ErrnoException).code}).`);
  }
}
