/** Rules in the database, one by one; `policy-store.ts` reads them with their policy. */
import type { Kysely } from 'kysely';
import type { PolicyDatabase } from '../db/schema.ts';
import type { Rule, RuleSettings } from './rule.ts';

/** Finds the key of the policy that a rule belongs to, or undefined if the rule does not exist. */
export async function findPolicyOfRule(db: Kysely<PolicyDatabase>, ruleKey: string): Promise<string | undefined> {
  const row = await db.selectFrom('policy_rules').select('policy_key').where('key', '=', ruleKey).executeTakeFirst();
  return row?.policy_key;
}

export async function insertRule(
  db: Kysely<PolicyDatabase>,
  policyKey: string,
  rule: Rule,
  createdAt: number,
): Promise<void> {
  await db
    .insertInto('policy_rules')
    .values({ key: rule.key, policy_key: policyKey, created_at: new Date(createdAt).toISOString(), ...toColumns(rule) })
    .execute();
}

/** Writes its settings; the targets are not among them. */
export async function updateRule(db: Kysely<PolicyDatabase>, rule: Rule): Promise<void> {
  await db.updateTable('policy_rules').set(toColumns(rule)).where('key', '=', rule.key).execute();
}

/** Its targets go with it. */
export async function deleteRule(db: Kysely<PolicyDatabase>, key: string): Promise<void> {
  await db.deleteFrom('policy_rules').where('key', '=', key).execute();
}

function toColumns({ name, actionType, storageDestination, maskingStrategy }: RuleSettings) {
  return {
    name,
    action_type: actionType,
    storage_destination_key: storageDestination?.key ?? null,
    masking_strategy: maskingStrategy === null ? null : JSON.stringify(maskingStrategy),
  };
}
