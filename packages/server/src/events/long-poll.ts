/** Requests that wait for news (long polling), up to a limit, of which one address may use a quarter. */

export interface LongPoll {
  /** Rises with all news. Read it before you look for something, so that `wait` recognizes later news. */
  readonly version: number;
  /**
   * Resolves to true as soon as there is news since `version`. Resolves to false after `ms` without news, when `signal`
   * aborts, and at once if too many wait already, in all or for `address`, or the server stops.
   */
  wait(version: number, ms: number, signal: AbortSignal, address?: string): Promise<boolean>;
  wake(): void;
  /** Wakes all, and lets no request wait from then on. */
  close(): void;
}

export function createLongPoll(most: number): LongPoll {
  const waiting = new Set<(isNews: boolean) => void>();
  /** How many wait, by address. */
  const counts = new Map<string | undefined, number>();
  const mostOfAddress = Math.ceil(most / 4);
  let version = 0;
  let isClosed = false;

  const resumeAll = (isNews: boolean) => {
    for (const resume of [...waiting]) {
      resume(isNews);
    }
  };
  const countOf = (address: string | undefined) => counts.get(address) ?? 0;
  const isFullFor = (address: string | undefined) =>
    waiting.size >= most || (address !== undefined && countOf(address) >= mostOfAddress);

  return {
    get version() {
      return version;
    },
    async wait(seen, ms, signal, address) {
      if (seen !== version) {
        return true;
      }
      if (ms <= 0 || isClosed || signal.aborted || isFullFor(address)) {
        return false;
      }
      return new Promise((resolve) => {
        const resume = (isNews: boolean) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', giveUp);
          waiting.delete(resume);
          counts.set(address, countOf(address) - 1);
          if (countOf(address) === 0) {
            counts.delete(address);
          }
          resolve(isNews);
        };
        const giveUp = () => resume(false);
        const timer = setTimeout(giveUp, ms);
        signal.addEventListener('abort', giveUp, { once: true });
        waiting.add(resume);
        counts.set(address, countOf(address) + 1);
      });
    },
    wake() {
      version += 1;
      resumeAll(true);
    },
    close() {
      isClosed = true;
      resumeAll(false);
    },
  };
}
