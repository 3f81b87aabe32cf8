/** Resources in files. */
import { simpleKind } from './simple-kind.ts';

export const resourceKind = simpleKind({
  section: 'resources',
  noun: 'resource',
  idMember: 'key',
  deleted: 'before',
  url: '/api/v1/oauth/resource',
  defaults: { introspection_clients: [] },
  sets: ['scopes', 'introspection_clients'],
});
