/** Writes a client that was created, changed or deleted, with the event that tells every node and API which of its tokens are active. */
import { isDeepStrictEqual } from 'node:util';
import { toWireNames } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Append } from '../events/event-log.ts';
import type { ClientStatusData } from '../revocation/feed-entry.ts';
import { deleteRevocationsOf } from '../revocation/revoked-token-store.ts';
import { type Client, nextGeneration } from './client.ts';
import { deleteClient, insertClient, updateClient } from './client-store.ts';

/** Writes a new client. If its generation is not the first, the tokens of an earlier client with its id are revoked. */
export async function recordCreation(
  transaction: Kysely<Database>,
  append: Append,
  client: Client,
  asked: object,
): Promise<void> {
  await insertClient(transaction, client);
  await append({ kind: 'client.created', subject: client.id, data: { ...asked } });
  if (client.generation > 0) {
    await append({
      kind: 'client.revoked',
      subject: client.id,
      data: { status: toWireNames(clientStatusData(client)) },
    });
  }
}

/** Writes `after`. The event has what was asked for, and the client's status if that changed. */
export async function recordChange(
  transaction: Kysely<Database>,
  append: Append,
  before: Client,
  after: Client,
  asked: object,
): Promise<void> {
  await updateClient(transaction, after);
  if (after.generation > before.generation) {
    await deleteRevocationsOf(transaction, after.id);
  }
  const status = clientStatusData(after);
  const statusBefore = clientStatusData(before);
  const isSame = isDeepStrictEqual(status, statusBefore);
  const changedCredentials = listChangedCredentials(before, after);
  await append({
    kind: 'client.updated',
    subject: after.id,
    data: {
      ...asked,
      ...(!isSame && { status: toWireNames(status) }),
      ...(after.enabled && !before.enabled && { reenabled: true }),
      ...(isNarrowed(statusBefore, status) && { narrowed: true }),
      ...(changedCredentials.length > 0 && { changedCredentials }),
    },
  });
}

/** Whether tokens of a client that is enabled have lost something, or were revoked. */
function isNarrowed(before: ClientStatusData, after: ClientStatusData): boolean {
  const hasLost = (member: 'scopes' | 'resources' | 'authorizationDetailsTypes') =>
    before[member].some((one) => !after[member].includes(one));
  return (
    after.enabled &&
    (after.generation > before.generation ||
      hasLost('scopes') ||
      hasLost('resources') ||
      hasLost('authorizationDetailsTypes'))
  );
}

/** The kinds of credential that a client authenticates by, with the members of its metadata that say which. */
const credentialMembers = {
  password: ['tokenEndpointAuthMethod'],
  'public-key': ['jwks', 'jwksUri', 'clientIdMetadataDocument'],
  x509: [
    'tlsClientAuthSubjectDn',
    'tlsClientAuthSanDns',
    'tlsClientAuthSanUri',
    'tlsClientAuthSanIp',
    'tlsClientAuthSanEmail',
  ],
  spiffe: ['spiffeId', 'spiffeBundle', 'spiffeBundleEndpoint'],
} as const;

/** The kinds of credential that a change has replaced, by the names of CAEP 1.0 §3.3.1 as far as it has one. Secrets have events of their own. */
function listChangedCredentials(before: Client, after: Client): string[] {
  return Object.entries(credentialMembers)
    .filter(([, members]) => members.some((name) => !isDeepStrictEqual(before.metadata[name], after.metadata[name])))
    .map(([kind]) => kind);
}

/**
 * Raises the generation of a client, which revokes the tokens that it has. `why` is for the audit trail.
 */
export async function revokeTokens(
  transaction: Kysely<Database>,
  append: Append,
  client: Client,
  why: object = {},
): Promise<void> {
  const after = { ...client, generation: nextGeneration(client.generation, append.leastGeneration()) };
  await updateClient(transaction, after);
  await deleteRevocationsOf(transaction, client.id);
  await append({
    kind: 'client.revoked',
    subject: client.id,
    data: { ...why, status: toWireNames(clientStatusData(after)) },
  });
}

/** Deletes its secrets and streams too, and revokes its tokens. The event has its last generation, above which a later client with its id begins. */
export async function recordDeletion(
  transaction: Kysely<Database>,
  append: Append,
  { id, generation }: Pick<Client, 'id' | 'generation'>,
): Promise<void> {
  await deleteClient(transaction, id);
  await deleteRevocationsOf(transaction, id);
  await append({ kind: 'client.deleted', subject: id, data: { generation } });
}

/** Everything about a client that decides whether its tokens are active, as `clientStatusOf` reads it. */
function clientStatusData({ enabled, generation, scopes, metadata }: Client): ClientStatusData {
  return {
    enabled,
    generation,
    scopes: [...scopes].toSorted(),
    resources: (metadata.resources ?? []).toSorted(),
    authorizationDetailsTypes: (metadata.authorizationDetailsTypes ?? []).toSorted(),
  };
}
