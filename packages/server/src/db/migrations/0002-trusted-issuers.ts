/** Issuers whose tokens tell which client a workload is. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('trusted_issuers')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('issuer', 'text', (column) => column.notNull().unique())
    .addColumn('jwks', 'text')
    .addColumn('jwks_uri', 'text')
    .addColumn('audience', 'text')
    .addColumn('max_age_seconds', 'integer', (column) => column.notNull())
    .addColumn('single_use', 'integer', (column) => column.notNull())
    .addColumn('rules', 'text', (column) => column.notNull())
    .execute();
}
