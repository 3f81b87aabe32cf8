/** A clock that stands still until a test moves it. */

export interface TestClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Repeats `task` whenever the clock is moved, however short the interval is. Returns what cancels it. */
  every(intervalMs: number, task: () => Promise<void>): () => void;
  /** Moves the clock at once, and resolves when every repeated task has run once. */
  advance(seconds: number): Promise<void>;
}

export function createClock(startMs = Date.now()): TestClock {
  let nowMs = startMs;
  const tasks = new Set<() => Promise<void>>();
  return {
    now: () => nowMs,
    every(_intervalMs, task) {
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    async advance(seconds) {
      nowMs += seconds * 1000;
      await Promise.all([...tasks].map((task) => task()));
    },
  };
}
