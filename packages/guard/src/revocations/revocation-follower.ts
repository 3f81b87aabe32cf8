/**
 * Follows the revocation feed of an issuer by long polling, to find revoked tokens. docs/revocation-feed.md.
 *
 * While the feed cannot be reached, what is known so far holds; `lagSeconds` says how old it is.
 */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import { type Fetch, fetchDocument, UnexpectedAnswer } from '../issuer/fetch-document.ts';
import { createTrustedTime } from '../trusted-time.ts';
import { type FeedPage, parseFeedPage } from './feed-page.ts';
import { RevocationList } from './revocation-list.ts';

export interface RevocationFollowerOptions {
  readonly issuer: string;
  /** Sends requests with an access token that has the scope `revocation:read`, and renews it. */
  readonly fetch: Fetch;
  /** Seconds that the feed may delay an answer while there is no news, at most 30. */
  readonly waitSeconds: number;
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

export interface RevocationFollower {
  /** Begins to follow; later calls do not begin again. Resolves at the first answer; rejects if the first attempt fails. */
  start(): Promise<void>;
  /** Stops following. Resolves when no request is pending. */
  close(): Promise<void>;
  /** Returns why a verified token is no longer active, as far as known, or undefined. */
  findInactiveReason(token: AccessToken): ErrorReason | undefined;
  /** Seconds for which revocations may be missing here; Infinity before the first answer. */
  lagSeconds(): number;
  /** Resolves at the first answer, or after `timeoutMs`. */
  waitUntilReady(timeoutMs: number): Promise<void>;
}

/** An answer has at most 1000 entries; a client with all scopes takes some kilobytes. */
const maxBytes = 33_554_432;

/** Milliseconds, in addition to the time that the feed was asked to wait. */
const timeoutMs = 10_000;

/** The part of `maxEntries` from which on the operator is told, and the one below which that may happen again. */
const nearlyFull = 0.8;
const notNearlyFull = 0.7;

/** Milliseconds of the pause after the first failure and of the longest one, without jitter. */
const firstPauseMs = 200;
const maxPauseMs = 3_000;

/** Milliseconds by which an answer may be later than the feed was asked to send it, before the next one is not waited for. */
const lateMs = 1_000;

/** Milliseconds before the next request to a feed that does not wait, although asked to. */
const pollMs = 400;

export function createRevocationFollower(options: RevocationFollowerOptions): RevocationFollower {
  const { issuer, fetch, waitSeconds, clockSkewSeconds, maxEntries, now, monotonic, onFault } = options;
  const readTrustedTime = createTrustedTime(options);
  const closing = new AbortController();
  const first = Promise.withResolvers<void>();
  const firstFault = Promise.withResolvers<never>();
  firstFault.promise.catch(() => {});
  let list = new RevocationList(issuer, maxEntries);
  /** A snapshot that is not complete yet; `list` holds until it is. */
  let incoming: RevocationList | undefined;
  /** Seconds since 1970: when the issuer turned out to have lost changes, as long as the snapshot of what is left is not complete. */
  let lostAt: number | undefined;
  let cursor: string | undefined;
  let sizeAtStart = 0;
  let isNearlyFull = false;
  let currentAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  /** `sentAt` is the latest time, by the monotonic clock, at which the feed can have sent the page. */
  const apply = (page: FeedPage, sentAt: number) => {
    if (page.hasMore && page.entries.length === 0) {
      throw new Error('the feed sends an empty page and promises more');
    }
    // The latest time, by the clock of the issuer, at which anything that is known now can have happened.
    const nowSeconds = now() / 1000 + clockSkewSeconds;
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
    currentAt = sentAt - page.lagSeconds * 1000;
    first.resolve();
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

  /** After a failure the request does not wait for news, so that the lag is known again soon. */
  const fetchPage = async (isWaiting: boolean) => {
    const query = new URLSearchParams({
      ...(cursor !== undefined && { cursor }),
      wait: String(isWaiting ? waitSeconds : 0),
    });
    const { body } = await fetchDocument(`${issuer}/api/v1/oauth/revocations?${query}`, fetch, {
      timeoutMs: waitSeconds * 1000 + timeoutMs,
      maxBytes,
      signal: closing.signal,
    });
    return parseFeedPage(body);
  };

  const follow = async () => {
    let failures = 0;
    let lateByMs = 0;
    while (!closing.signal.aborted) {
      const askedAt = monotonic();
      const isWaiting = cursor !== undefined && incoming === undefined && failures === 0 && lateByMs <= lateMs;
      const dueAt = askedAt + (isWaiting ? waitSeconds * 1000 : 0);
      let pauseMs = 0;
      try {
        const page = await fetchPage(isWaiting);
        const arrivedAt = monotonic();
        // What was held up on its way, or arrived while this process was paused, is as old as when the feed had to send it.
        apply(page, Math.min(arrivedAt, dueAt));
        failures = 0;
        lateByMs = isWaiting ? arrivedAt - dueAt : 0;
        const isEarly = isWaiting && page.entries.length === 0 && arrivedAt - askedAt < pollMs;
        pauseMs = isEarly ? withJitter(pollMs) : 0;
      } catch (cause) {
        if (closing.signal.aborted) {
          return;
        }
        const fault = new Error(`Cannot follow the revocations of ${issuer}: ${(cause as Error).message}`, { cause });
        onFault(fault);
        firstFault.reject(fault);
        pauseMs = pauseAfter(failures, cause);
        failures += 1;
      }
      await pause(pauseMs, closing.signal);
    }
  };

  return {
    async waitUntilReady(timeoutMs) {
      const giveUp = new AbortController();
      await Promise.race([first.promise, pause(timeoutMs, giveUp.signal)]);
      giveUp.abort();
    },
    start() {
      running ??= follow();
      return Promise.race([first.promise, firstFault.promise]);
    },
    async close() {
      closing.abort();
      firstFault.reject(new Error('the guard was closed'));
      await running;
    },
    findInactiveReason: (token) => list.findInactiveReason(token),
    lagSeconds: () => Math.max(0, monotonic() - currentAt) / 1000,
  };
}

/** Doubles with each failure, and is at least as long as the feed asks for. */
function pauseAfter(failures: number, cause: unknown): number {
  const backOffMs = Math.min(firstPauseMs * 2 ** failures, maxPauseMs);
  const requestedMs = cause instanceof UnexpectedAnswer ? (cause.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.max(withJitter(backOffMs), Math.min(requestedMs, 10 * maxPauseMs));
}

/** So that not all guards retry at the same moment. */
function withJitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ms === 0 || signal.aborted) {
      resolve();
      return;
    }
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
