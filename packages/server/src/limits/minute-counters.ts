/**
 * Counts per minute that all nodes share, with a short delay: each node counts in memory, writes its own counts at most
 * ten times a second, and reads the sums over all nodes. Reading a count never waits.
 *
 * Memory is bounded, and nobody can switch counting off by filling it: keys beyond `mostCounts` are counted by
 * this node alone, approximately, and never too low.
 */
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { CountSketch } from './count-sketch.ts';
import { deleteCountsBefore, writeCounts } from './minute-counter-store.ts';

export interface MinuteCounters {
  /** Returns the count of `key` in this minute: on this node, and on others until the last write of this node. */
  count(key: string): number;
  add(key: string): void;
  /** Counts one more unless the count has reached `most`. Returns the function that takes it back, or undefined. */
  reserve(key: string, most: number): (() => void) | undefined;
  /** Returns the whole seconds until the next minute begins, at least 1. */
  secondsLeft(): number;
  /** Deletes the counts of past minutes. Call it about once a minute. */
  forgetPast(nowSeconds: number): Promise<void>;
  /** Writes all counts of this node again, since the database may have lost them. */
  writeAgain(): void;
  /** Stops writing. Counts that are not written yet are lost. */
  stop(): void;
}

export interface MinuteCountersOptions {
  readonly db: Kysely<Database>;
  /** Keys become digests under it: they have one length, any bytes, and nobody can choose two that collide. */
  readonly masterKey: Pick<MasterKey, 'digest'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called when counts cannot be written, and not again until a write has succeeded. */
  readonly onFault: (error: unknown) => void;
}

interface Count {
  own: number;
  /** The sum over the other nodes, as far as known. */
  others: number;
}

const writeEveryMs = 100;

/** Counts in one statement, well below the limit on its parameters. */
const mostInBatch = 500;

/** Keys that are counted exactly in a minute, which takes 17 MB. */
const mostCounts = 100_000;

export function createMinuteCounters({ db, masterKey, now, onFault }: MinuteCountersOptions): MinuteCounters {
  const node = randomUUID();
  let minute = 0;
  let counts = new Map<string, Count>();
  let unwritten = new Set<string>();
  let sketch: CountSketch | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFaulty = false;

  const minuteNow = () => Math.floor(now() / 60_000);

  const startOver = () => {
    if (minuteNow() !== minute) {
      minute = minuteNow();
      counts = new Map();
      unwritten = new Set();
      sketch = undefined;
    }
  };

  const digestOf = (key: string) => masterKey.digest('counted keys', key);

  const countOf = (digest: Buffer): number => {
    const known = counts.get(toText(digest));
    return known === undefined ? (sketch?.estimate(digest) ?? 0) : known.own + known.others;
  };

  /** Returns the function that takes it back; after the minute that changes nothing that is still read. */
  const addTo = (digest: Buffer): (() => void) => {
    const key = toText(digest);
    let count = counts.get(key);
    if (count === undefined) {
      if (counts.size >= mostCounts) {
        sketch ??= new CountSketch();
        const countedIn = sketch;
        countedIn.add(digest, 1);
        return () => countedIn.add(digest, -1);
      }
      count = { own: 0, others: 0 };
      counts.set(key, count);
    }
    const counted = count;
    const change = (by: 1 | -1) => {
      counted.own += by;
      if (counts.get(key) === counted) {
        unwritten.add(key);
        schedule();
      }
    };
    change(1);
    return () => change(-1);
  };

  const write = async () => {
    startOver();
    const batch = [...unwritten].slice(0, mostInBatch).map((key) => {
      unwritten.delete(key);
      const count = counts.get(key) as Count;
      return { key, count, written: count.own };
    });
    if (batch.length === 0) {
      return;
    }
    let sums: Awaited<ReturnType<typeof writeCounts>>;
    try {
      sums = await writeCounts(
        db,
        node,
        minute,
        batch.map(({ key, written }) => ({ key, count: written })),
      );
      isFaulty = false;
    } catch (error) {
      for (const { key, count } of batch) {
        if (counts.get(key) === count) {
          unwritten.add(key);
        }
      }
      if (!isFaulty) {
        isFaulty = true;
        onFault(error);
      }
      return;
    }
    const sumOf = new Map(sums.map((sum) => [sum.key, sum.count]));
    for (const { key, count, written } of batch) {
      count.others = Math.max(0, (sumOf.get(key) ?? 0) - written);
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
      return counts.size === 0 ? 0 : countOf(digestOf(key));
    },
    add(key) {
      startOver();
      addTo(digestOf(key));
    },
    reserve(key, most) {
      startOver();
      const digest = digestOf(key);
      return countOf(digest) >= most ? undefined : addTo(digest);
    },
    secondsLeft: () => Math.max(1, Math.ceil(60 - (now() % 60_000) / 1000)),
    forgetPast: (nowSeconds) => deleteCountsBefore(db, Math.floor(nowSeconds / 60)),
    writeAgain() {
      startOver();
      unwritten = new Set(counts.keys());
      schedule();
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

function toText(digest: Buffer): string {
  return digest.toString('base64url');
}
