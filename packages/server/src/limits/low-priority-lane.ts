/** A lane for attempts of callers that keep failing, so that everybody else is served before them. */

/** Attempts of a lane that run at once. Each may hold a connection to the database. */
const mostRunning = 4;

export interface LowPriorityLane {
  /**
   * Resolves when it is the caller's turn, with the function that ends the turn; to undefined, at once, if as many as
   * may wait do already.
   */
  takeTurn(): Promise<(() => void) | undefined>;
}

/**
 * Lets one attempt start per turn of the event loop, after the requests of others that arrived meanwhile, and four run
 * at once. At most `mostWaiting` wait.
 */
export function createLowPriorityLane(mostWaiting: number): LowPriorityLane {
  const waiting: (() => void)[] = [];
  let running = 0;
  let isScheduled = false;

  const schedule = () => {
    if (!isScheduled && waiting.length > 0 && running < mostRunning) {
      isScheduled = true;
      setImmediate(startNext);
    }
  };
  const startNext = () => {
    isScheduled = false;
    running += 1;
    waiting.shift()?.();
    schedule();
  };
  const endTurn = () => {
    running -= 1;
    schedule();
  };

  return {
    async takeTurn() {
      if (waiting.length >= mostWaiting) {
        return undefined;
      }
      const turn = Promise.withResolvers<void>();
      waiting.push(turn.resolve);
      schedule();
      await turn.promise;
      return endTurn;
    },
  };
}
