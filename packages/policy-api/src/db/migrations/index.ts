import type { Migration } from 'kysely/migration';
import { up as policies } from './0001-policies.ts';

/** For the migrator of the host, which keeps a record of what ran for each owner of tables. */
export const policyMigrations: { readonly owner: string; readonly migrations: Readonly<Record<string, Migration>> } = {
  owner: 'policy_api',
  migrations: { '0001-policies': { up: policies } },
};
