/** Keys and names are unique among things of a kind. */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { PolicyDatabase } from './schema.ts';

const kindOf = {
  policies: 'policy',
  policy_rules: 'rule',
  policy_rule_targets: 'target',
  storage_configs: 'storage destination',
} as const;

/** Throws `conflict` if a row of `table` has that key or name. */
export async function requireUnused(
  db: Kysely<PolicyDatabase>,
  table: keyof typeof kindOf,
  column: 'key' | 'name',
  value: string,
): Promise<void> {
  // All four tables have both columns; Kysely's types follow one table at a time.
  const row = await db
    .selectFrom(table as 'policies')
    .select('key')
    .where(column, '=', value)
    .executeTakeFirst();
  if (row !== undefined) {
    throw new OAuthError(
      'conflict',
      column === 'key'
        ? `There is a ${kindOf[table]} with the key ${value} already. To change it, send the key.`
        : `There is a ${kindOf[table]} with the name ${value} already; its key is ${row.key}.`,
    );
  }
}
