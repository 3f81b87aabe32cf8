/**
 * Follows the revocation feed of an issuer by long polling, to find revoked tokens. docs/revocation-feed.md.
 *
 * While the feed cannot be reached, what is known so far holds; `lagSeconds` says how old it is.
 */
import { UnexpectedAnswer } from '../issuer/fetch-document.ts';
import {
  createFollowedRevocations,
  type FollowedRevocations,
  type FollowedRevocationsOptions,
} from './followed-revocations.ts';

export interface RevocationFollowerOptions extends FollowedRevocationsOptions {
  /** Seconds that the feed may delay an answer while there is no news, at most 30. */
  readonly waitSeconds: number;
}

export interface RevocationFollower extends Pick<FollowedRevocations, 'findInactiveReason' | 'lagSeconds'> {
  /** Begins to follow; later calls do not begin again. Resolves at the first answer; rejects if the first attempt fails. */
  start(): Promise<void>;
  /** Stops following. Resolves when no request is pending. */
  close(): Promise<void>;
  /** Resolves at the first answer, or after `timeoutMs`. */
  waitUntilReady(timeoutMs: number): Promise<void>;
}

/** Milliseconds of the pause after the first failure and of the longest one, without jitter. */
const firstPauseMs = 200;
const maxPauseMs = 3_000;

/** Milliseconds by which an answer may be later than the feed was asked to send it, before the next one is not waited for. */
const lateMs = 1_000;

/** Milliseconds before the next request to a feed that does not wait, although asked to. */
const pollMs = 400;

export function createRevocationFollower(options: RevocationFollowerOptions): RevocationFollower {
  const { issuer, waitSeconds, monotonic, onFault } = options;
  const known = createFollowedRevocations(options);
  const closing = new AbortController();
  const first = Promise.withResolvers<void>();
  const firstFault = Promise.withResolvers<never>();
  firstFault.promise.catch(() => {});
  let running: Promise<void> | undefined;

  const follow = async () => {
    let failures = 0;
    let lateByMs = 0;
    while (!closing.signal.aborted) {
      const askedAt = monotonic();
      // After a failure the request does not wait for news, so that the lag is known again soon.
      const isWaiting = !known.isIncomplete() && failures === 0 && lateByMs <= lateMs;
      const dueAt = askedAt + (isWaiting ? waitSeconds * 1000 : 0);
      let pauseMs = 0;
      try {
        const page = await known.fetchPage(isWaiting ? waitSeconds : 0, closing.signal);
        const arrivedAt = monotonic();
        // What was held up on its way, or arrived while this process was paused, is as old as when the feed had to send it.
        known.apply(page, Math.min(arrivedAt, dueAt, page.signedAt));
        if (known.lagSeconds() !== Number.POSITIVE_INFINITY) {
          first.resolve();
        }
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
    findInactiveReason: known.findInactiveReason,
    lagSeconds: known.lagSeconds,
  };
}

/**
 * Milliseconds until the next attempt after so many failures before `cause`: the pause doubles with each failure up to a limit, and
 * is at least as long as the feed asks for, up to another one.
 */
export function pauseAfter(failures: number, cause: unknown): number {
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
