/**
 * A client, compiled for the hot path, and the rules for changing one. Where it is kept is `client-store.ts`'s
 * business; who may change it is `delegation.ts`'s.
 */

import { type ClientMetadata, type ClientMetadataChange, changeMetadata } from './client-metadata.ts';
import type { ClientSecret } from './client-secret.ts';

export interface Client {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly scopes: ReadonlySet<string>;
  /** Null: what it may hand out follows from POSTERN_DELEGATION. */
  readonly grantableScopes: ReadonlySet<string> | null;
  readonly enabled: boolean;
  /** Null: the server's default. */
  readonly accessTokenTtlSeconds: number | null;
  /** Rises when all of its tokens must die at once. */
  readonly generation: number;
  /** The secrets that authenticate it, the expired ones among them. */
  readonly secrets: readonly Pick<ClientSecret, 'id' | 'digest' | 'expiresAt'>[];
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly isRoot: boolean;
  readonly metadata: ClientMetadata;
}

/** What a caller may set. A member that is missing stays as it is; null goes back to the default. */
export interface ClientChange extends ClientMetadataChange {
  readonly name?: string | null;
  readonly description?: string | null;
  readonly scopes?: readonly string[];
  readonly grantable_scopes?: readonly string[] | null;
  readonly enabled?: boolean;
  readonly access_token_ttl_seconds?: number | null;
}

/** A client that nobody has changed yet: enabled, with no scope and no secret. */
export function newClient(id: string, createdAt: string): Client {
  return {
    id,
    name: null,
    description: null,
    scopes: new Set(),
    grantableScopes: null,
    enabled: true,
    accessTokenTtlSeconds: null,
    generation: 0,
    secrets: [],
    createdAt,
    updatedAt: createdAt,
    isRoot: false,
    metadata: {},
  };
}

/**
 * The client after the change. Disabling raises the generation, so that tokens from before stay dead when the
 * client is enabled again. Whether the scopes exist and may be assigned is not checked here.
 */
export function changeClient(client: Client, change: ClientChange, updatedAt: string): Client {
  const disabled = change.enabled === false && client.enabled;
  return {
    ...client,
    name: change.name === undefined ? client.name : change.name,
    description: change.description === undefined ? client.description : change.description,
    scopes: change.scopes === undefined ? client.scopes : new Set(change.scopes),
    grantableScopes: change.grantable_scopes === undefined ? client.grantableScopes : toSet(change.grantable_scopes),
    enabled: change.enabled ?? client.enabled,
    accessTokenTtlSeconds:
      change.access_token_ttl_seconds === undefined ? client.accessTokenTtlSeconds : change.access_token_ttl_seconds,
    generation: disabled ? client.generation + 1 : client.generation,
    updatedAt,
    metadata: changeMetadata(client.metadata, change),
  };
}

function toSet(names: readonly string[] | null): ReadonlySet<string> | null {
  return names === null ? null : new Set(names);
}

/** Whether a client may have authorization details of a type that is registered: those of its metadata, and root all. */
export function mayUseDetailsType(client: Client, type: string): boolean {
  return client.isRoot || client.metadata.authorization_details_types?.includes(type) === true;
}

/** Whether a client may have tokens for a resource that is registered: those of its `resources`, and root all. */
export function mayAskFor(client: Client, identifier: string): boolean {
  return client.isRoot || client.metadata.resources?.includes(identifier) === true;
}
