/**
 * A document of another server, kept in memory: fresh for a while, and usable for an hour longer if the server cannot be
 * reached, since that says nothing about what the document contains. RFC 9111 §4.2.4.
 */

export interface FetchedValue<T> {
  readonly value: T;
  /** Milliseconds for which it is fresh. */
  readonly maxAgeMs: number;
  /** Set for a copy, which is that old, and in which something newer may be missing: the document is fetched for it at once. */
  readonly ageMs?: number;
}

export interface KeptDocumentOptions<T> {
  /** Fetches the document; `known` is what was fetched before. Rejects if that fails. */
  readonly load: (known: T | undefined) => Promise<FetchedValue<T>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for every fetch that failed, even if what is known can still be used. */
  readonly onFault: (fault: Error) => void;
}

export interface KeptDocument<T> {
  /** What was fetched last; undefined if that is too old to be used, or nothing was fetched. */
  current(): T | undefined;
  isFresh(): boolean;
  /** Why the last fetch failed; undefined if it did not. */
  fault(): Error | undefined;
  /** Fetches it, unless that happened a moment ago. All callers wait for the same fetch. Never rejects. */
  refresh(): Promise<void>;
  /** The document has changed: fetches it, although that happened a moment ago, and for a while again soon if asked to. */
  renew(): void;
}

/** Milliseconds for which a stale document is still used while it cannot be fetched. */
const graceMs = 3_600_000;

/** Milliseconds after a successful fetch before the next one. */
const cooldownMs = 30_000;

/** Milliseconds after which a fetch is not waited for: the platform may have stopped it with the request that needed it. */
const abandonedMs = 15_000;

/** Milliseconds before a failed fetch is repeated. */
const retryMs = 1_000;

export function createKeptDocument<T>({ load, now, onFault }: KeptDocumentOptions<T>): KeptDocument<T> {
  let known: T | undefined;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let attemptFrom = Number.NEGATIVE_INFINITY;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let fault: Error | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | undefined;

  /** If the clock was set back, the age of the document is unknown. */
  const isSetBack = (nowMs: number) => nowMs < attemptedAt;

  const fetch = async () => {
    attemptedAt = now();
    try {
      const { value, maxAgeMs, ageMs } = await load(known);
      known = value;
      freshUntil = now() + maxAgeMs - (ageMs ?? 0);
      // What was fetched just now may be of a node that has not heard of the change yet.
      const pauseMs = now() - renewedAt < cooldownMs ? retryMs : cooldownMs;
      attemptFrom = now() + (ageMs === undefined ? pauseMs : 0);
      fault = undefined;
    } catch (thrown) {
      attemptFrom = now() + retryMs;
      fault = thrown as Error;
      onFault(fault);
    }
  };

  const refresh = async () => {
    const nowMs = now();
    const isPending = pending !== undefined && nowMs - attemptedAt < abandonedMs;
    if (!isPending && (nowMs >= attemptFrom || isSetBack(nowMs))) {
      const fetching = fetch().finally(() => {
        pending = pending === fetching ? undefined : pending;
      });
      pending = fetching;
    }
    await pending;
  };

  return {
    current: () => (now() < freshUntil + graceMs ? known : undefined),
    isFresh() {
      const nowMs = now();
      return nowMs < freshUntil && !isSetBack(nowMs);
    },
    fault: () => fault,
    refresh,
    renew() {
      renewedAt = now();
      attemptFrom = renewedAt;
      void refresh();
    },
  };
}
