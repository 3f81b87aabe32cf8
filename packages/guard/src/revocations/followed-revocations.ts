/**
 * What is known of the revocation feed of an issuer, page by page: the list, the cursor, and how old it is. Others decide when
 * to ask for the next page. docs/revocation-feed.md. RFC 7009 §2.2.
 */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import { createTrustedTime } from '../trusted-time.ts';
import { type FeedPage, formatEntry } from './feed-page.ts';
import { RevocationList } from './revocation-list.ts';
import { type FetchSignedPage, invalidAnswer } from './signed-answer.ts';
import { createSignedTime } from './signed-time.ts';

export interface FollowedRevocationsOptions {
  readonly issuer: string;
  /** Asks the feed, or an event stream that delivers it. */
  readonly fetchSignedPage: FetchSignedPage;
  /** Seconds for which a revoked token is remembered after it expired. */
  readonly clockSkewSeconds: number;
  /** Tokens and clients that are remembered at most. */
  readonly maxEntries: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
  /**
   * Called for every failed attempt, after which the next one follows automatically, when the list of revocations begins
   * to fill up, and when the issuer has lost changes.
   */
  readonly onFault: (fault: Error) => void;
  /** Called when a signing key was revoked, so that another one signs. */
  readonly onKeyRevoked: () => void;
}

export interface FetchedPage extends FeedPage {
  /** The latest time, by the monotonic clock, at which it can have been signed. */
  readonly signedAt: number;
}

export interface FollowedRevocations {
  /**
   * Fetches the page after the cursor; the feed may delay it by `waitSeconds` while there is no news, unless it must prove first that
   * its answers are new. Rejects unless the issuer signed
   * it as the answer to this cursor.
   */
  fetchPage(waitSeconds: number, signal?: AbortSignal): Promise<FetchedPage>;
  /** `sentAt` is the latest time, by the monotonic clock, at which the feed can have sent the page. */
  apply(page: FeedPage, sentAt: number): void;
  /** Undefined before the first page, and if everything must be fetched again. */
  cursor(): string | undefined;
  /** Whether another page follows at once. */
  isIncomplete(): boolean;
  /** Returns why a verified token is no longer active, as far as known, or undefined. */
  findInactiveReason(token: AccessToken): ErrorReason | undefined;
  /** Seconds for which revocations may be missing here; Infinity before the first complete answer. */
  lagSeconds(): number;
  /** The number of entries. */
  size(): number;
  /** Returns all that is known as the one page of a feed; undefined if it is incomplete, or a page cannot say it. */
  toPage(): object | undefined;
}

/** Milliseconds: an answer that was signed so long before it arrived is reported. */
const oldMs = 10_000;

/** Milliseconds: whether an answer that was signed so long before it arrived is new, a nonce decides. */
const doubtfulMs = 1_000;

/** The part of `maxEntries` from which on the operator is told, and the one below which that may happen again. */
const nearlyFull = 0.8;
const notNearlyFull = 0.7;

