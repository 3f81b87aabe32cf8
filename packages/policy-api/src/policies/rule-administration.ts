/** Creates, changes and deletes the rules of a policy: rules and stores together. */
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Append } from '../db/change.ts';
import { deleteRow, saveRow } from '../db/keyed-rows.ts';
import type { PolicyDatabase } from '../db/schema.ts';
import { deriveKey } from '../key.ts';
import type { StorageConfig } from '../storage/storage-config.ts';
import { findStorageConfig } from '../storage/storage-store.ts';
import { getRule, requireErasedOnce, withRule } from './policy.ts';
import { getPolicy } from './policy-administration.ts';
import { findPolicyOfRule } from './policy-store.ts';
import { changeRule, type Rule, type RuleChange } from './rule.ts';

/** A change of a rule as it was sent: with the key of the destination. */
type SentRuleChange = Omit<RuleChange, 'storageDestination'> & {
  readonly storageDestinationKey?: string | null | undefined;
};

/**
 * Updates the policy's rule with the key, or creates it; without a key, creates a rule whose key is derived from the
 * name. Throws `invalid_parameter`; `not_found` for the policy; `conflict` if another rule has the key or the name, or if
 * the rule's targets would now be erased twice.
 */
export async function putRule(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  policyKey: string,
  sentKey: string | undefined,
  { storageDestinationKey, ...change }: SentRuleChange,
  createdAt: number,
): Promise<Rule> {
  const policy = await getPolicy(transaction, policyKey);
  const before = policy.rules.find(({ key }) => key === sentKey);
  if (before === undefined && sentKey !== undefined) {
    await requireNoOtherPolicy(transaction, sentKey);
  }
  const storageDestination = await findSentDestination(transaction, storageDestinationKey);
  const settings = changeRule(before, { ...change, storageDestination });
  const rule = { key: sentKey ?? deriveKey(settings.name), targets: before?.targets ?? [], ...settings };
  requireErasedOnce(withRule(policy, rule));
  const row = {
    key: rule.key,
    policy_key: policyKey,
    name: rule.name,
    action_type: rule.actionType,
    storage_destination_key: rule.storageDestination?.key ?? null,
    masking_strategy: rule.maskingStrategy === null ? null : JSON.stringify(rule.maskingStrategy),
  };
  const data = {
    policyKey,
    name: rule.name,
    actionType: rule.actionType,
    storageDestinationKey: row.storage_destination_key,
    maskingStrategy: rule.maskingStrategy?.strategy ?? null,
  };
  const event = { kind: 'rule.saved', subject: rule.key, data } as const;
  await saveRow(transaction, append, 'policy_rules', { before, after: rule, row, event }, createdAt);
  return rule;
}

/** Its targets go with it. Throws `not_found`, also for a rule of another policy. */
export async function removeRule(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  policyKey: string,
  ruleKey: string,
): Promise<void> {
  getRule(await getPolicy(transaction, policyKey), ruleKey);
  await deleteRow(transaction, 'policy_rules', ruleKey);
  await append({ kind: 'rule.deleted', subject: ruleKey, data: { policyKey } });
}

/** A rule stays with its policy: moved to another, its targets would mean something else there. */
async function requireNoOtherPolicy(db: Kysely<PolicyDatabase>, ruleKey: string): Promise<void> {
  const policyKey = await findPolicyOfRule(db, ruleKey);
  if (policyKey !== undefined) {
    throw new OAuthError('conflict', `key: the rule ${ruleKey} belongs to the policy ${policyKey} and stays there.`);
  }
}

async function findSentDestination(
  db: Kysely<PolicyDatabase>,
  key: string | null | undefined,
): Promise<StorageConfig | null | undefined> {
  if (key === null || key === undefined) {
    return key;
  }
  const destination = await findStorageConfig(db, key);
  if (destination === undefined) {
    throw new OAuthError(
      'invalid_parameter',
      `storage_destination_key: there is no storage destination ${showName(key)}.`,
    );
  }
  return destination;
}
