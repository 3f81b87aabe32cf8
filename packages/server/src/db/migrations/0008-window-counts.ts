/** What all nodes count together within a minute: failed authentications, and tokens of clients with a quota. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('window_counts')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('minute', 'integer', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('window_counts_key', ['key', 'minute'])
    .execute();
}
