/**
 * Counts per minute that all nodes share, with a short delay: each node counts in memory and writes its counts at most
 * ten times a second, in one statement that returns the sums over all nodes. Reading a count never waits.
 */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { addToCounts, deleteCountsBefore } from './minute-counter-store.ts';

export interface MinuteCounters {
  /** Returns the count of `key` in this minute: on this node, and on others until the last write of this node. */
  count(key: string): number;
  add(key: string): void;
  /** Returns the whole seconds until the next minute begins, at least 1. */
  secondsLeft(): number;
  /** Deletes the counts of past minutes. Call it about once a minute. */
  forgetPast(): Promise<void>;
  /** Stops writing. Counts that are not written yet are lost. */
  stop(): void;
}

interface Count {
  total: number;
  unwritten: number;
}

const writeEveryMs = 100;

/** Counts in one statement, well below the limit on its parameters. */
const mostInBatch = 500;

/** Counts that are kept for a minute, about 20 MB. Further keys are not counted. */
const mostCounts = 100_000;

/** Calls `onFault` when counts cannot be written, and not again until a write has succeeded. */
export function createMinuteCounters(
  db: Kysely<Database>,
  now: () => number,
  onFault: (error: unknown) => void,
): MinuteCounters {
  let minute = 0;
  let counts = new Map<string, Count>();
  let unwritten = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFaulty = false;

  const minuteNow = () => Math.floor(now() / 60_000);

  const startOver = () => {
    if (minuteNow() !== minute) {
      minute = minuteNow();
      counts = new Map();
      unwritten = new Set();
    }
  };

  const write = async () => {
    startOver();
    const batch = [...unwritten].slice(0, mostInBatch).map((key) => {
      const count = counts.get(key) as Count;
      const addition = { key, count: count.unwritten };
      count.unwritten = 0;
      unwritten.delete(key);
      return { addition, count };
    });
    const byKey = new Map(batch.map(({ addition, count }) => [addition.key, count]));
    try {
      const answer =
        batch.length === 0
          ? []
          : await addToCounts(
              db,
              minute,
              batch.map(({ addition }) => addition),
            );
      for (const { key, count: total } of answer) {
        const count = byKey.get(key) as Count;
        count.total = total + count.unwritten;
      }
      isFaulty = false;
    } catch (error) {
      // This node still has these counts, and writes them with the next ones.
      for (const { addition, count } of batch) {
        count.unwritten += addition.count;
        if (counts.get(addition.key) === count) {
          unwritten.add(addition.key);
        }
      }
      if (!isFaulty) {
        isFaulty = true;
        onFault(error);
      }
    }
  };

  const schedule = () => {
    if (timer === undefined && !isStopped) {
      timer = setTimeout(async () => {
        await write();
        timer = undefined;
        if (unwritten.size > 0 && !isFaulty) {
          schedule();
        }
      }, writeEveryMs).unref();
    }
  };

  return {
    count(key) {
      startOver();
      return counts.get(key)?.total ?? 0;
    },
    add(key) {
      startOver();
      let count = counts.get(key);
      if (count === undefined) {
        if (counts.size >= mostCounts) {
          return;
        }
        count = { total: 0, unwritten: 0 };
        counts.set(key, count);
      }
      count.total += 1;
      count.unwritten += 1;
      unwritten.add(key);
      schedule();
    },
    secondsLeft: () => Math.max(1, Math.ceil(60 - (now() % 60_000) / 1000)),
    forgetPast: () => deleteCountsBefore(db, minuteNow()),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
