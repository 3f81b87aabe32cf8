/** Creates, changes and deletes policies: rules and store together. */
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Append } from '../db/change.ts';
import { deleteRow, saveRow } from '../db/keyed-rows.ts';
import type { PolicyDatabase } from '../db/schema.ts';
import { deriveKey } from '../key.ts';
import { changePolicy, type Policy, type PolicyChange } from './policy.ts';
import { findPolicy, findPolicyAnswering } from './policy-store.ts';

/**
 * Updates the policy with the key, or creates it; without a key, creates a policy whose key is derived from the name.
 * Throws `invalid_parameter`, and `conflict` if another policy has the key, the name or the action.
 */
export async function putPolicy(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  sentKey: string | undefined,
  change: PolicyChange,
  createdAt: number,
): Promise<Policy> {
  const before = sentKey === undefined ? undefined : await findPolicy(transaction, sentKey);
  const settings = changePolicy(before, change);
  const policy = { key: sentKey ?? deriveKey(settings.name), rules: before?.rules ?? [], ...settings };
  if (policy.drpAction !== null && policy.drpAction !== before?.drpAction) {
    const answering = await findPolicyAnswering(transaction, policy.drpAction);
    if (answering !== undefined) {
      throw new OAuthError('conflict', `drp_action: the policy ${answering} answers ${policy.drpAction} already.`);
    }
  }
  const data = { name: policy.name, drpAction: policy.drpAction };
  const event = { kind: 'policy.saved', subject: policy.key, data } as const;
  const row = { key: policy.key, name: policy.name, drp_action: policy.drpAction };
  await saveRow(transaction, append, 'policies', { before, after: policy, row, event }, createdAt);
  return policy;
}

/** Its rules and their targets go with it. Throws `not_found`. */
export async function removePolicy(transaction: Kysely<PolicyDatabase>, append: Append, key: string): Promise<void> {
  await getPolicy(transaction, key);
  await deleteRow(transaction, 'policies', key);
  await append({ kind: 'policy.deleted', subject: key, data: {} });
}

/** Throws `not_found`. */
export async function getPolicy(db: Kysely<PolicyDatabase>, key: string): Promise<Policy> {
  const policy = await findPolicy(db, key);
  if (policy === undefined) {
    throw new OAuthError('not_found', `There is no policy ${showName(key)}.`);
  }
  return policy;
}
