/** Deletes many rows in small transactions, since a large one stalls the process on SQLite, and holds locks on PostgreSQL. */
import { setTimeout as pause } from 'node:timers/promises';
import type { DeleteResult } from 'kysely';

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
