import type { MigrationSet } from '../migrate.ts';
import * as foundation from './0001-foundation.ts';
import * as trustedIssuers from './0002-trusted-issuers.ts';

export const serverMigrations: MigrationSet = {
  owner: 'server',
  migrations: { '0001-foundation': foundation, '0002-trusted-issuers': trustedIssuers },
};
