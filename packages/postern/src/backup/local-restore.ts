/** Restores the database of the environment. It is the part of the verb that knows the server's code. */
import { resolve } from 'node:path';
import {
  type CopyRequest,
  createDatabaseDirectory,
  describeDatabase,
  type EndOfLife,
  findEndsOfLife,
  findMasterKey,
  listLaterEvents,
  readBackup,
  restoreDatabase,
  StartError,
} from '@postern/server';
import { hostedMigrations, readStorage, reportStartErrors } from './local-storage.ts';

export interface RestoreOptions {
  readonly envFile?: string;
  readonly replace?: true;
}

/** What had ended, and is valid again. */
export interface Revived {
  /** In the audit trail. */
  readonly sequence: number;
  /** When it ended, RFC 3339. */
  readonly at: string;
  readonly kind: string;
  readonly subject: string;
  readonly text: string;
}

export function restoreLocally(
  file: string,
  { envFile, replace }: RestoreOptions,
  onProgress: CopyRequest['onProgress'],
) {
  return reportStartErrors(async () => {
    const path = resolve(file);
    const storage = await readStorage(envFile);
    const masterKey = findMasterKey(storage);
    if (masterKey === undefined) {
      throw new StartError(
        `there is no master key, without which the backup is useless: put its master.key and root.env into ${storage.dataDir}, or ` +
          'set POSTERN_MASTER_KEY.',
      );
    }
    const end = await readBackup(path, hostedMigrations, masterKey);
    const later = await listLaterEvents(storage.database, hostedMigrations, end);
    createDatabaseDirectory(storage.database);
    const { rows, kept } = await restoreDatabase({
      path,
      target: storage.database,
      migrations: hostedMigrations,
      masterKey,
      isReplacing: replace === true,
      finish: undefined,
      now: Date.now,
      onProgress,
    });
    const revived = later === undefined ? undefined : findEndsOfLife(later, Date.now()).map(toRevived);
    return { target: describeDatabase(storage.database), rows, end, kept, revived };
  });
}

function toRevived({ event: { sequence, occurredAt, kind, subject }, text }: EndOfLife): Revived {
  return { sequence, at: new Date(occurredAt).toISOString(), kind, subject, text };
}
