/** Makes the database what it was at a backup. What it was before is kept beside. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseConfig } from '../config/config.ts';
import { type ConnectedDatabase, connectDatabase, describeDatabase, withoutTimeLimit } from '../db/connect.ts';
import {
  copyDatabase,
  isEmptyDatabase,
  type OnProgress,
  type RowCounts,
  readSnapshot,
} from '../db/copy/copy-database.ts';
import { isPresent, renameDatabase, writeWholeFile } from '../db/copy/whole-file.ts';
import type { MigrationSet } from '../db/migrate.ts';
import { takeOutOfUse } from '../db/sqlite-files.ts';
import type { LoggedEvent } from '../events/event.ts';
import { findEventHash, type LogEnd, listEventsAfter } from '../events/event-store.ts';
import { StartError } from '../start-error.ts';
import { backUpDatabase, fileConfig } from './backup.ts';
import { inspectDatabase } from './inspect-database.ts';
import type { KnownMasterKey } from './known-master-key.ts';

export interface RestoreRequest {
  /** The backup. */
  readonly path: string;
  readonly target: DatabaseConfig;
  readonly migrations: readonly MigrationSet[];
  /** Whether a database with rows is replaced. */
  readonly isReplacing: boolean;
  /** Changes the restored database before it takes the place of the target. Undefined: it remains what it was. */
  readonly finish: ((restored: ConnectedDatabase) => Promise<void>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onProgress: OnProgress;
}

export interface Restored {
  readonly rows: RowCounts;
  /** The file with the database that was replaced. Undefined: there was none. */
  readonly kept: string | undefined;
}

/** Reads where the audit trail of a backup ends. Throws `StartError` if it is no intact backup of this version, or of another master key. */
export function readBackup(
  path: string,
  migrations: readonly MigrationSet[],
  masterKey: KnownMasterKey,
): Promise<LogEnd> {
  return inspectDatabase(fileConfig(path), migrations, masterKey);
}

/** Lists what the database recorded after a backup; undefined if the backup is not of its history, or it cannot be read. */
export async function listLaterEvents(
  config: DatabaseConfig,
  migrations: readonly MigrationSet[],
  end: LogEnd,
): Promise<LoggedEvent[] | undefined> {
  if (config.kind === 'sqlite' && !isPresent(config.path)) {
    return undefined;
  }
  try {
    return await readSnapshot(withoutTimeLimit(config), migrations, async (db) => {
      const isLater = end.sequence === 0 || (await findEventHash(db, end.sequence)) === end.hash;
      return isLater ? listEventsAfter(db, end.sequence, Number.MAX_SAFE_INTEGER) : undefined;
    });
  } catch {
    // A database that is damaged is what a backup is for.
    return undefined;
  }
}

/** Throws `StartError` if the target has rows and is not to be replaced, or is in use; then it is as before. */
export async function restoreDatabase(request: RestoreRequest): Promise<Restored> {
  const { target, migrations, isReplacing, now } = request;
  const isEmpty = await isEmptyDatabase(target, migrations);
  if (!isEmpty && !isReplacing) {
    throw new StartError(
      `${describeDatabase(target)} has data already, and nothing was changed. Add --replace to restore over it; the present data is kept beside.`,
    );
  }
  const time = new Date(now()).toISOString().replaceAll(/[:.]/g, '-');
  if (target.kind === 'sqlite') {
    const kept = isEmpty ? undefined : `${target.path}.replaced-${time}`;
    const rows = await writeWholeFile(
      target.path,
      async (draft) => {
        if (kept !== undefined) {
          takeOutOfUse(target.path);
        }
        return stage(request, draft);
      },
      () => kept !== undefined && renameDatabase(target.path, kept),
    );
    return { rows, kept };
  }
  const kept = isEmpty ? undefined : `${request.path}.replaced-${time}.db`;
  const directory = mkdtempSync(join(tmpdir(), 'postern-restore-'));
  try {
    const staged = join(directory, 'restored.db');
    await stage(request, staged);
    if (kept !== undefined) {
      await backUpDatabase({ source: target, path: kept, migrations, onProgress: () => {} });
    }
    const rows = await copyDatabase({
      source: fileConfig(staged),
      target,
      migrations,
      isReplacing: true,
      inspect: async () => {},
      onProgress: request.onProgress,
    });
    return { rows, kept };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Copies the backup into a file that nobody uses yet, and finishes it there, so that the target changes at once or not at all. */
async function stage({ path, migrations, finish, onProgress }: RestoreRequest, to: string): Promise<RowCounts> {
  const staged = fileConfig(to);
  const rows = await copyDatabase({
    source: fileConfig(path),
    target: staged,
    migrations,
    isReplacing: false,
    inspect: async () => {},
    onProgress,
  });
  if (finish !== undefined) {
    const connected = await connectDatabase(staged, migrations);
    try {
      await finish(connected);
    } finally {
      await connected.db.destroy();
    }
  }
  return rows;
}
