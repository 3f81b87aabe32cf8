/** Storage destinations in the database. */
import type { Place, Slice } from '@postern/http-api';
import type { Kysely, Selectable } from 'kysely';
import { listRows } from '../db/keyed-rows.ts';
import type { PolicyDatabase, StorageConfigTable } from '../db/schema.ts';
import type { StorageConfig, StorageDetails } from './storage-config.ts';

export async function findStorageConfig(db: Kysely<PolicyDatabase>, key: string): Promise<StorageConfig | undefined> {
  const row = await db.selectFrom('storage_configs').selectAll().where('key', '=', key).executeTakeFirst();
  return row && fromStorageRow(row);
}

/** Lists part of them, oldest first, with the place of each. */
export async function listStorageConfigs(
  db: Kysely<PolicyDatabase>,
  slice: Slice,
): Promise<{ readonly configs: StorageConfig[]; readonly places: readonly Place[]; readonly total: number }> {
  const { rows, places, total } = await listRows(db, 'storage_configs', slice);
  return { configs: rows.map(fromStorageRow), places, total };
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

export function fromStorageRow(row: Omit<Selectable<StorageConfigTable>, 'created_at'>): StorageConfig {
  const { key, name, type, format, details } = row;
  return { key, name, type, format, details: JSON.parse(details) as StorageDetails };
}