export function createFollowedRevocations(options: FollowedRevocationsOptions): FollowedRevocations {
  const { issuer, fetchSignedPage, clockSkewSeconds, maxEntries, now, monotonic, onFault } = options;
  const readTrustedTime = createTrustedTime(options);
  const signedTime = createSignedTime(options);
  let list = new RevocationList(issuer, maxEntries);
  /** A snapshot that is not complete yet; `list` holds until it is. */
  let incoming: RevocationList | undefined;
  /** Seconds since 1970: when the issuer turned out to have lost changes, as long as the snapshot of what is left is not complete. */
  let lostAt: number | undefined;
  let cursor: string | undefined;
  let sizeAtStart = 0;
  let isNearlyFull = false;
  let isOld = false;
  /** Whether the next question has a nonce, since the time does not show that what was answered is new. */
  let isDoubtful = true;
  let currentAt = Number.NEGATIVE_INFINITY;
  /** Seconds since 1970: the latest time that a clock of the issuer has shown here, for that of one of its nodes may be ahead. */
  let latestOfIssuer = 0;

  /** `sentAt` is the latest time, by the monotonic clock, at which the feed can have sent the page. */
  const apply = (page: FeedPage, sentAt: number) => {
    if (page.hasMore && page.entries.length === 0) {
      throw new Error('the feed sends an empty page and promises more');
    }
    // The latest time, by the clock of the issuer, at which anything that is known now can have happened.
    const nowSeconds = Math.max(now() / 1000 + clockSkewSeconds, latestOfIssuer);
    if (page.isSnapshot) {
      incoming = new RevocationList(issuer, maxEntries);
      // A follower that asks with a cursor is sent back only if the issuer does not have the history of the cursor.
      lostAt ??= page.isHistoryChanged || cursor !== undefined ? nowSeconds : undefined;
    }
    const target = incoming ?? list;
    for (const entry of page.entries) {
      target.add(entry, nowSeconds);
      reportSize(target.size);
      // Even one entry for each client is too much. Each further one would look for something to collapse in vain.
      if (target.size > maxEntries) {
        incoming = undefined;
        cursor = undefined;
        throw new Error(`the feed has more than ${maxEntries} entries`);
      }
    }
    if (isFollowing() && page.entries.some(({ type }) => type === 'signing_key')) {
      options.onKeyRevoked();
    }
    cursor = page.cursor;
    if (page.hasMore) {
      return;
    }
    const isReplaced = incoming !== undefined;
    if (incoming !== undefined) {
      const kept = incoming.inherit(list, nowSeconds, lostAt);
      if (lostAt !== undefined && isFollowing()) {
        reportLoss(kept);
      }
      list = incoming;
      incoming = undefined;
      lostAt = undefined;
      sizeAtStart = list.size;
      reportSize(list.size);
    }
    const keptSince = readTrustedTime()?.keptSinceSeconds;
    if (keptSince !== undefined) {
      list.forgetExpired(keptSince);
    }
    const knownUntil = sentAt - page.lagSeconds * 1000;
    // What seems old takes nothing back; the next answer shows whether it was.
    currentAt = isDoubtful && !isReplaced ? Math.max(currentAt, knownUntil) : knownUntil;
    // The feed forgets clients whose tokens have all expired without reporting it; starting over forgets them here too.
    if (list.size > 2 * sizeAtStart + 10_000) {
      cursor = undefined;
    }
  };

  const isFollowing = () => currentAt !== Number.NEGATIVE_INFINITY;

  const reportLoss = (kept: number) => {
    onFault(
      new Error(
        `${issuer} has lost changes: its database was restored or replaced. ${kept} revoked tokens that it no longer knows are ` +
          'refused here until they expire, and so are tokens that were issued before now and are invalid by what was known of ' +
          'their clients. Other APIs may accept them: revoke all tokens with: postern revoke-all-tokens',
      ),
    );
  };

  const reportSize = (size: number) => {
    if (!isNearlyFull && size >= nearlyFull * maxEntries) {
      isNearlyFull = true;
      onFault(
        new Error(
          `The revocations of ${issuer} fill ${size} of ${maxEntries} entries. When all are full, the clients with the most ` +
            'revoked tokens must get new tokens for this API.',
        ),
      );
    } else if (size < notNearlyFull * maxEntries) {
      isNearlyFull = false;
    }
  };

  /** Of an answer without others behind it: how old those are does not matter. */
  const reportAge = (ageMs: number) => {
    if (!isOld && ageMs > oldMs) {
      onFault(
        new Error(
          `The feed of ${issuer} answered what it had signed ${Math.round(ageMs / 1000)} seconds before: the answer was held up or sent ` +
            'again on its way, or a clock is wrong.',
        ),
      );
    }
    isOld = ageMs > oldMs;
  };

  const lagSeconds = () => Math.max(0, monotonic() - currentAt) / 1000;

  return {
    async fetchPage(waitSeconds, signal) {
      const [askedAt, nonce] = [monotonic(), isDoubtful ? crypto.randomUUID() : undefined];
      const signed = await fetchSignedPage({
        after: cursor,
        nonce,
        waitSeconds: nonce === undefined ? waitSeconds : 0,
        signal,
      });
      if (list.isKeyRevoked(signed.kid)) {
        throw invalidAnswer('is signed with a key that was revoked');
      }
      latestOfIssuer = Math.max(latestOfIssuer, signed.signedAt / 1000);
      const signedAt = signed.isNew ? signedTime.readNew(signed.signedAt, askedAt) : signedTime.read(signed.signedAt);
      const { page } = signed;
      if (!page.hasMore) {
        const ageMs = monotonic() - signedAt;
        isDoubtful = !signed.isNew && ageMs > doubtfulMs;
        reportAge(ageMs);
      }
      return { ...page, signedAt };
    },
    apply,
    cursor: () => cursor,
    isIncomplete: () => cursor === undefined || incoming !== undefined,
    findInactiveReason(token) {
      latestOfIssuer = Math.max(latestOfIssuer, token.issuedAt);
      return list.findInactiveReason(token);
    },
    lagSeconds,
    size: () => list.size,
    toPage() {
      const entries = list.toEntries();
      return cursor === undefined || incoming !== undefined || entries === undefined
        ? undefined
        : { cursor, snapshot: true, more: false, lag_seconds: lagSeconds(), entries: entries.map(formatEntry) };
    },
  };
}
