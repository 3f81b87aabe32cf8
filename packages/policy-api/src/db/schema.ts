/** The tables of the policy API as Kysely types. Text and integers only, so that one schema serves every database. */
import type { Kysely } from 'kysely';

export interface PolicyTable {
  key: string;
  name: string;
  drp_action: 'access' | 'deletion' | null;
  /** RFC 3339, UTC. */
  created_at: string;
}

export interface PolicyRuleTable {
  key: string;
  policy_key: string;
  name: string;
  action_type: 'access' | 'erasure';
  storage_destination_key: string | null;
  /** JSON object. */
  masking_strategy: string | null;
  created_at: string;
}

export interface PolicyRuleTargetTable {
  key: string;
  rule_key: string;
  name: string;
  data_category: string;
  created_at: string;
}

export interface StorageConfigTable {
  key: string;
  name: string;
  type: 'local' | 's3';
  format: 'json' | 'csv';
  /** JSON object. */
  details: string;
  created_at: string;
}

export interface PolicyDatabase {
  policies: PolicyTable;
  policy_rules: PolicyRuleTable;
  policy_rule_targets: PolicyRuleTargetTable;
  storage_configs: StorageConfigTable;
}

/** These tables in the database of a host, which has them beside its own. */
export function policyTables<DB>(db: Kysely<DB>): Kysely<PolicyDatabase> {
  return db as Kysely<unknown> as Kysely<PolicyDatabase>;
}

/** The table and key of what an event says was deleted. */
export const deletedRows = {
  'policy.deleted': ['policies', 'key'],
  'rule.deleted': ['policy_rules', 'key'],
  'rule_target.deleted': ['policy_rule_targets', 'key'],
  'storage_config.deleted': ['storage_configs', 'key'],
} as const;
