/** The types of authorization details. RFC 9396 §2.1. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('authorization_details_types')
    .addColumn('type', 'text', (column) => column.primaryKey())
    .addColumn('description', 'text')
    .addColumn('schema', 'text', (column) => column.notNull())
    .execute();
}
