/** Policies in the database, each with its rules and their targets. */
import type { Place, Slice } from '@postern/http-api';
import type { Kysely, Selectable } from 'kysely';
import { listRows } from '../db/keyed-rows.ts';
import type { PolicyDatabase, PolicyTable } from '../db/schema.ts';
import type { StorageConfig } from '../storage/storage-config.ts';
import { fromStorageRow } from '../storage/storage-store.ts';
import type { MaskingStrategy } from './masking-strategy.ts';
import type { Policy } from './policy.ts';

export async function findPolicy(db: Kysely<PolicyDatabase>, key: string): Promise<Policy | undefined> {
  const rows = await db.selectFrom('policies').selectAll().where('key', '=', key).execute();
  return (await load(db, rows))[0];
}

/** Lists part of them, oldest first, with the place of each. */
export async function listPolicies(
  db: Kysely<PolicyDatabase>,
  slice: Slice,
): Promise<{ readonly policies: readonly Policy[]; readonly places: readonly Place[]; readonly total: number }> {
  const { rows, places, total } = await listRows(db, 'policies', slice);
  return { policies: await load(db, rows), places, total };
}

/** Finds the key of the policy that answers an action of the Data Rights Protocol, or undefined. */
export async function findPolicyAnswering(
  db: Kysely<PolicyDatabase>,
  drpAction: 'access' | 'deletion',
): Promise<string | undefined> {
  const row = await db.selectFrom('policies').select('key').where('drp_action', '=', drpAction).executeTakeFirst();
  return row?.key;
}

/** Finds the key of the policy that a rule belongs to, or undefined if the rule does not exist. */
export async function findPolicyOfRule(db: Kysely<PolicyDatabase>, ruleKey: string): Promise<string | undefined> {
  const row = await db.selectFrom('policy_rules').select('policy_key').where('key', '=', ruleKey).executeTakeFirst();
  return row?.policy_key;
}

/** Finds the key of the rule that a target belongs to, or undefined if the target does not exist. */
export async function findRuleOfTarget(db: Kysely<PolicyDatabase>, key: string): Promise<string | undefined> {
  const row = await db.selectFrom('policy_rule_targets').select('rule_key').where('key', '=', key).executeTakeFirst();
  return row?.rule_key;
}

/** Reads policies from their rows, in order; the rules of all are read at once, and so are the targets. */
async function load(db: Kysely<PolicyDatabase>, rows: readonly Selectable<PolicyTable>[]): Promise<Policy[]> {
  if (rows.length === 0) {
    // An empty `in ()` is an error in PostgreSQL.
    return [];
  }
  const keys = rows.map(({ key }) => key);
  const rules = Map.groupBy(await selectRules(db, keys), ({ policy_key }) => policy_key);
  const targets = Map.groupBy(await selectTargets(db, keys), ({ rule_key }) => rule_key);
  return rows.map((policy) => ({
    key: policy.key,
    name: policy.name,
    drpAction: policy.drp_action,
    rules: (rules.get(policy.key) ?? []).map((rule) => ({
      key: rule.key,
      name: rule.name,
      actionType: rule.action_type,
      storageDestination: toStorageDestination(rule),
      maskingStrategy: rule.masking_strategy === null ? null : (JSON.parse(rule.masking_strategy) as MaskingStrategy),
      targets: (targets.get(rule.key) ?? []).map(({ key, name, data_category: dataCategory }) => ({
        key,
        name,
        dataCategory,
      })),
    })),
  }));
}

/** Reads the columns of a left join, which are all null if the rule has no destination. */
function toStorageDestination({
  storage_key: key,
  storage_name: name,
  storage_type: type,
  storage_format: format,
  storage_details: details,
}: RuleRow): StorageConfig | null {
  if (key === null || name === null || type === null || format === null || details === null) {
    return null;
  }
  return fromStorageRow({ key, name, type, format, details });
}

type RuleRow = Awaited<ReturnType<typeof selectRules>>[number];

/** In one query with their destinations, so that no rule is seen whose destination was replaced and deleted since. */
function selectRules(db: Kysely<PolicyDatabase>, policyKeys: readonly string[]) {
  return db
    .selectFrom('policy_rules as rule')
    .leftJoin('storage_configs as storage', 'storage.key', 'rule.storage_destination_key')
    .select(['rule.policy_key', 'rule.key', 'rule.name', 'rule.action_type', 'rule.masking_strategy'])
    .select(['storage.key as storage_key', 'storage.name as storage_name', 'storage.type as storage_type'])
    .select(['storage.format as storage_format', 'storage.details as storage_details'])
    .where('rule.policy_key', 'in', policyKeys)
    .orderBy('rule.created_at')
    .orderBy('rule.key')
    .execute();
}

function selectTargets(db: Kysely<PolicyDatabase>, policyKeys: readonly string[]) {
  return db
    .selectFrom('policy_rule_targets as target')
    .innerJoin('policy_rules as rule', 'rule.key', 'target.rule_key')
    .select(['target.rule_key', 'target.key', 'target.name', 'target.data_category'])
    .where('rule.policy_key', 'in', policyKeys)
    .orderBy('target.created_at')
    .orderBy('target.key')
    .execute();
}
