import type { MigrationSet } from '../migrate.ts';
import { up as foundation } from './0001-foundation.ts';
import { up as trustedIssuers } from './0002-trusted-issuers.ts';
import { up as authorizationDetailsTypes } from './0003-authorization-details-types.ts';
import { up as registration } from './0004-registration.ts';
import { up as eventChain } from './0005-event-chain.ts';
import { up as usage } from './0006-usage.ts';
import { up as administration } from './0007-administration.ts';
import { up as windowCounts } from './0008-window-counts.ts';
import { up as eventIndexes } from './0010-event-indexes.ts';

export const serverMigrations: MigrationSet = {
  owner: 'server',
  migrations: {
    '0001-foundation': { up: foundation },
    '0002-trusted-issuers': { up: trustedIssuers },
    '0003-authorization-details-types': { up: authorizationDetailsTypes },
    '0004-registration': { up: registration },
    '0005-event-chain': { up: eventChain },
    '0006-usage': { up: usage },
    '0007-administration': { up: administration },
    '0008-window-counts': { up: windowCounts },
    '0010-event-indexes': { up: eventIndexes },
  },
};
