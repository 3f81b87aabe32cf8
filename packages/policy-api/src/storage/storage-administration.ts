/** Creates, changes and deletes storage destinations: rules and store together. */
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Append } from '../db/change.ts';
import { deleteRow, saveRow } from '../db/keyed-rows.ts';
import type { PolicyDatabase } from '../db/schema.ts';
import { deriveKey } from '../key.ts';
import { changeStorageSettings, type StorageChange, type StorageConfig } from './storage-config.ts';
import { findRuleUsing, findStorageConfig } from './storage-store.ts';

/**
 * Updates the destination with the key, or creates it; without a key, creates a destination whose key is derived from the
 * name. Throws `invalid_parameter`, and `conflict` if another destination has the key or the name.
 */
export async function putStorageConfig(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  sentKey: string | undefined,
  change: StorageChange,
  createdAt: number,
): Promise<StorageConfig> {
  const before = sentKey === undefined ? undefined : await findStorageConfig(transaction, sentKey);
  const settings = changeStorageSettings(before, change);
  const config = { key: sentKey ?? deriveKey(settings.name), ...settings };
  const event = { kind: 'storage_config.saved', subject: config.key, data: { ...settings } } as const;
  const row = { ...config, details: JSON.stringify(config.details) };
  await saveRow(transaction, append, 'storage_configs', { before, after: config, row, event }, createdAt);
  return config;
}

/** Throws `not_found`, and `conflict` while a rule uploads there. */
export async function removeStorageConfig(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  key: string,
): Promise<void> {
  await getStorageConfig(transaction, key);
  const user = await findRuleUsing(transaction, key);
  if (user !== undefined) {
    throw new OAuthError(
      'conflict',
      `The storage destination ${key} is in use by the rule ${user.ruleKey} of the policy ${user.policyKey}.`,
    );
  }
  await deleteRow(transaction, 'storage_configs', key);
  await append({ kind: 'storage_config.deleted', subject: key, data: {} });
}

/** Throws `not_found`. */
export async function getStorageConfig(db: Kysely<PolicyDatabase>, key: string): Promise<StorageConfig> {
  const config = await findStorageConfig(db, key);
  if (config === undefined) {
    throw new OAuthError('not_found', `There is no storage destination ${showName(key)}.`);
  }
  return config;
}
