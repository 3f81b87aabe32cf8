/**
 * What was revoked, in the memory of this node: for the check of bearer tokens, and for the revocation feed. It is read from
 * the database at the start, and follows the event log from there. RFC 7009 §2.2.
 */
import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { type Clock, createEarliestNow } from '../clock.ts';
import type { Database } from '../db/schema.ts';
import type { LogHead } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { findLeastTime, readLastEvent } from '../events/event-store.ts';
import { findLongestTokenTtl } from '../keys/signing-key-store.ts';
import { feedEntryOf, neededSince } from './feed-entry.ts';
import { FeedState, usefulSince } from './feed-state.ts';
import { loadFeedEvents } from './feed-store.ts';
import { findGenerationFloor } from './generation-floor-store.ts';
import { deleteExpiredRevocations, deleteRevocationsBefore } from './revoked-token-store.ts';

export interface RevokedTokens {
  /** Whether a token was revoked, by `jti`. Does not say whether it is inactive because of its client. */
  has(jti: string): boolean;
}

export interface Revocations extends RevokedTokens {
  /** What this node knows now. Another one replaces it if the database has another history than before. */
  state(): FeedState;
  /** The last event that the state has. */
  head(): LogHead;
  /** Forgets what concerns no token that was valid at `seconds` since 1970 or later. Call it about once a minute. */
  forgetExpired(seconds: number): Promise<void>;
}

/** Seconds for which an entry is loaded after it is no longer needed, as it is kept. */
const keptSeconds = 86_400;

export async function openRevocations(
  db: Kysely<Database>,
  events: EventLog,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): Promise<Revocations> {
  // What is read again while the wall clock is ahead must not lack what looks expired by it.
  const now = createEarliestNow(clock);
  const load = async () => {
    const loading = new FeedState();
    // Not the head that the log names: somebody who changed the log may have made it another event than the last one.
    const head = (await readLastEvent(db)) ?? { sequence: 0, hash: events.id() };
    const time = await findLeastTime(db, now());
    const since = usefulSince(time / 1000 - keptSeconds, await findLongestTokenTtl(db)) * 1000;
    const needed = neededSince(time);
    for await (const batch of loadFeedEvents(db, since, head.sequence)) {
      for (const event of batch) {
        const entry = feedEntryOf(event);
        const isNeeded = entry?.type !== 'token' || entry.exp > needed;
        loading.add(event.sequence, event.occurredAt / 1000, isNeeded ? entry : undefined);
      }
    }
    loading.add(head.sequence, 0, undefined);
    return { state: loading, head };
  };
  const loaded = load();
  events.follow(
    async (event) => {
      await loaded;
      if (event.sequence > known.head.sequence) {
        const { sequence, hash } = event;
        known.state.add(sequence, event.occurredAt / 1000, feedEntryOf(event));
        known.head = { sequence, hash };
      }
    },
    async () => {
      known = await load();
    },
  );
  let known: { readonly state: FeedState; head: LogHead } = await loaded;
  return {
    has: (jti) => known.state.has(jti),
    state: () => known.state,
    head: () => known.head,
    async forgetExpired(seconds) {
      await deleteExpiredRevocations(db, seconds);
      await deleteRevocationsBefore(db, await findGenerationFloor(db));
      for (const _ of known.state.forget(seconds, await findLongestTokenTtl(db))) {
        await setImmediate();
      }
    },
  };
}
