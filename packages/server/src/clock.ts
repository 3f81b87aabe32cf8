/** The clock, which is passed in: rules take `now` as a number, and periodic tasks are registered with the clock. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment. It never goes back and never jumps, so that ages and time limits are measured by it. */
  monotonic(): number;
  /** Runs `task` every `intervalMs` until the returned function is called. `task` must not reject. */
  every(intervalMs: number, task: () => Promise<void>): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  every(intervalMs, task) {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/**
 * Returns the function that says which time it is at least, in milliseconds since 1970: by the wall clock, and by what has passed since
 * now, so that a wall clock that jumps ahead makes nothing look expired that is not.
 */
export function createEarliestNow({ now, monotonic }: Pick<Clock, 'now' | 'monotonic'>): () => number {
  const [openedAt, openedAtMonotonic] = [now(), monotonic()];
  return () => Math.min(now(), openedAt + monotonic() - openedAtMonotonic);
}
