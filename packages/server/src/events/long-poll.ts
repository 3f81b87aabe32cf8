/** Requests that wait for news (long polling), with a limit on how many there are at once. */

export interface LongPoll {
  /** Rises with all news. Read before looking for something, so that `wait` knows what came since. */
  readonly version: number;
  /**
   * True as soon as there is news since `version`. False after `ms` without, when `signal` says that nobody listens any
   * more, and at once where too many wait already or the server stops.
   */
  wait(version: number, ms: number, signal: AbortSignal): Promise<boolean>;
  wake(): void;
  /** Wakes all, and lets nobody wait any more. */
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
