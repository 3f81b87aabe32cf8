/** Creates, changes and deletes the targets of a rule: rules and stores together. */
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Append } from '../db/change.ts';
import { deleteRow, saveRow } from '../db/keyed-rows.ts';
import type { PolicyDatabase } from '../db/schema.ts';
import { getRule, requireErasedOnce, withRule } from './policy.ts';
import { getPolicy } from './policy-administration.ts';
import { findRuleOfTarget } from './policy-store.ts';
import { requireTargetedOnce, withTarget } from './rule.ts';
import { changeTarget, type Target, type TargetChange } from './target.ts';

/**
 * Updates the rule's target with the key, or creates it; without a key, creates a target with a derived key. Throws
 * `invalid_parameter`; `not_found` for policy and rule; `conflict` if another target has the key or the name, if the rule
 * already has the category, or if the policy would erase it twice.
 */
export async function putTarget(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  policyKey: string,
  ruleKey: string,
  change: TargetChange,
  createdAt: number,
): Promise<Target> {
  const policy = await getPolicy(transaction, policyKey);
  const rule = getRule(policy, ruleKey);
  const before = rule.targets.find(({ key }) => key === change.key);
  if (before === undefined && change.key !== undefined) {
    await requireNoOtherRule(transaction, change.key);
  }
  const target = changeTarget(before, change, ruleKey);
  const after = withTarget(rule, target);
  requireTargetedOnce(after);
  requireErasedOnce(withRule(policy, after));
  const row = { key: target.key, rule_key: ruleKey, name: target.name, data_category: target.dataCategory };
  const data = { policyKey, ruleKey, name: target.name, dataCategory: target.dataCategory };
  const event = { kind: 'rule_target.saved', subject: target.key, data } as const;
  await saveRow(transaction, append, 'policy_rule_targets', { before, after: target, row, event }, createdAt);
  return target;
}

/** Throws `not_found`, also for a target of another rule. */
export async function removeTarget(
  transaction: Kysely<PolicyDatabase>,
  append: Append,
  policyKey: string,
  ruleKey: string,
  targetKey: string,
): Promise<void> {
  const rule = getRule(await getPolicy(transaction, policyKey), ruleKey);
  if (!rule.targets.some(({ key }) => key === targetKey)) {
    throw new OAuthError('not_found', `There is no target ${showName(targetKey)} in the rule ${ruleKey}.`);
  }
  await deleteRow(transaction, 'policy_rule_targets', targetKey);
  await append({ kind: 'rule_target.deleted', subject: targetKey, data: { policyKey, ruleKey } });
}

async function requireNoOtherRule(transaction: Kysely<PolicyDatabase>, targetKey: string): Promise<void> {
  const ruleKey = await findRuleOfTarget(transaction, targetKey);
  if (ruleKey !== undefined) {
    throw new OAuthError('conflict', `key: the target ${targetKey} belongs to the rule ${ruleKey} and stays there.`);
  }
}
