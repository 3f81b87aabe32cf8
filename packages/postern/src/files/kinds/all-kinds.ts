/** Every kind of entry that files can have. Entries may refer to those of kinds above their own. */
import { operations, type ScopeBody, type StorageElement } from '@postern/admin';
import { clientKind } from './client.ts';
import type { FileKind, JsonObject } from './file-kind.ts';
import { issuerKind } from './issuer.ts';
import { policyKind } from './policy.ts';
import { simpleKind } from './simple-kind.ts';

const storageDefaults = { format: 'json' };

const fillDetails = (storage: JsonObject): JsonObject => ({
  ...storage,
  details: { naming: 'request_id', ...(storage['details'] as JsonObject | undefined) },
});

export const allKinds: readonly FileKind[] = [
  simpleKind({
    section: 'scopes',
    noun: 'scope',
    idMember: 'name',
    deleted: 'after',
    operations: { ...operations.scopes, save: (scope: ScopeBody) => operations.scopes.save([scope]) },
  }),
  simpleKind({
    section: 'roles',
    noun: 'role',
    idMember: 'name',
    deleted: 'after',
    operations: operations.roles,
    defaults: { description: '' },
    sets: ['scopes', 'grantable_scopes'],
  }),
  simpleKind({
    section: 'client_policies',
    noun: 'client policy',
    idMember: 'name',
    deleted: 'before',
    operations: operations.clientPolicies,
    sets: ['signing_algs', 'token_endpoint_auth_methods'],
  }),
  simpleKind({
    section: 'authorization_details_types',
    noun: 'authorization details type',
    idMember: 'type',
    deleted: 'after',
    operations: operations.authorizationDetailsTypes,
  }),
  simpleKind({
    section: 'resources',
    noun: 'resource',
    idMember: 'key',
    deleted: 'before',
    operations: operations.resources,
    defaults: { access_token_typ: 'at+jwt', introspection_clients: [] },
    sets: ['scopes', 'introspection_clients'],
  }),
  clientKind,
  issuerKind,
  simpleKind({
    section: 'storage',
    noun: 'storage destination',
    idMember: 'key',
    deleted: 'after',
    operations: {
      ...operations.storage,
      // The server keeps members that are not sent, so that those at their defaults are sent too.
      save: (wanted: JsonObject) =>
        operations.storage.save([{ ...storageDefaults, ...fillDetails(wanted) } as StorageElement]),
    },
    defaults: storageDefaults,
    normalize: fillDetails,
  }),
  policyKind,
];
