/**
 * Whether the database has lost changes that were acknowledged: it was restored from a backup, or a replica that was behind has
 * taken over. What was revoked in the lost changes is valid again, so that this is told everywhere until all tokens are
 * revoked or have expired: in the log, the audit trail, the readiness and the metrics.
 */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { LoggedEvent, LogHead } from '../events/event.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { findEventHash, findLastEvent } from '../events/event-store.ts';
import { findLongestTokenTtl } from '../keys/signing-key-store.ts';

/** An event that the database must have, as somebody knows. */
export interface KnownEvent extends LogHead {
  /** Who knows it, for the operator. */
  readonly knownBy: string;
  /** Milliseconds since 1970 at which the database had it. */
  readonly knownAt: number;
  /** Whether it may be told again and again, long after the database has lost it. */
  readonly isOld: boolean;
}

export interface History {
  /** Reports an event that the database no longer has. */
  reportLost(event: KnownEvent): void;
  /** Whether the database has the event. */
  has(event: LogHead): Promise<boolean>;
  /** Checks events that the database had earlier, and reports those that it lost. */
  verify(events: readonly KnownEvent[]): Promise<void>;
  /** Appends to the audit trail what was reported and is not in it yet. To be called often; does nothing most of the time. */
  record(): Promise<void>;
  /** Whether everything that was reported is in the audit trail. */
  isRecorded(): boolean;
  /** When the loss was found, in milliseconds since 1970; undefined if no token that may concern it can still be valid. */
  lostAt(): number | undefined;
  /** How often this node has found a loss. */
  losses(): number;
}

export interface HistoryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  /** Appends to the same change what else a history that lost its end needs. */
  readonly repair: (transaction: Kysely<Database>, append: Append) => Promise<void>;
  readonly log: { error(details: object, text: string): void };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export async function openHistory({ db, events, repair, log, now }: HistoryOptions): Promise<History> {
  let losses = 0;
  let unrecorded: (KnownEvent & { readonly foundAt: number })[] = [];
  /** The hash of the event that was recorded last, until the log goes on: what reads the log meanwhile may find the same loss. */
  let recordedHash: string | undefined;
  let openLoss: { readonly foundAt: number; readonly until: number } | undefined;
  /** Milliseconds since 1970 at which all tokens were revoked last. */
  let allRevokedAt = 0;

  const read = async () => {
    const lost = await findLastEvent(db, 'history.lost');
    const revoked = await findLastEvent(db, 'all_tokens.revoked');
    allRevokedAt = (revoked?.data['generation'] as number | undefined) ?? 0;
    if (lost === undefined || (revoked !== undefined && coversLoss(revoked, lost))) {
      openLoss = undefined;
      return;
    }
    openLoss = { foundAt: lost.occurredAt, until: lost.occurredAt + (await findLongestTokenTtl(db)) * 1000 };
  };
  await read();
  events.follow(async ({ kind }) => {
    if (kind !== 'history.lost') {
      recordedHash = undefined;
    }
    if (kind === 'history.lost' || kind === 'all_tokens.revoked') {
      await read();
    }
  }, read);

  const reportLost = (event: KnownEvent) => {
    if (event.hash === recordedHash || unrecorded.some(({ hash }) => hash === event.hash)) {
      return;
    }
    losses += 1;
    unrecorded.push({ ...event, foundAt: now() });
    log.error(
      { lostSequence: event.sequence, knownBy: event.knownBy },
      `The database has lost changes: event ${event.sequence}, which ${event.knownBy} knows, is not in it. It was restored from a ` +
        'backup, or a replica that was behind has taken over. What was revoked, disabled or deleted in the lost changes is ' +
        'valid again: repeat these changes, or revoke all tokens with: postern revoke-all-tokens',
    );
  };

  const has = async ({ sequence, hash }: LogHead) => sequence === 0 || (await findEventHash(db, sequence)) === hash;

  return {
    reportLost,
    has,
    async verify(known) {
      for (const event of known) {
        if (!(await has(event)) && !(await isRecorded(db, event))) {
          reportLost(event);
        }
      }
    },
    async record() {
      if (unrecorded.length === 0) {
        return;
      }
      const reported = unrecorded;
      await events.change('postern', async (transaction, append) => {
        for (const event of reported) {
          if (!(await isRecorded(transaction, event))) {
            const { sequence, hash, knownBy } = event;
            const knownAt = new Date(event.knownAt).toISOString();
            // Above those of the lost changes, as far as this node heard of them.
            const data = { sequence, hash, knownBy, knownAt, generation: append.leastGeneration() };
            await append({ kind: 'history.lost', subject: 'history', data });
          }
        }
        await repair(transaction, append);
      });
      unrecorded = unrecorded.filter((event) => !reported.includes(event));
      recordedHash = reported.at(-1)?.hash;
    },
    isRecorded: () => unrecorded.length === 0,
    lostAt() {
      const found = unrecorded.find(({ knownAt }) => knownAt >= allRevokedAt);
      return found?.foundAt ?? (openLoss !== undefined && now() < openLoss.until ? openLoss.foundAt : undefined);
    },
    losses: () => losses,
  };
}

/** Whether all tokens were revoked after the loss: after it was found, or before that by the command that restored the database. */
function coversLoss(revoked: LoggedEvent, lost: LoggedEvent): boolean {
  const knownAt = Date.parse(lost.data['known_at'] as string);
  return revoked.sequence > lost.sequence || (revoked.data['generation'] as number) > knownAt;
}

/** Whether the audit trail tells that the event was lost: several nodes find the same loss, and guards tell of it later. */
async function isRecorded(db: Kysely<Database>, { sequence, hash, isOld }: KnownEvent): Promise<boolean> {
  const { data } = (await findLastEvent(db, 'history.lost')) ?? {};
  return data !== undefined && (data['hash'] === hash || (isOld && sequence <= (data['sequence'] as number)));
}
