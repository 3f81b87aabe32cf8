/**
 * The revocation feed of this node: the current status of tokens and clients, for APIs that verify tokens locally. It is
 * built from the event log at the start and follows it from there. docs/revocation-feed.md describes the protocol.
 *
 * Does not check who may read it.
 */
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { findEventHash, readLog } from '../events/event-store.ts';
import { createLongPoll } from '../events/long-poll.ts';
import { findLongestTokenTtl } from '../keys/signing-key-store.ts';
import { type FeedEntry, feedEntryOf } from './feed-entry.ts';
import { FeedState, usefulSince } from './feed-state.ts';
import { type FeedEvent, listFeedEvents } from './feed-store.ts';

export interface FeedAnswer {
  /** The position to continue from. */
  readonly cursor: string;
  /** The entries start from the beginning: the follower must drop those that it had. */
  readonly snapshot: boolean;
  readonly more: boolean;
  /** Seconds since this node last read the changes of other nodes. */
  readonly lagSeconds: number;
  readonly entries: readonly FeedEntry[];
}

export interface RevocationFeed {
  /**
   * Returns the entries since `cursor`, or all if there is no cursor or it is not of this log. If there are none, waits
   * for some, at most `waitSeconds` and until `signal` aborts, unless too many followers at `address` wait already.
   */
  read(cursor: string | undefined, waitSeconds: number, signal: AbortSignal, address: string): Promise<FeedAnswer>;
  /** The number of entries: of revoked tokens and changed clients. */
  size(): number;
  /** Drops entries that concern no token that can still be valid. Call it about once a minute. */
  maintain(): Promise<void>;
  /** Answers all followers that wait. */
  close(): void;
}

export interface RevocationFeedOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Entries in one answer. */
const mostEntries = 1_000;

/** Followers that may wait at the same time, a quarter of them at one address. Further ones are answered at once. */
const mostWaiting = 10_000;

/** Events per read at the start. */
const batchSize = 5_000;

/** Hashes of events that are kept in memory, to check cursors without the database. */
const mostCursors = 1_000;

export async function openRevocationFeed({ db, events, now }: RevocationFeedOptions): Promise<RevocationFeed> {
  const state = new FeedState();
  const hashes = new LRUCache<number, string>({ max: mostCursors });
  const longPoll = createLongPoll(mostWaiting);

  const take = (event: FeedEvent) => {
    const entry = feedEntryOf(event);
    state.add(event.sequence, event.occurredAt / 1000, entry);
    if (entry !== undefined) {
      longPoll.wake();
    }
  };

  const load = async () => {
    const head = await readLog(db);
    const since = usefulSince(now() / 1000, await findLongestTokenTtl(db)) * 1000;
    for (let isWhole = true; isWhole; ) {
      const batch = await listFeedEvents(db, state.head, since, batchSize);
      batch.forEach(take);
      isWhole = batch.length === batchSize;
    }
    state.add(head.sequence, 0, undefined);
  };
  const loaded = load();
  events.follow(async (event) => {
    await loaded;
    hashes.set(event.sequence, event.hash);
    take(event);
  });
  await loaded;

  /** Returns undefined if the log has no such event. */
  const findHash = async (sequence: number): Promise<string | undefined> => {
    const hash = hashes.get(sequence) ?? (sequence === 0 ? events.id : await findEventHash(db, sequence));
    if (hash !== undefined) {
      hashes.set(sequence, hash);
    }
    return hash;
  };

  /** A cursor has the hash of its event, which shows whether this log, perhaps restored, has the history that was read. */
  const cursorAt = async (sequence: number) => {
    const hash = await findHash(sequence);
    if (hash === undefined) {
      throw new Error(`the event log has no event ${sequence}`);
    }
    return `${sequence}.${hash}`;
  };

  const positionOf = async (cursor: string | undefined): Promise<number | undefined> => {
    const [, digits, hash] = cursorPattern.exec(cursor ?? '') ?? [];
    const sequence = Number(digits);
    return digits !== undefined && (await findHash(sequence)) === hash ? sequence : undefined;
  };

  return {
    async read(cursor, waitSeconds, signal, address) {
      const position = await positionOf(cursor);
      const { version } = longPoll;
      let page = state.read(position ?? 0, mostEntries);
      if (position !== undefined && page.entries.length === 0 && waitSeconds > 0) {
        await longPoll.wait(version, waitSeconds * 1000, signal, address);
        page = state.read(position, mostEntries);
      }
      return {
        cursor: await cursorAt(page.sequence),
        snapshot: position === undefined,
        more: page.more,
        lagSeconds: events.lagSeconds(),
        entries: page.entries,
      };
    },
    size: () => state.size,
    async maintain() {
      state.forget(now() / 1000, await findLongestTokenTtl(db));
    },
    close: longPoll.close,
  };
}

const cursorPattern = /^(\d{1,15})\.([\w-]{1,64})$/;
