/** Decides which clients of another server are imported with what, and what is left out and why. Pure. */
import { type Change, type NewClientBody, operations, type Resource, type Scope } from '@postern/admin';
import { clientIdPattern, parseSecretDigest, scopeFamily } from '@postern/protocol';
import { findSecretWeakness } from '@postern/protocol/node';
import { oneLine } from '../output/terminal-text.ts';
import type { Credential, SourceClient } from './source-client.ts';

export interface ImportPlan {
  readonly clients: readonly ImportedClient[];
  readonly skipped: readonly SkippedClient[];
  /** Scopes and resources that Postern does not have and that are created. */
  readonly newScopes: readonly string[];
  readonly newResources: readonly Resource[];
  /** Those that Postern does not have and that are not created. */
  readonly lostScopes: readonly string[];
  readonly lostAudiences: readonly string[];
}

export interface ImportedClient {
  readonly client_id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly lost_scopes: readonly string[];
  readonly lost_audiences: readonly string[];
  /** Roles, whose scopes are not imported. */
  readonly lost_roles: readonly string[];
  readonly enabled: boolean;
  readonly access_token_ttl_seconds: number | null;
  readonly credential: 'kept' | 'new';
  /** Why it gets a new secret. */
  readonly reason?: string;
}

export interface SkippedClient {
  readonly client_id: string;
  readonly reason: string;
}

export interface ImportOptions {
  /** The name of the other server. */
  readonly source: string;
  /** Whether the built-in scopes of Postern mean the same there. */
  readonly sharesScopes: boolean;
  /** All scopes and resources of Postern. */
  readonly scopes: readonly Scope[];
  readonly resources: readonly Resource[];
  /** Ids of the clients of Postern. */
  readonly existing: ReadonlySet<string>;
  /** Ids of the clients to import; empty for all. */
  readonly only: readonly string[];
  readonly registerScopes: boolean;
  readonly registerResources: boolean;
}

export interface PlannedImport {
  readonly plan: ImportPlan;
  /** The calls that make the import, which have secrets. */
  readonly changes: readonly Change<unknown>[];
}

export function planImport(found: readonly SourceClient[], options: ImportOptions): PlannedImport {
  const { source, sharesScopes, scopes, resources, existing, only, registerScopes, registerResources } = options;
  const wanted = found.filter(({ id }) => only.length === 0 || only.includes(id));
  const skipped: SkippedClient[] = [];
  const taken = new Map<string, SourceClient>();
  for (const client of wanted) {
    const reason = taken.has(client.id) ? 'it is there twice' : reasonToSkip(client, existing);
    if (reason === undefined) {
      taken.set(client.id, client);
    } else {
      skipped.push({ client_id: client.id, reason });
    }
  }
  for (const id of only.filter((one) => !found.some((client) => client.id === one))) {
    skipped.push({ client_id: id, reason: `${source} does not have it` });
  }

  const clients = [...taken.values()];
  const takenNames = new Set(scopes.map(({ name }) => name));
  // A scope of another server's APIs that happens to have the name of one of Postern's must not let its clients administer Postern.
  const known = new Set(scopes.filter(({ origin }) => sharesScopes || origin === 'own').map(({ name }) => name));
  const unknown = [...new Set(clients.flatMap((client) => client.scopes))]
    .filter((name) => !known.has(name))
    .toSorted();
  const families = scopes.filter(({ administrative }) => administrative).map(({ name }) => scopeFamily(name));
  const newScopes = registerScopes ? unknown.filter((name) => !takenNames.has(name) && canBeScope(name, families)) : [];
  const held = known.union(new Set(newScopes));
  const scopesOf = (client: SourceClient) => [...new Set(client.scopes)].filter((scope) => held.has(scope));

  const identifiers = new Set(resources.map(({ identifier }) => identifier));
  const audiences = [...new Set(clients.flatMap((client) => client.audiences))].filter((one) => !identifiers.has(one));
  const newAudiences = registerResources ? audiences.filter(canBeResource) : [];
  const keys = new Set(resources.map(({ key }) => key));
  const newResources = newAudiences.toSorted().map((identifier) => {
    const callers = clients.filter((client) => client.audiences.includes(identifier));
    const key = keyOf(identifier, keys);
    keys.add(key);
    const granted = callers.flatMap((client) => client.audienceScopes?.get(identifier) ?? client.scopes);
    return { key, identifier, scopes: [...new Set(granted)].filter((scope) => held.has(scope)).toSorted() };
  });
  const reachable = identifiers.union(new Set(newAudiences));

  const planned = clients.map((client) => {
    const secretFault = findCredentialFault(client.credential);
    const imported: ImportedClient = {
      client_id: client.id,
      name: client.name === null ? null : oneLine(client.name).slice(0, 200).trim() || null,
      description: client.description === null ? null : oneLine(client.description).slice(0, 2_000).trim() || null,
      scopes: scopesOf(client),
      resources: [...new Set(client.audiences)].filter((one) => reachable.has(one)),
      lost_scopes: [...new Set(client.scopes)].filter((scope) => !held.has(scope)),
      lost_audiences: [...new Set(client.audiences)].filter((one) => !reachable.has(one)),
      lost_roles: client.roles,
      enabled: client.enabled,
      access_token_ttl_seconds: client.ttlSeconds,
      credential: secretFault === undefined ? 'kept' : 'new',
      ...(secretFault !== undefined && { reason: secretFault }),
    };
    return { imported, credential: secretFault === undefined ? client.credential : {} };
  });
  return {
    plan: {
      clients: planned.map(({ imported }) => imported),
      skipped,
      newScopes,
      newResources,
      lostScopes: unknown.filter((name) => !newScopes.includes(name)),
      lostAudiences: audiences.filter((one) => !newAudiences.includes(one)),
    },
    changes: [
      ...newScopes.map((name) => operations.scopes.save([{ name, description: `${name}, imported from ${source}` }])),
      ...newResources.map((resource) => operations.resources.save(resource)),
      ...planned.map(({ imported, credential }) => operations.clients.create(bodyOf(imported, credential))),
    ],
  };
}

