/**
 * The revocation feed of this node: the current status of tokens and clients, for APIs that verify tokens locally.
 * docs/revocation-feed.md describes the protocol.
 *
 * Does not check who may read it.
 */
import { timingSafeEqual } from 'node:crypto';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/schema.ts';
import type { LogHead } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { findEventHashes } from '../events/event-store.ts';
import { type Caller, createLongPoll } from '../events/long-poll.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { feedEntryOf } from './feed-entry.ts';
import { FeedText, type SignedFeedText, type SignFeedClaims } from './feed-text.ts';
import type { Revocations } from './revocations.ts';

export interface FeedAnswer extends SignedFeedText {
  /** Returns the body in gzip; undefined if it is too short for that. */
  compress(): Promise<Buffer> | undefined;
}

/** What a follower asks for. */
export interface FeedQuery {
  readonly cursor: string | undefined;
  readonly waitSeconds: number;
  /** Is signed with the answer, if there is one. */
  readonly nonce: string | undefined;
}

export interface RevocationFeed {
  /**
   * Returns the entries since `cursor`, or all if there is no cursor or it is not of this log. If there are none, waits
   * for some, at most `waitSeconds` and until `caller` disconnects, unless too many followers at `address` wait already. Throws
   * `temporarily_unavailable` while the log has another history than this node has read.
   */
  read(query: FeedQuery, caller: Caller, address: string): Promise<FeedAnswer>;
  /** Returns the same at once and not signed, for who signs it in another way. */
  readPage(cursor: string | undefined): Promise<FeedText>;
  /** The number of entries: of revoked tokens and changed clients. */
  size(): number;
  /** Answers all followers that wait. */
  close(): void;
}

export interface RevocationFeedOptions {
  readonly issuer: string;
  readonly db: Kysely<Database>;
  /** Its followers receive events in the order in which they follow: `revocations` before the feed. */
  readonly events: EventLog;
  readonly revocations: Revocations;
  readonly masterKey: MasterKey;
  readonly sign: SignFeedClaims;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called if a follower knows an event that was in this log and no longer is. */
  readonly onLost: (lost: LogHead) => Promise<void>;
}

/** Entries in one answer. */
const mostEntries = 1_000;

/** Followers that may wait at the same time, a quarter of them at one address. Further ones are answered at once. */
const mostWaiting = 10_000;

/** Hashes of events, and cursors that were verified, that are kept in memory, to check cursors without the database. */
const mostCursors = 1_000;

/** Pages that are kept as text, of up to some hundred kilobytes each. */
const mostTexts = 200;

/** Bytes of the MAC of a cursor. */
const macLength = 16;

/** A page that was asked for, and what the state was when it was created. What happens later changes only the last page. */
interface KeptText {
  readonly head: number;
  readonly revision: number;
  isFull: boolean;
  readonly text: Promise<FeedText>;
}

