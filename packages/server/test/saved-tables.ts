/** All rows of a server, to be put back while nodes run: what a restore does, and a fail-over to a replica that is behind. */
import type { Kysely } from 'kysely';
import { deleteRows, type Row, readRows, writeRows } from '../src/db/copy/rows.ts';
import { listTables } from '../src/db/copy/tables.ts';
import { serverMigrations } from '../src/db/migrations/index.ts';
import type { Database } from '../src/db/schema.ts';

/** Returns the function that puts back what the tables have now. */
export async function saveTables(db: Kysely<Database>): Promise<(db: Kysely<Database>) => Promise<void>> {
  const tables = await listTables([serverMigrations]);
  const saved = new Map<string, Row[]>();
  for (const table of tables) {
    saved.set(table.name, (await Array.fromAsync(readRows(db, table))).flat());
  }
  return (target) =>
    target.transaction().execute(async (transaction) => {
      for (const table of tables.toReversed()) {
        await deleteRows(transaction, table);
      }
      for (const table of tables) {
        await writeRows(transaction, table, saved.get(table.name) ?? []);
      }
    });
}
