/**
 * Follows the revocation feed of an issuer by long polling, and tells which tokens have died. docs/revocation-feed.md.
 *
 * What it knows stays in force while the feed is out of reach; how old that is, `lagSeconds` says.
 */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import { type Fetch, fetchDocument, UnexpectedAnswer } from '../issuer/fetch-document.ts';
import { type FeedPage, readFeedPage } from './feed-page.ts';
import { RevocationList } from './revocation-list.ts';

export interface RevocationFollowerOptions {
  readonly issuer: string;
  /** Adds a token with the scope `revocation:read` to its requests, and renews it. */
  readonly fetch: Fetch;
  /** Seconds that the feed may hold an answer back while there is nothing new, at most 30. */
  readonly waitSeconds: number;
  /** A revoked token is remembered for so many seconds after it expired. */
  readonly clockSkewSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears of every attempt that failed. The next one follows by itself. */
  readonly onFault: (fault: Error) => void;
}

export interface RevocationFollower {
  /** Begins to follow, once. Resolves when the first answer is in; rejects where the first attempt failed. */
  start(): Promise<void>;
  /** Stops for good. Resolves when nothing is under way any more. */
  close(): Promise<void>;
  /** Why a genuine token is no longer good, by what is known now. */
  findFault(token: AccessToken): ErrorReason | undefined;
  /** For how many seconds something may have happened that is not known here; Infinity before the first answer. */
  lagSeconds(): number;
  /** Resolves when the first answer is in, or after so many milliseconds. */
  untilReady(timeoutMs: number): Promise<void>;
}

/** An answer has 1000 entries at the most; a client with every scope there is takes some kilobytes. */
const mostBytes = 33_554_432;

/** Beyond the time that the feed was asked to wait. */
const timeoutMs = 10_000;

/** Tokens and clients that are remembered. A feed that tells of more is not followed: that shows as lag. */
const mostEntries = 2_000_000;

/** The pause after the first failure and the longest one, in milliseconds, before it is spread. */
const firstPauseMs = 200;
const longestPauseMs = 3_000;

/** A feed that does not wait, though asked to, is asked again after so long, in milliseconds. */
const pollMs = 400;

/** The clock may go back by this much, in milliseconds, before nothing is known any more about how old the news is. */
const clockSlackMs = 1_000;

export function createRevocationFollower(options: RevocationFollowerOptions): RevocationFollower {
  const { issuer, fetch, waitSeconds, clockSkewSeconds, now, onFault } = options;
  const closing = new AbortController();
  const first = Promise.withResolvers<void>();
  const firstFault = Promise.withResolvers<never>();
  firstFault.promise.catch(() => {});
  let list = new RevocationList(issuer);
  /** A snapshot that is not complete yet; what it replaces holds until then. */
  let incoming: RevocationList | undefined;
  let cursor: string | undefined;
  let sizeAtStart = 0;
  let currentAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  const take = (page: FeedPage) => {
    if (page.hasMore && page.entries.length === 0) {
      throw new Error('the feed does not go on');
    }
    if (page.isSnapshot) {
      incoming = new RevocationList(issuer);
    }
    const target = incoming ?? list;
    for (const entry of page.entries) {
      target.add(entry);
    }
    if (target.size > mostEntries) {
      incoming = undefined;
      cursor = undefined;
      throw new Error(`the feed holds more than ${mostEntries} entries`);
    }
    cursor = page.cursor;
    if (page.hasMore) {
      return;
    }
    if (incoming !== undefined) {
      list = incoming;
      incoming = undefined;
      sizeAtStart = list.size;
    }
    list.forgetExpired(now() / 1000 - clockSkewSeconds);
    currentAt = now() - page.lagSeconds * 1000;
    first.resolve();
    // The feed forgets clients whose tokens have all expired, and does not say so: starting over does the same here.
    if (list.size > 2 * sizeAtStart + 10_000) {
      cursor = undefined;
    }
  };

  /** After a failure it does not wait for news: that there is none is the news then. */
  const ask = async (isWaiting: boolean) => {
    const query = new URLSearchParams({
      ...(cursor !== undefined && { cursor }),
      wait: String(isWaiting ? waitSeconds : 0),
    });
    const { body } = await fetchDocument(`${issuer}/api/v1/oauth/revocations?${query}`, fetch, {
      timeoutMs: waitSeconds * 1000 + timeoutMs,
      mostBytes,
      signal: closing.signal,
    });
    return readFeedPage(body);
  };

  const follow = async () => {
    let failures = 0;
    while (!closing.signal.aborted) {
      const askedAt = performance.now();
      const isWaiting = cursor !== undefined && incoming === undefined && failures === 0;
      let pauseMs = 0;
      try {
        const page = await ask(isWaiting);
        take(page);
        failures = 0;
        const isEarly = isWaiting && page.entries.length === 0 && performance.now() - askedAt < pollMs;
        pauseMs = isEarly ? spread(pollMs) : 0;
      } catch (cause) {
        if (closing.signal.aborted) {
          return;
        }
        const fault = new Error(`The revocations of ${issuer} cannot be followed: ${(cause as Error).message}`, {
          cause,
        });
        onFault(fault);
        firstFault.reject(fault);
        pauseMs = pauseAfter(failures, cause);
        failures += 1;
      }
      await pause(pauseMs, closing.signal);
    }
  };

  return {
    async untilReady(timeoutMs) {
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
    findFault: (token) => list.findFault(token),
    lagSeconds() {
      const lagMs = now() - currentAt;
      return lagMs < -clockSlackMs ? Number.POSITIVE_INFINITY : Math.max(0, lagMs) / 1000;
    },
  };
}

/** Twice as long for each failure, and no shorter than the feed asks for. */
function pauseAfter(failures: number, cause: unknown): number {
  const backOffMs = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
  const askedForMs = cause instanceof UnexpectedAnswer ? (cause.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.max(spread(backOffMs), Math.min(askedForMs, 10 * longestPauseMs));
}

/** So that not all guards come back at the same moment. */
function spread(ms: number): number {
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
