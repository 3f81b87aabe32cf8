/**
 * Counts per minute, day or month that all nodes share, with a short delay: each node counts in memory, writes its own counts at most
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
import { minute, type Period } from './period.ts';
import { deleteCountsUntil, readCount, writeCounts } from './period-counter-store.ts';

export interface PeriodCounters {
  /** Whether this node has counted nothing in this period, so that every count is 0. */
  areEmpty(): boolean;
  /** Returns the count of `key` in this period: on this node, and on others until the last write of this node. */
  count(key: string): number;
  add(key: string): void;
  /** Counts one more unless the count has reached `most`. Returns the function that takes it back, or undefined. */
  reserve(key: string, most: number): (() => void) | undefined;
  /** Reads what all nodes have counted, if this one has not counted the key in this period. For counts that outlast a process. */
  load(key: string): Promise<void>;
  /** Returns what all nodes have counted, as far as they have written it. */
  read(key: string): Promise<number>;
  /** When the period ends, in milliseconds since 1970. */
  endsAt(): number;
  /** Returns the whole seconds until the next period begins, at least 1. */
  secondsLeft(): number;
  /** Deletes the counts of past periods. Call it about once a minute. */
  forgetPast(nowSeconds: number): Promise<void>;
  /** Writes all counts of this node again, since the database may have lost them. */
  writeAgain(): void;
  /** Stops writing. Counts that are not written yet are lost. */
  stop(): void;
}

export interface PeriodCountersOptions {
  readonly db: Kysely<Database>;
  /** Keys become digests under it: they have one length, any bytes, and nobody can choose two that collide. */
  readonly masterKey: Pick<MasterKey, 'digest'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Default: a minute. */
  readonly period?: Period;
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

/** Keys that are counted exactly in a period, which takes 17 MB. */
const mostCounts = 100_000;

export function createPeriodCounters({
  db,
  masterKey,
  now,
  onFault,
  period = minute,
}: PeriodCountersOptions): PeriodCounters {
  const node = randomUUID();
  let endsAt = 0;
  let counts = new Map<string, Count>();
  let unwritten = new Set<string>();
  let sketch: CountSketch | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFaulty = false;

  const startOver = () => {
    const end = period.endOf(now());
    if (end !== endsAt) {
      endsAt = end;
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

  /** Returns the function that takes it back; after the period that changes nothing that is still read. */
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
        endsAt,
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
    areEmpty() {
      startOver();
      return counts.size === 0;
    },
    count(key) {
      startOver();
      return countOf(digestOf(key));
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
    async load(key) {
      startOver();
      const text = toText(digestOf(key));
      if (counts.has(text)) {
        return;
      }
      const readAt = endsAt;
      const others = await readCount(db, endsAt, text);
      if (endsAt === readAt && !counts.has(text) && counts.size < mostCounts) {
        counts.set(text, { own: 0, others });
      }
    },
    async read(key) {
      startOver();
      const digest = digestOf(key);
      return Math.max(await readCount(db, endsAt, toText(digest)), countOf(digest));
    },
    endsAt: () => period.endOf(now()),
    secondsLeft: () => Math.max(1, Math.ceil((period.endOf(now()) - now()) / 1000)),
    forgetPast: (nowSeconds) => deleteCountsUntil(db, nowSeconds * 1000),
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
