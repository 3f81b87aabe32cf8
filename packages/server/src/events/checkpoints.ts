/**
 * Checkpoints of the event log, on a schedule and by request. None is signed over a history that changed: the whole log is
 * verified before, by its MACs and by the checkpoints that are kept outside of the database. docs/audit.md.
 */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Checkpoint, SignCheckpoint } from './checkpoint.ts';
import type { CheckpointStore } from './checkpoint-stores.ts';
import type { MacEvent } from './event.ts';
import { readLog } from './event-store.ts';
import { findLogFault } from './verify-log.ts';

export interface Checkpoints {
  /** Verifies the log and signs its end. Throws `conflict` if the log was changed or the kept checkpoints cannot be read. */
  create(): Promise<Checkpoint>;
  /** To be called every minute or so: creates a checkpoint and keeps it outside, at the first call and then by the schedule. */
  keepIfDue(): Promise<void>;
  /** For metrics. */
  state(): { readonly isIntact: boolean; readonly failures: number };
}

export interface CheckpointsOptions {
  readonly db: Kysely<Database>;
  readonly macEvent: MacEvent;
  readonly sign: SignCheckpoint;
  /** Where checkpoints are kept, in addition to the server's own log. */
  readonly stores: readonly CheckpointStore[];
  readonly intervalMs: number;
  readonly log: { info(details: object, text: string): void; error(details: object, text: string): void };
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

export function createCheckpoints(options: CheckpointsOptions): Checkpoints {
  const { db, macEvent, sign, stores, intervalMs, log, now, monotonic } = options;
  let last: Checkpoint | undefined;
  let dueAt = Number.NEGATIVE_INFINITY;
  let fault: string | undefined;
  let failures = 0;
  let running: Promise<Checkpoint> | undefined;

  const readKept = async (): Promise<Checkpoint[]> => {
    try {
      return (await Promise.all(stores.map((store) => store.read()))).flat();
    } catch (error) {
      log.error(
        { err: error },
        'the kept checkpoints cannot be read: no checkpoint is signed until they are put right',
      );
      throw new OAuthError(
        'conflict',
        'No checkpoint is signed, since the kept ones cannot be read: see the log of the server.',
      );
    }
  };

  const verifyAndSign = async (): Promise<Checkpoint> => {
    const head = await readLog(db);
    const known = new Map<number, string>();
    for (const checkpoint of [...(await readKept()), ...(last === undefined ? [] : [last])]) {
      if (checkpoint.log_id === head.logId) {
        known.set(checkpoint.sequence, checkpoint.hash);
      }
    }
    fault = await findLogFault(db, macEvent, { ...head, checkpoints: known });
    if (fault !== undefined) {
      log.error({ fault }, 'the audit trail was changed: no checkpoint is signed');
      throw new OAuthError('conflict', `No checkpoint is signed, since the audit trail was changed: ${fault}.`);
    }
    last = sign(head, now());
    return last;
  };

  /** Calls at the same time share one pass over the log. */
  const create = () => {
    running ??= verifyAndSign().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    create,
    async keepIfDue() {
      if (monotonic() < dueAt) {
        return;
      }
      try {
        const checkpoint = await create();
        log.info({ checkpoint }, 'checkpoint of the event log');
        for (const store of stores) {
          await store.keep(checkpoint);
        }
        dueAt = monotonic() + intervalMs;
      } catch (error) {
        failures += 1;
        // A log that was changed remains so; a store that fails may answer in a minute.
        if (error instanceof OAuthError) {
          dueAt = monotonic() + intervalMs;
          return;
        }
        log.error({ err: error }, 'no checkpoint of the event log was kept; it is tried again in a minute');
      }
    },
    state: () => ({ isIntact: fault === undefined, failures }),
  };
}
