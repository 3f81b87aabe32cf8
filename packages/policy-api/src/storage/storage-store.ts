/** Storage destinations in the database. */
import type { Kysely, Selectable } from 'kysely';
import type { PolicyDatabase, StorageConfigTable } from '../db/schema.ts';
import type { StorageConfig, StorageDetails, StorageSettings } from './storage-config.ts';

export async function findStorageConfig(db: Kysely<PolicyDatabase>, key: string): Promise<StorageConfig | undefined> {
  const row = await db.selectFrom('storage_configs').selectAll().where('key', '=', key).executeTakeFirst();
  return row && fromStorageRow(row);
}

/** Lists one page, oldest first. `page` counts from 1. */
export async function listStorageConfigs(
  db: Kysely<PolicyDatabase>,
  page: number,
  size: number,
): Promise<{ readonly configs: StorageConfig[]; readonly total: number }> {
  const { total } = await db
    .selectFrom('storage_configs')
    .select((select) => select.fn.countAll().as('total'))
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('storage_configs')
    .selectAll()
    .orderBy('created_at')
    .orderBy('key')
    .limit(size)
    .offset((page - 1) * size)
    .execute();
  return { configs: rows.map(fromStorageRow), total: Number(total) };
}

export async function insertStorageConfig(
  db: Kysely<PolicyDatabase>,
  { key, ...settings }: StorageConfig,
  createdAt: number,
): Promise<void> {
  await db
    .insertInto('storage_configs')
    .values({ key, created_at: new Date(createdAt).toISOString(), ...toColumns(settings) })
    .execute();
}

export async function updateStorageConfig(
  db: Kysely<PolicyDatabase>,
  { key, ...settings }: StorageConfig,
): Promise<void> {
  await db.updateTable('storage_configs').set(toColumns(settings)).where('key', '=', key).execute();
}

/** Finds a rule that uploads there, or undefined. */
export async function findRuleUsing(
  db: Kysely<PolicyDatabase>,
  key: string,
): Promise<{ readonly ruleKey: string; readonly policyKey: string } | undefined> {
  return db
    .selectFrom('policy_rules')
    .select(['key as ruleKey', 'policy_key as policyKey'])
    .where('storage_destination_key', '=', key)
    .orderBy('created_at')
    .orderBy('key')
    .limit(1)
    .executeTakeFirst();
}

export async function deleteStorageConfig(db: Kysely<PolicyDatabase>, key: string): Promise<void> {
  await db.deleteFrom('storage_configs').where('key', '=', key).execute();
}

function toColumns({ name, type, format, details }: StorageSettings) {
  return { name, type, format, details: JSON.stringify(details) };
}

export function fromStorageRow(row: Omit<Selectable<StorageConfigTable>, 'created_at'>): StorageConfig {
  const { key, name, type, format, details } = row;
  return { key, name, type, format, details: JSON.parse(details) as StorageDetails };
}
