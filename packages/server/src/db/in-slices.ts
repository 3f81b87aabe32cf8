/** Deletes many rows in small transactions, since a large one stalls the process on SQLite, and holds locks on PostgreSQL. */
import { setTimeout as pause } from 'node:timers/promises';
import type { DeleteResult, Kysely } from 'kysely';
import type { Database } from './schema.ts';

/** Rows in one transaction: some milliseconds of work. */
export const rowsInSlice = 500;

/**
 * Calls `deleteSome`, which deletes at most `rowsInSlice` rows or so, until it finds none. It pauses for as long as a slice
 * took, so that others get at least half of the time of the process and of the database.
 */
export async function inSlices(deleteSome: () => Promise<DeleteResult>): Promise<void> {
  for (;;) {
    const beganAt = performance.now();
    const { numDeletedRows } = await deleteSome();
    if (numDeletedRows === 0n) {
      return;
    }
    await pause(performance.now() - beganAt);
  }
}

/** Deletes the rows whose `column`, which has an index, is below `end`. Few rows have the same `key`. */
export function deleteBelow<Table extends keyof Database>(
  db: Kysely<Database>,
  table: Table,
  key: keyof Database[Table],
  column: keyof Database[Table],
  end: number | string,
): Promise<void> {
  // Kysely's types follow one table at a time; what is done here works on each.
  const [anyTable, id, age, limit] = [table as 'sessions', key as 'id', column as 'expires_at', end as string];
  return inSlices(() =>
    db
      .deleteFrom(anyTable)
      .where(id, 'in', (past) =>
        past.selectFrom(anyTable).select(id).where(age, '<', limit).orderBy(age).limit(rowsInSlice),
      )
      .where(age, '<', limit)
      .executeTakeFirstOrThrow(),
  );
}
