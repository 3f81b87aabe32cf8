import type { MigrationSet } from '../migrate.ts';
import * as foundation from './0001-foundation.ts';
import * as authorizationDetailsTypes from './0003-authorization-details-types.ts';

export const serverMigrations: MigrationSet = {
  owner: 'server',
  migrations: {
    '0001-foundation': foundation,
    '0003-authorization-details-types': authorizationDetailsTypes,
  },
};
