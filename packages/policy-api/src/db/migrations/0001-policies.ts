/** Storage destinations, policies, their rules and targets. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('storage_configs')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('details', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('storage_configs_by_age').on('storage_configs').columns(['created_at', 'key']).execute();

  await db.schema
    .createTable('policies')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('drp_action', 'text', (column) => column.unique())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('policies_by_age').on('policies').columns(['created_at', 'key']).execute();

  await db.schema
    .createTable('policy_rules')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('policy_key', 'text', (column) => column.notNull().references('policies.key').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('action_type', 'text', (column) => column.notNull())
    .addColumn('storage_destination_key', 'text', (column) => column.references('storage_configs.key'))
    .addColumn('masking_strategy', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('policy_rules_by_policy').on('policy_rules').column('policy_key').execute();
  await db.schema
    .createIndex('policy_rules_by_storage_destination')
    .on('policy_rules')
    .column('storage_destination_key')
    .execute();

  await db.schema
    .createTable('policy_rule_targets')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('rule_key', 'text', (column) => column.notNull().references('policy_rules.key').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('data_category', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('policy_rule_targets_once_a_rule', ['rule_key', 'data_category'])
    .execute();
}
