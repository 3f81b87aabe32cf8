/**
 * Follows the revocation feed within requests, on platforms that run nothing between them. docs/revocation-feed.md.
 *
 * A request after which nobody follows waits until the feed has said what is new; one that comes while another one follows
 * waits for nothing. What is known is kept in a cache, so that a new process asks only for what came later.
 */
import { createKeptCopy, type OpenCache } from '../issuer/kept-copy.ts';
import { type FeedPage, parseFeedPage } from './feed-page.ts';
import { createFollowedRevocations, type FollowedRevocationsOptions } from './followed-revocations.ts';
import type { RevocationFollower } from './revocation-follower.ts';

export interface RequestFollowerOptions extends FollowedRevocationsOptions {
  /** Names what is known in the cache; it need not exist. */
  readonly copyUrl: string;
  readonly openCache: OpenCache;
}

/** Keeps the work that a promise stands for alive after the request was answered: `waitUntil` of Workers and service workers. */
export type WaitUntil = (work: Promise<unknown>) => void;

export interface RequestFollower extends RevocationFollower {
  /** Learns what is new unless another request does, and follows for a while. Never rejects. */
  refresh(waitUntil: WaitUntil): Promise<void>;
}

/** Seconds that the feed may delay an answer. A platform may stop a request that follows, which is noticed only after that. */
const waitSeconds = 5;

/** Milliseconds for which a request follows after it was answered; Workers allow 30 s. */
const followMs = 20_000;

/** Milliseconds after which an answer that is due is not expected anymore. */
const lateMs = 1_000;

/** Milliseconds that a request waits for an answer that the feed may not delay. */
const timeoutMs = 5_000;

/** Milliseconds before a feed is asked again that does not wait, although asked to. */
const pauseMs = 400;

/** Milliseconds before a feed is asked again that failed. */
const retryMs = 1_000;

/** Milliseconds for which what is known counts as new while nobody follows. */
const freshMs = 1_000;

/** Milliseconds before what is known is written to the cache again. */
const writeEveryMs = 10_000;

/** Entries. A longer list is not kept, since writing it takes too long; a new process fetches it from the feed. */
const mostKept = 50_000;

export function createRequestFollower(options: RequestFollowerOptions): RequestFollower {
  const { issuer, copyUrl, openCache, now, monotonic, onFault } = options;
  const known = createFollowedRevocations(options);
  const copy = createKeptCopy(copyUrl, openCache, now);
  let isRestored = false;
  /** Whether the feed itself has answered: what is restored may lack the last second. */
  let hasAnswered = false;
  let followedUntil = Number.NEGATIVE_INFINITY;
  let writtenAt = Number.NEGATIVE_INFINITY;

  const restore = async () => {
    const stored = await copy.read();
    // Several requests may wait for the cache, and one may have heard of the feed since.
    if (stored !== undefined && known.cursor() === undefined && known.isIncomplete()) {
      try {
        known.apply(parseFeedPage(stored.body), monotonic() - stored.ageMs);
      } catch (fault) {
        onFault(fault as Error);
      }
    }
    isRestored = true;
  };

  /** Fetches one page and applies it, unless another request was faster, since what that one knows may be newer. */
  const fetchNext = async (seconds: number): Promise<FeedPage> => {
    const [askedAt, cursor, isIncomplete] = [monotonic(), known.cursor(), known.isIncomplete()];
    const page = await known.fetchPage(isIncomplete ? 0 : seconds, AbortSignal.timeout(seconds * 1000 + timeoutMs));
    if (known.cursor() === cursor && known.isIncomplete() === isIncomplete) {
      known.apply(page, Math.min(monotonic(), askedAt + seconds * 1000, page.signedAt));
      hasAnswered = true;
    }
    return page;
  };

  const catchUp = async () => {
    let page: FeedPage;
    do {
      page = await fetchNext(0);
    } while (page.hasMore || known.isIncomplete());
  };

  const write = async () => {
    const page = known.size() <= mostKept && monotonic() - writtenAt >= writeEveryMs ? known.toPage() : undefined;
    if (page !== undefined) {
      writtenAt = monotonic();
      await copy.write(page, 0);
    }
  };

  const follow = async () => {
    const end = monotonic() + followMs;
    try {
      await write();
      while (monotonic() < end) {
        const askedAt = monotonic();
        followedUntil = askedAt + waitSeconds * 1000 + lateMs;
        const { entries, hasMore } = await fetchNext(waitSeconds);
        if (entries.length === 0 && !hasMore && monotonic() - askedAt < pauseMs) {
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        await write();
      }
      followedUntil = Number.NEGATIVE_INFINITY;
    } catch (cause) {
      report(cause);
    }
  };

  /** For a moment, requests are judged by what is known. */
  const report = (cause: unknown) => {
    followedUntil = monotonic() + retryMs;
    onFault(new Error(`Cannot follow the revocations of ${issuer}: ${(cause as Error).message}`, { cause }));
  };

  return {
    async refresh(waitUntil) {
      if (!isRestored) {
        await restore();
      }
      if (monotonic() < followedUntil) {
        return;
      }
      if (!hasAnswered || known.lagSeconds() * 1000 > freshMs) {
        try {
          const catchingUp = catchUp();
          waitUntil(catchingUp.catch(() => {}));
          await catchingUp;
        } catch (cause) {
          report(cause);
          return;
        }
      }
      if (monotonic() >= followedUntil) {
        followedUntil = monotonic() + waitSeconds * 1000 + lateMs;
        waitUntil(follow());
      }
    },
    start: catchUp,
    async close() {},
    // What `refresh` has not learned, this request does not learn either.
    async waitUntilReady() {},
    findInactiveReason: known.findInactiveReason,
    lagSeconds: known.lagSeconds,
  };
}
