/** Types of authorization details in files. */
import { operations } from '@postern/admin';
import { simpleKind } from './simple-kind.ts';

export const authorizationDetailsTypeKind = simpleKind({
  section: 'authorization_details_types',
  noun: 'authorization details type',
  idMember: 'type',
  deleted: 'after',
  operations: operations.authorizationDetailsTypes,
});
