/**
 * The revocation feed of this node: what tokens and clients are worth now, for APIs that verify tokens by themselves.
 * It is made from the event log at the start and follows it from there. docs/revocation-feed.md is its protocol.
 *
 * Does not say who may read it.
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
  /** Where to go on. */
  readonly cursor: string;
  /** The entries start from the beginning: what a follower had before is to be forgotten. */
  readonly snapshot: boolean;
  readonly more: boolean;
  /** Seconds since this node last knew itself current. */
  readonly lagSeconds: number;
  readonly entries: readonly FeedEntry[];
}

export interface RevocationFeed {
  /**
   * What is new since `cursor`; all, where there is none or it is not of this log. Waits for news where there are none:
   * `waitSeconds` at the most, and only while `signal` says that somebody listens.
   */
  read(cursor: string | undefined, waitSeconds: number, signal: AbortSignal): Promise<FeedAnswer>;
  /** Drops what no token can need any more. To be called every minute or so. */
  maintain(): Promise<void>;
  /** Answers all that wait. */
  close(): void;
}

export interface RevocationFeedOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Entries of one answer. */
const mostEntries = 1_000;

/** Followers that wait at once; the next one is answered at once. */
const mostWaiting = 10_000;

/** Events read at once at the start. */
const batchSize = 5_000;

/** Cursors that are known without a look at the database. */
const mostCursors = 1_000;

export async function openRevocationFeed({ db, events, now }: RevocationFeedOptions): Promise<RevocationFeed> {
  const state = new FeedState();
  const hashes = new LRUCache<number, string>({ max: mostCursors });
  const longPoll = createLongPoll(mostWaiting);

  const take = (event: FeedEvent) => {
    const entry = feedEntryOf(event);
    state.add(event.sequence, Date.parse(event.occurredAt) / 1000, entry);
    if (entry !== undefined) {
      longPoll.wake();
    }
  };

  const load = async () => {
    const head = await readLog(db);
    const since = new Date(usefulSince(now() / 1000, await findLongestTokenTtl(db)) * 1000).toISOString();
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

  /** Undefined where the log has no such event. */
  const findHash = async (sequence: number): Promise<string | undefined> => {
    const hash = hashes.get(sequence) ?? (sequence === 0 ? events.id : await findEventHash(db, sequence));
    if (hash !== undefined) {
      hashes.set(sequence, hash);
    }
    return hash;
  };

  /** The hash in it tells whether this log, or a copy that was restored, still has the history that a follower saw. */
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
    async read(cursor, waitSeconds, signal) {
      const position = await positionOf(cursor);
      const { version } = longPoll;
      let page = state.read(position ?? 0, mostEntries);
      if (position !== undefined && page.entries.length === 0 && waitSeconds > 0) {
        await longPoll.wait(version, waitSeconds * 1000, signal);
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
    async maintain() {
      state.forget(now() / 1000, await findLongestTokenTtl(db));
    },
    close: longPoll.close,
  };
}

const cursorPattern = /^(\d{1,15})\.([\w-]{1,64})$/;
