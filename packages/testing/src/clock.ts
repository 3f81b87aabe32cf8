/** A clock that stands still until a test moves it. */

export interface TestClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds. Moves with `advance`, and not with `jump`. */
  monotonic(): number;
  /** Sets the wall clock ahead or back, as an administrator or a faulty time server does. */
  jump(seconds: number): void;
  /** Repeats `task` whenever the clock is moved, however short the interval is. Returns what cancels it. */
  every(intervalMs: number, task: () => Promise<void>): () => void;
  /** Moves the clock at once, and resolves when every repeated task has run once. */
  advance(seconds: number): Promise<void>;
}

export function createClock(startMs = Date.now()): TestClock {
  let nowMs = startMs;
  let monotonicMs = 0;
  const tasks = new Set<() => Promise<void>>();
  return {
    now: () => nowMs,
    monotonic: () => monotonicMs,
    jump(seconds) {
      nowMs += seconds * 1000;
    },
    every(_intervalMs, task) {
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    async advance(seconds) {
      nowMs += seconds * 1000;
      monotonicMs += Math.max(0, seconds) * 1000;
      await Promise.all([...tasks].map((task) => task()));
    },
  };
}
