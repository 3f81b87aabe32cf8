/** Deletes single rows of any table, while a trail is replayed. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';

/** A table, and the column that has the ids in events. */
export type KeyColumn = readonly [table: string, column: string];

/** Returns false if there is no such row, or other rows refer to it. */
export async function deleteByKey(db: Kysely<Database>, [table, column]: KeyColumn, key: string): Promise<boolean> {
  // biome-ignore lint/suspicious/noExplicitAny: the table may be one of a hosted API
  const anyTable = db as Kysely<any>;
  try {
    const { numDeletedRows } = await anyTable.deleteFrom(table).where(column, '=', key).executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  } catch (error) {
    // SQLITE_CONSTRAINT_FOREIGNKEY: something that was created before the backup still uses it.
    if ((error as { readonly errcode?: number }).errcode === 787) {
      return false;
    }
    throw error;
  }
}