function bodyOf(client: ImportedClient, credential: object): NewClientBody {
  const { client_id, name, description, scopes, resources, enabled, access_token_ttl_seconds } = client;
  return {
    client_id,
    name,
    description,
    scopes: [...scopes],
    ...(resources.length > 0 && { resources: [...resources] }),
    // A caller whose tokens were for one API names none.
    ...(resources.length === 1 && { default_resource: resources[0] as string }),
    ...(!enabled && { enabled }),
    ...(access_token_ttl_seconds !== null && { access_token_ttl_seconds }),
    ...credential,
  };
}

function reasonToSkip({ id, skip }: SourceClient, existing: ReadonlySet<string>): string | undefined {
  if (existing.has(id)) {
    return 'Postern already has a client with this id';
  }
  if (skip !== undefined) {
    return skip;
  }
  if (!clientIdPattern.test(id) || id.split('/').some((segment) => segment === '.' || segment === '..')) {
    return 'its id has characters other than letters, digits and . _ ~ - : @ /, or more than 128, or a segment . or ..';
  }
  return undefined;
}

/** Why the client needs a new secret; undefined if what it has can move. */
function findCredentialFault(credential: Credential): string | undefined {
  if ('missing' in credential) {
    return credential.missing;
  }
  if ('client_secret_digest' in credential) {
    return parseSecretDigest(credential.client_secret_digest) === undefined
      ? 'its digest has an unknown format, or takes too long to check'
      : undefined;
  }
  if (!('client_secret' in credential)) {
    return undefined;
  }
  if (!/^[!-~]{1,256}$/.test(credential.client_secret)) {
    return 'its secret has characters that are not printable ASCII, or more than 256';
  }
  const weakness = findSecretWeakness(credential.client_secret);
  return weakness === undefined ? undefined : `its secret ${weakness}`;
}

/** Whether the server accepts the name: RFC 6749 §3.3, and not in a family of administrative scopes. */
function canBeScope(name: string, families: readonly string[]): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(name) && !families.some((family) => name.startsWith(family));
}

/** Whether the server accepts the identifier: an absolute URI without fragment (RFC 8707 §2). */
function canBeResource(identifier: string): boolean {
  const url = URL.parse(identifier);
  const hasEmptyPath = url?.pathname === '/' && identifier.endsWith('/');
  return /^[\x21-\x7e]{1,1000}$/.test(identifier) && url !== null && !identifier.includes('#') && !hasEmptyPath;
}

function keyOf(identifier: string, taken: ReadonlySet<string>): string {
  const plain = identifier
    .replace(/^[a-z]+:\/*/, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 80);
  let key = plain || 'api';
  for (let number = 2; taken.has(key); number += 1) {
    key = `${plain || 'api'}-${number}`;
  }
  return key;
}
