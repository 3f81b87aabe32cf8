/**
 * A client, compiled for the hot path, and the rules for changing one. `client-store.ts` keeps it, and `delegation/`
 * decides who may change it.
 */
import { type ClientMetadata, type ClientMetadataChange, changeMetadata } from './client-metadata.ts';
import type { ClientSecret } from './client-secret.ts';
import { withdrawsClaims } from './fixed-claims.ts';
import type { SecurityProfile } from './security-profile.ts';

export interface Client {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly scopes: ReadonlySet<string>;
  /** Null: POSTERN_DELEGATION decides what it may assign. */
  readonly grantableScopes: ReadonlySet<string> | null;
  readonly enabled: boolean;
  /** Null: the server's default. */
  readonly accessTokenTtlSeconds: number | null;
  /** From then on it gets no token, and none of its tokens lasts longer. Milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
  /** Rises when all of its tokens are revoked: see `nextGeneration`. */
  readonly generation: number;
  /** The secrets that authenticate it, the expired ones among them. */
  readonly secrets: readonly Pick<ClientSecret, 'id' | 'digest' | 'imported' | 'createdAt' | 'expiresAt'>[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly isRoot: boolean;
  readonly metadata: ClientMetadata;
  /** What client policies require in addition to its own profile. Only the client directory applies them. */
  readonly requirements?: SecurityProfile;
}

/** What a caller may set. A missing member stays as it is, and null goes back to the default. */
export interface ClientChange extends ClientMetadataChange {
  readonly name?: string | null;
  readonly description?: string | null;
  readonly scopes?: readonly string[];
  readonly grantableScopes?: readonly string[] | null;
  readonly enabled?: boolean;
  readonly accessTokenTtlSeconds?: number | null;
  /** As `parseExpiry` returns it. */
  readonly expiresAt?: string | null;
}

/** A client before its first change: enabled, with no scope and no secret. */
export function newClient(id: string, createdAt: number): Client {
  return {
    id,
    name: null,
    description: null,
    scopes: new Set(),
    grantableScopes: null,
    enabled: true,
    accessTokenTtlSeconds: null,
    expiresAt: null,
    generation: 0,
    secrets: [],
    createdAt,
    updatedAt: createdAt,
    isRoot: false,
    metadata: {},
  };
}

/**
 * Returns the client after the change. Disabling raises the generation, so that its tokens remain invalid when it is
 * enabled again, and so does the change of a fixed claim that its tokens have. Does not check whether the scopes exist and may be assigned.
 */
export function changeClient(
  client: Client,
  change: ClientChange,
  updatedAt: number,
  leastGeneration: number = updatedAt,
): Client {
  const { name, description, scopes, grantableScopes, enabled, accessTokenTtlSeconds, expiresAt, ...metadata } = change;
  const disabled = enabled === false && client.enabled;
  const changedMetadata = changeMetadata(client.metadata, metadata);
  const revokes = disabled || withdrawsClaims(client.metadata.fixedClaims, changedMetadata.fixedClaims);
  return {
    ...client,
    name: name === undefined ? client.name : name,
    description: description === undefined ? client.description : description,
    scopes: scopes === undefined ? client.scopes : new Set(scopes),
    grantableScopes: grantableScopes === undefined ? client.grantableScopes : toSet(grantableScopes),
    enabled: enabled ?? client.enabled,
    accessTokenTtlSeconds: accessTokenTtlSeconds === undefined ? client.accessTokenTtlSeconds : accessTokenTtlSeconds,
    expiresAt: expiresAt === undefined ? client.expiresAt : expiresAt === null ? null : Date.parse(expiresAt),
    generation: revokes ? nextGeneration(client.generation, leastGeneration) : client.generation,
    updatedAt,
    metadata: changedMetadata,
  };
}

/**
 * The generation after `generation`, of which no token was issued so far: at least `least`, so that it is also above the generations
 * that the client had in changes that the database has lost. See `Append.leastGeneration`.
 */
export function nextGeneration(generation: number, least: number): number {
  return Math.max(generation + 1, Math.floor(least));
}

function toSet(names: readonly string[] | null): ReadonlySet<string> | null {
  return names === null ? null : new Set(names);
}

/** Whether a client may have authorization details of a type that is registered: those of its metadata, and root all. */
export function mayUseDetailsType(client: Client, type: string): boolean {
  return client.isRoot || client.metadata.authorizationDetailsTypes?.includes(type) === true;
}

/** Whether a client may have tokens for a resource that is registered: those of its `resources`, and root all. */
export function mayAskFor(client: Client, identifier: string): boolean {
  return client.isRoot || client.metadata.resources?.includes(identifier) === true;
}
