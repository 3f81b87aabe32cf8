import type { MigrationSet } from '../migrate.ts';
import { up as tables } from './0001-tables.ts';

export const serverMigrations: MigrationSet = {
  owner: 'server',
  migrations: { '0001-tables': { up: tables } },
};
