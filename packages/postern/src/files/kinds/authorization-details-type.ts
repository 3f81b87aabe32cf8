/** Types of authorization details in files. */
import { simpleKind } from './simple-kind.ts';

export const authorizationDetailsTypeKind = simpleKind({
  section: 'authorization_details_types',
  noun: 'authorization details type',
  idMember: 'type',
  deleted: 'after',
  url: '/api/v1/oauth/authorization-details-type',
});
