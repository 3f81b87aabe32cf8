/** Time, passed in: rules take `now` as a number, and what must happen again and again is told to the clock. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `task` every `intervalMs` until the returned function is called. A run that fails is `task`'s to report. */
  every(intervalMs: number, task: () => Promise<void>): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  every(intervalMs, task) {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
