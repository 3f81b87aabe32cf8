import type { MigrationSet } from '../migrate.ts';
import { up as foundation } from './0001-foundation.ts';

export const serverMigrations: MigrationSet = {
  owner: 'server',
  migrations: { '0001-foundation': { up: foundation } },
};