export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { issuer, db, events, revocations, masterKey, sign, now, onLost } = options;
  const hashes = new LRUCache<number, string>({ max: mostCursors });
  const heads = new LRUCache<string, LogHead>({ max: mostCursors });
  const texts = new LRUCache<string, KeptText>({ max: mostTexts });
  const longPoll = createLongPoll(mostWaiting);

  events.follow(
    (event) => {
      hashes.set(event.sequence, event.hash);
      if (event.kind === 'key.revoked') {
        // It may have signed them.
        texts.clear();
      }
      if (feedEntryOf(event) !== undefined) {
        longPoll.wake();
      }
    },
    () => {
      hashes.clear();
      texts.clear();
      longPoll.wake();
    },
  );

  /**
   * Returns undefined if the log has no such event. Throws `temporarily_unavailable` if the database does not have the last event
   * that this node has read: its hashes are those of another history, and would make what this node knows pass for that.
   */
  const findHash = async (sequence: number): Promise<string | undefined> => {
    const known = sequence === 0 ? events.id() : hashes.get(sequence);
    if (known !== undefined) {
      return known;
    }
    const [state, head] = [revocations.state(), revocations.head()];
    if (sequence === head.sequence) {
      return head.hash;
    }
    const found = await findEventHashes(db, [sequence, head.sequence]);
    const isOfHead = head.sequence === 0 || found.get(head.sequence) === head.hash;
    // Another state belongs to another history, which this node has read meanwhile.
    if (!isOfHead || revocations.state() !== state) {
      throw new OAuthError('temporarily_unavailable', 'The database has another history than before; retry later.');
    }
    const hash = found.get(sequence);
    if (hash !== undefined) {
      hashes.set(sequence, hash);
    }
    return hash;
  };

  const macOf = (sequence: number, hash: string) =>
    masterKey.digest('feed cursors', `${sequence} ${hash}`).subarray(0, macLength);

  /**
   * A cursor has the hash of its event, which shows whether this log, perhaps restored, has the history that was read, and a MAC:
   * a cursor of an event that is not in the log proves that it was.
   */
  const cursorAt = async (sequence: number) => {
    const hash = await findHash(sequence);
    if (hash === undefined) {
      throw new OAuthError('temporarily_unavailable', 'The database has another history than before; retry later.');
    }
    return `${sequence}.${hash}.${macOf(sequence, hash).toString('base64url')}`;
  };

  /** Returns the event that a genuine cursor names. */
  const headOf = (cursor: string): LogHead | undefined => {
    const known = heads.get(cursor);
    if (known !== undefined) {
      return known;
    }
    const [, digits = '', hash = '', mac = ''] = cursorPattern.exec(cursor) ?? [];
    const sequence = Number(digits);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== macLength || !timingSafeEqual(given, macOf(sequence, hash))) {
      return undefined;
    }
    heads.set(cursor, { sequence, hash });
    return { sequence, hash };
  };

  const positionOf = async (cursor: string | undefined): Promise<number | undefined> => {
    const head = cursor === undefined ? undefined : headOf(cursor);
    if (head === undefined) {
      return undefined;
    }
    if ((await findHash(head.sequence)) === head.hash) {
      return head.sequence;
    }
    await onLost(head);
    return undefined;
  };

  const makeText = async (position: number | undefined, historyChanged: boolean): Promise<FeedText> => {
    const { entries, sequence, more } = revocations.state().read(position ?? 0, mostEntries);
    const cursor = await cursorAt(sequence);
    return new FeedText({ cursor, snapshot: position === undefined, historyChanged, more, entries });
  };

  /** Returns the page after `position`, which all who ask for it share. */
  const textAfter = (position: number | undefined, historyChanged: boolean): Promise<FeedText> => {
    const key = `${position} ${historyChanged}`;
    const { head, revision } = revocations.state();
    const known = texts.get(key);
    if (known?.revision === revision && (known.isFull || known.head === head)) {
      return known.text;
    }
    const kept = { head, revision, isFull: false, text: makeText(position, historyChanged) };
    texts.set(key, kept);
    kept.text.then(
      ({ more }) => {
        kept.isFull = more;
      },
      () => texts.delete(key),
    );
    return kept.text;
  };

  /** Returns the page after `position`; `cursor` is what was asked with. */
  const pageAfter = (position: number | undefined, cursor: string | undefined) =>
    textAfter(position, cursor !== undefined && position === undefined);

  return {
    async readPage(cursor) {
      await events.awaitHistory();
      return pageAfter(await positionOf(cursor), cursor);
    },
    async read({ cursor, waitSeconds, nonce }, caller, address) {
      await events.awaitHistory();
      const { version } = longPoll;
      let position = await positionOf(cursor);
      if (position !== undefined && waitSeconds > 0 && !revocations.state().hasAfter(position)) {
        await longPoll.wait(version, waitSeconds * 1000, caller, address);
        await events.awaitHistory();
        position = await positionOf(cursor);
      }
      const text = await pageAfter(position, cursor);
      const lagSeconds = events.lagSeconds();
      const answer = await text.answer({ issuer, after: cursor, nonce, lagSeconds, now: now(), sign });
      return { ...answer, compress: () => text.compress(answer) };
    },
    size: () => revocations.state().size,
    close: longPoll.close,
  };
}

const cursorPattern = /^(\d{1,15})\.([\w-]{1,64})\.([\w-]{1,64})$/;
