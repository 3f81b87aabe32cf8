/** Targets in the database, one by one; `policy-store.ts` reads them with their policy. */
import type { Kysely } from 'kysely';
import type { PolicyDatabase } from '../db/schema.ts';
import type { Target } from './target.ts';

/** Finds the key of the rule that a target belongs to, or undefined if the target does not exist. */
export async function findRuleOfTarget(db: Kysely<PolicyDatabase>, targetKey: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('policy_rule_targets')
    .select('rule_key')
    .where('key', '=', targetKey)
    .executeTakeFirst();
  return row?.rule_key;
}

export async function insertTarget(
  db: Kysely<PolicyDatabase>,
  ruleKey: string,
  { key, name, dataCategory }: Target,
  createdAt: number,
): Promise<void> {
  await db
    .insertInto('policy_rule_targets')
    .values({
      key,
      rule_key: ruleKey,
      name,
      data_category: dataCategory,
      created_at: new Date(createdAt).toISOString(),
    })
    .execute();
}

export async function updateTarget(db: Kysely<PolicyDatabase>, { key, name, dataCategory }: Target): Promise<void> {
  await db
    .updateTable('policy_rule_targets')
    .set({ name, data_category: dataCategory })
    .where('key', '=', key)
    .execute();
}

export async function deleteTarget(db: Kysely<PolicyDatabase>, key: string): Promise<void> {
  await db.deleteFrom('policy_rule_targets').where('key', '=', key).execute();
}
