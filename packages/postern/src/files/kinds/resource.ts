/** Resources in files. */
import { operations } from '@postern/admin';
import { simpleKind } from './simple-kind.ts';

export const resourceKind = simpleKind({
  section: 'resources',
  noun: 'resource',
  idMember: 'key',
  deleted: 'before',
  operations: operations.resources,
  defaults: { access_token_typ: 'at+jwt', introspection_clients: [] },
  sets: ['scopes', 'introspection_clients'],
});
