/** Restores the database of the environment. It is the part of the verb that knows the server's code. */
import { resolve } from 'node:path';
import type { AuditEvent } from '@postern/admin';
import { deletedRows } from '@postern/policy-api';
import {
  type CopyRequest,
  createDatabaseDirectory,
  createRevokeAllTokens,
  describeDatabase,
  findEndsOfLife,
  findMasterKey,
  findRoot,
  type Installation,
  type LoggedEvent,
  listLaterEvents,
  openMasterKey,
  openOfflineEventLog,
  type ReplayedEnd,
  readBackup,
  replayTrail,
  restoreDatabase,
  StartError,
} from '@postern/server';
import { readTrailAfter } from '../audit/read-trail.ts';
import { hostedMigrations, readStorage, reportStartErrors } from './local-storage.ts';

export interface RestoreOptions {
  readonly envFile?: string;
  readonly replace?: true;
  readonly revokeAllTokens?: true;
  readonly replayAudit?: string;
}

/** What had ended after the backup. */
export interface Ended {
  /** In the audit trail. */
  readonly sequence: number;
  /** When it ended, RFC 3339. */
  readonly at: string;
  readonly kind: string;
  readonly subject: string;
  readonly text: string;
  /** Whether it was ended again. Otherwise it is valid again, or is not in the backup. */
  readonly ended_again: boolean;
}

export function restoreLocally(file: string, options: RestoreOptions, onProgress: CopyRequest['onProgress']) {
  return reportStartErrors(async () => {
    const path = resolve(file);
    const storage = await readStorage(options.envFile);
    const { database, dataDir } = storage;
    const [masterKey, root] = [findMasterKey(storage), findRoot(storage)];
    if (masterKey === undefined || root === undefined) {
      throw new StartError(
        `there ${masterKey === undefined ? 'is no master key, without which the backup is useless' : 'are no root credentials'}: put the ` +
          `master.key and the root.env of the backup into ${dataDir}, or set POSTERN_MASTER_KEY, OAUTH_ROOT_CLIENT_ID and ` +
          'OAUTH_ROOT_CLIENT_SECRET.',
      );
    }
    const end = await readBackup(path, hostedMigrations, masterKey);
    const trail =
      options.replayAudit === undefined
        ? undefined
        : (await readTrailAfter(options.replayAudit, end)).map(toLoggedEvent);
    const later = trail ?? (await listLaterEvents(database, hostedMigrations, end));
    let ended: Ended[] | undefined = later && findEndsOfLife(later, Date.now()).map((one) => toEnded(one, false));

    const finish = async ({ db, driver }: Pick<Installation, 'db' | 'driver'>) => {
      const keys = await openMasterKey({ db, driver }, masterKey.key);
      const log = await openOfflineEventLog({ installation: { db, driver, masterKey: keys }, now: Date.now });
      if (trail !== undefined) {
        const replayed = await replayTrail(trail, {
          log,
          hostedTables: deletedRows,
          rootClientId: root.clientId,
          now: Date.now,
        });
        ended = replayed.map((one) => toEnded(one, one.isEnded));
      }
      if (options.revokeAllTokens) {
        await createRevokeAllTokens({ events: log, root, masterKey: keys })('postern');
      }
    };
    createDatabaseDirectory(database);
    const { rows, kept } = await restoreDatabase({
      path,
      target: database,
      migrations: hostedMigrations,
      isReplacing: options.replace === true,
      finish: trail === undefined && !options.revokeAllTokens ? undefined : finish,
      now: Date.now,
      onProgress,
    });
    return { target: describeDatabase(database), rows, end, kept, ended };
  });
}

function toLoggedEvent({ occurred_at, kind, ...event }: AuditEvent): LoggedEvent {
  return { ...event, kind: kind as LoggedEvent['kind'], occurredAt: Date.parse(occurred_at) };
}

function toEnded({ event, text }: Pick<ReplayedEnd, 'event' | 'text'>, isEndedAgain: boolean): Ended {
  const { sequence, occurredAt, kind, subject } = event;
  return { sequence, at: new Date(occurredAt).toISOString(), kind, subject, text, ended_again: isEndedAgain };
}
