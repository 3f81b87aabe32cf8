/** Requests that wait for news (long polling), up to a limit. */

export interface LongPoll {
  /** Rises with all news. Read it before you look for something, so that `wait` recognizes later news. */
  readonly version: number;
  /**
   * Resolves to true as soon as there is news since `version`. Resolves to false after `ms` without news, when `signal`
   * aborts, and at once if too many wait already or the server stops.
   */
  wait(version: number, ms: number, signal: AbortSignal): Promise<boolean>;
  wake(): void;
  /** Wakes all, and lets no request wait from then on. */
  close(): void;
}

export function createLongPoll(most: number): LongPoll {
  const waiting = new Set<(isNews: boolean) => void>();
  let version = 0;
  let isClosed = false;

  const resumeAll = (isNews: boolean) => {
    for (const resume of [...waiting]) {
      resume(isNews);
    }
  };

  return {
    get version() {
      return version;
    },
    async wait(seen, ms, signal) {
      if (seen !== version) {
        return true;
      }
      if (ms <= 0 || isClosed || signal.aborted || waiting.size >= most) {
        return false;
      }
      return new Promise((resolve) => {
        const resume = (isNews: boolean) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', giveUp);
          waiting.delete(resume);
          resolve(isNews);
        };
        const giveUp = () => resume(false);
        const timer = setTimeout(giveUp, ms);
        signal.addEventListener('abort', giveUp, { once: true });
        waiting.add(resume);
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
