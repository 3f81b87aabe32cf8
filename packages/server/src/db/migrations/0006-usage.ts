/** What was issued: counts per client and scope, and per hour. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('client_usage')
    .addColumn('client_id', 'text', (column) => column.primaryKey().references('clients.id').onDelete('cascade'))
    .addColumn('tokens_issued', 'bigint', (column) => column.notNull())
    .addColumn('last_issued_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('client_usage_by_age').on('client_usage').column('last_issued_at').execute();

  // Goes by way of the table above, whose row is locked first when counts are written: else that and the deletion of
  // the client could wait for each other.
  await db.schema
    .createTable('scope_usage')
    .addColumn('client_id', 'text', (column) =>
      column.notNull().references('client_usage.client_id').onDelete('cascade'),
    )
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('tokens_issued', 'bigint', (column) => column.notNull())
    .addColumn('last_issued_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('scope_usage_key', ['client_id', 'scope'])
    .execute();

  await db.schema
    .createTable('token_statistics')
    .addColumn('hour', 'integer', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('requests', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('token_statistics_key', ['hour', 'outcome'])
    .execute();
}
