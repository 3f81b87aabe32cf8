/** Counts of the current minute in the database, where all nodes add to them. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';

export interface Addition {
  readonly key: string;
  readonly count: number;
}

/**
 * Adds to the counts of `minute` (minutes since 1970) in one statement and returns what they are now. Always in the
 * order of the keys, so that two nodes cannot wait for each other's rows.
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

/** Deletes the counts of all minutes before. */
export async function deleteCountsBefore(db: Kysely<Database>, minute: number): Promise<void> {
  await db.deleteFrom('minute_counters').where('minute', '<', minute).execute();
}
