/** What the client takes from its platform, so that tests can pass their own. */

/** The global `fetch`, or one that does the same with a certificate, a proxy or a limit. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Platform {
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps, by which ages are measured. */
  readonly monotonic: () => number;
  /** From 0 to less than 1; spreads the tries of many clients, and is no secret. */
  readonly random: () => number;
  /** Rejects with the signal's reason if it is aborted before. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** `pending`, or the signal's reason as soon as it is aborted; `pending` itself continues for other callers that wait for it. */
export async function untilAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return pending;
  }
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  if (signal.aborted) {
    onAbort();
  }
  try {
    return await Promise.race([aborted, pending]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
