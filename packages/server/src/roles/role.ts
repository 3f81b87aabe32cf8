/** Roles: named sets of scopes for people. Three are built in, and users add their own. Pure. */
import type { Client } from '../clients/client.ts';
import { newClient } from '../clients/client.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';

export interface Role {
  readonly name: string;
  readonly description: string;
  readonly scopes: readonly string[];
  /** What a person with the role may assign to clients, as for clients. Null: POSTERN_DELEGATION decides. */
  readonly grantableScopes: readonly string[] | null;
}

/** A role as it is looked at: built-in roles have the scopes that exist now, and cannot be changed. */
export interface KnownRole extends Role {
  readonly origin: 'built-in' | 'own';
}

/** Whoever has it can do what root can, and give others any role. */
export const administrator = 'administrator';

/** Scopes for daily work: they neither change roles and policies, nor end the access of all clients at once. */
const operatorScopes = [
  'client:create',
  'client:update',
  'client:read',
  'client:delete',
  'client_document:read',
  'client_document:approve',
  'scope:create_or_update',
  'scope:delete',
  'resource:read',
  'resource:create_or_update',
  'resource:delete',
  'issuer:read',
  'issuer:create_or_update',
  'issuer:delete',
  'authorization_details_type:read',
  'authorization_details_type:create_or_update',
  'authorization_details_type:delete',
  'initial_access_token:create',
  'initial_access_token:read',
  'initial_access_token:delete',
  'client_policy:read',
  'role:read',
  'person:read',
  'audit:read',
  'key:read',
  'key:rotate',
  'token:revoke',
  'revocation:read',
  'stream:read',
  'stream:delete',
  'batch:apply',
];

const auditorScopes = [
  'client:read',
  'client_document:read',
  'scope:read',
  'resource:read',
  'issuer:read',
  'authorization_details_type:read',
  'initial_access_token:read',
  'client_policy:read',
  'role:read',
  'person:read',
  'audit:read',
  'key:read',
  'stream:read',
  'policy:read',
  'rule:read',
  'storage:read',
];

const builtIn = { origin: 'built-in', grantableScopes: null } as const;

/** The built-in roles, with the scopes that are registered. */
export function builtInRoles({ names, ordinaryNames }: Pick<ScopeRegistry, 'names' | 'ordinaryNames'>): KnownRole[] {
  return [
    { ...builtIn, name: administrator, description: 'Everything, as the root client', scopes: [...names] },
    {
      ...builtIn,
      name: 'operator',
      description: 'Clients, scopes, resources, issuers and keys from day to day; no roles and no client policies',
      scopes: [...ordinaryNames, ...operatorScopes],
    },
    { ...builtIn, name: 'auditor', description: 'Reads everything, and changes nothing', scopes: auditorScopes },
  ];
}

export function isBuiltInRole(name: string): boolean {
  return [administrator, 'operator', 'auditor'].includes(name);
}

/** A role as the client that delegation compares with others: whoever defines it must be able to give all of it. */
export function clientOfRole(role: Role, id = `role:${role.name}`): Client {
  return {
    ...newClient(id, 0),
    scopes: new Set(role.scopes),
    grantableScopes: role.grantableScopes === null ? null : new Set(role.grantableScopes),
    isRoot: role.name === administrator,
  };
}
