import type { MigrationSet } from '../migrate.ts';
import * as foundation from './0001-foundation.ts';
import * as registration from './0005-registration.ts';

export const serverMigrations: MigrationSet = {
  owner: 'server',
  migrations: { '0001-foundation': foundation, '0005-registration': registration },
};
