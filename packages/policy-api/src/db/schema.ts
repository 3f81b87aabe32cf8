/** The tables of the policy API as Kysely types. Text and integers only, so that one schema serves every database. */

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

/** Has one row for ever: see `change-alone.ts`. */
export interface PolicyRevisionTable {
  id: number;
  revision: number;
}

/** A type and not an interface, so that a host can add the tables to those of its own: `$extendTables`. */
export type PolicyDatabase = {
  policies: PolicyTable;
  policy_rules: PolicyRuleTable;
  policy_rule_targets: PolicyRuleTargetTable;
  storage_configs: StorageConfigTable;
  policy_revision: PolicyRevisionTable;
};
