/** Stores the counts of the current minute: each node has its own, and a count is the sum over all nodes. */
import type { Kysely } from 'kysely';
import { inSlices, rowsInSlice } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';

export interface StoredCount {
  readonly key: string;
  readonly count: number;
}

/**
 * Writes the present counts of `node` in `minute` (minutes since 1970), and returns the sums over all nodes. Writing a count
 * again changes nothing, so that it may be repeated if nobody knows whether it was written. Rows are written in the order
 * of their keys, so that two nodes cannot deadlock.
 */
export async function writeCounts(
  db: Kysely<Database>,
  node: string,
  minute: number,
  counts: readonly StoredCount[],
): Promise<StoredCount[]> {
  const rows = counts.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((count) => ({ ...count, minute, node }));
  await db
    .insertInto('minute_counters')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['key', 'minute', 'node']).doUpdateSet((update) => ({ count: update.ref('excluded.count') })),
    )
    .execute();
  const sums = await db
    .selectFrom('minute_counters')
    .select(['key', (select) => select.fn.sum<number>('count').as('count')])
    .where('minute', '=', minute)
    .where(
      'key',
      'in',
      rows.map(({ key }) => key),
    )
    .groupBy('key')
    .execute();
  return sums.map(({ key, count }) => ({ key, count: Number(count) }));
}

/** Deletes the counts of all minutes before `minute`. */
export async function deleteCountsBefore(db: Kysely<Database>, minute: number): Promise<void> {
  const { oldest } = await db
    .selectFrom('minute_counters')
    .select((select) => select.fn.min('minute').as('oldest'))
    .executeTakeFirstOrThrow();
  if (oldest === null || oldest >= minute) {
    return;
  }
  await inSlices(() =>
    db
      .deleteFrom('minute_counters')
      .where('minute', '=', oldest)
      .where('key', 'in', (counted) =>
        counted.selectFrom('minute_counters').select('key').where('minute', '=', oldest).limit(rowsInSlice),
      )
      .executeTakeFirstOrThrow(),
  );
  await deleteCountsBefore(db, minute);
}
