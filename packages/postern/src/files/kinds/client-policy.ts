/** Client policies in files. */
import { operations } from '@postern/admin';
import { simpleKind } from './simple-kind.ts';

export const clientPolicyKind = simpleKind({
  section: 'client_policies',
  noun: 'client policy',
  idMember: 'name',
  deleted: 'before',
  operations: operations.clientPolicies,
  sets: ['signing_algs', 'token_endpoint_auth_methods'],
});
