/** Stores the counts of the current minute, day and month: each node has its own, and a count is the sum over all nodes. */
import type { Kysely } from 'kysely';
import { inSlices, rowsInSlice } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';

export interface StoredCount {
  readonly key: string;
  readonly count: number;
}

/**
 * Writes the present counts of `node` in the period that ends at `endsAt` (milliseconds since 1970), and returns the sums over all nodes. Writing a count
 * again changes nothing, so that it may be repeated if nobody knows whether it was written. Rows are written in the order
 * of their keys, so that two nodes cannot deadlock.
 */
export async function writeCounts(
  db: Kysely<Database>,
  node: string,
  endsAt: number,
  counts: readonly StoredCount[],
): Promise<StoredCount[]> {
  const rows = counts
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map((count) => ({ ...count, ends_at: endsAt, node }));
  await db
    .insertInto('period_counters')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['key', 'ends_at', 'node']).doUpdateSet((update) => ({ count: update.ref('excluded.count') })),
    )
    .execute();
  const sums = await db
    .selectFrom('period_counters')
    .select(['key', (select) => select.fn.sum<number>('count').as('count')])
    .where('ends_at', '=', endsAt)
    .where(
      'key',
      'in',
      rows.map(({ key }) => key),
    )
    .groupBy('key')
    .execute();
  return sums.map(({ key, count }) => ({ key, count: Number(count) }));
}

/** The sum over all nodes of what they have counted of a key in the period that ends at `endsAt`. */
export async function readCount(db: Kysely<Database>, endsAt: number, key: string): Promise<number> {
  const { count } = await db
    .selectFrom('period_counters')
    .select((select) => select.fn.sum<number>('count').as('count'))
    .where('ends_at', '=', endsAt)
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  return Number(count ?? 0);
}

/** Deletes the counts of all periods that have ended at `time`, in milliseconds since 1970. */
export async function deleteCountsUntil(db: Kysely<Database>, time: number): Promise<void> {
  const { oldest } = await db
    .selectFrom('period_counters')
    .select((select) => select.fn.min('ends_at').as('oldest'))
    .executeTakeFirstOrThrow();
  if (oldest === null || Number(oldest) > time) {
    return;
  }
  await inSlices(() =>
    db
      .deleteFrom('period_counters')
      .where('ends_at', '=', oldest)
      .where('key', 'in', (counted) =>
        counted.selectFrom('period_counters').select('key').where('ends_at', '=', oldest).limit(rowsInSlice),
      )
      .executeTakeFirstOrThrow(),
  );
  await deleteCountsUntil(db, time);
}
