/** Stores the counts of the current minute, to which all nodes add. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';

export interface Addition {
  readonly key: string;
  readonly count: number;
}

/**
 * Adds to the counts of `minute` (minutes since 1970) in one statement, and returns the sums. Rows are written in the
 * order of their keys, so that two nodes cannot deadlock.
 */
export async function addToCounts(
  db: Kysely<Database>,
  minute: number,
  additions: readonly Addition[],
): Promise<Addition[]> {
  const rows = additions.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((addition) => ({ ...addition, minute }));
  return db
    .insertInto('minute_counters')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['key', 'minute']).doUpdateSet((update) => ({
        count: update('minute_counters.count', '+', update.ref('excluded.count')),
      })),
    )
    .returning(['key', 'count'])
    .execute();
}

/** Deletes the counts of all minutes before `minute`. */
export async function deleteCountsBefore(db: Kysely<Database>, minute: number): Promise<void> {
  await db.deleteFrom('minute_counters').where('minute', '<', minute).execute();
}
