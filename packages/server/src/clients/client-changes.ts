/**
 * The one way in which an administrator makes, changes or deletes a client: its row, and the event that tells every node and every
 * API what its tokens are worth from now on.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Append } from '../events/event-log.ts';
import type { ClientStatusData } from '../revocation/feed-entry.ts';
import type { Client } from './client.ts';
import { deleteClient, insertClient, updateClient } from './client-store.ts';

/** Writes a client that is new. Where its generation is not the first, one of its id was there before, whose tokens end. */
export async function recordCreation(
  transaction: Kysely<Database>,
  append: Append,
  client: Client,
  asked: object,
): Promise<void> {
  await insertClient(transaction, client);
  await append({ kind: 'client.created', subject: client.id, data: { ...asked } });
  if (client.generation > 0) {
    await append({ kind: 'client.revoked', subject: client.id, data: { status: clientStatusData(client) } });
  }
}

/** Writes `after`. The event holds what was asked for, and the client's status where that is another now. */
export async function recordChange(
  transaction: Kysely<Database>,
  append: Append,
  before: Client,
  after: Client,
  asked: object,
): Promise<void> {
  await updateClient(transaction, after);
  const status = clientStatusData(after);
  const isSame = isDeepStrictEqual(status, clientStatusData(before));
  await append({ kind: 'client.updated', subject: after.id, data: { ...asked, ...(!isSame && { status }) } });
}

/** Raises the generation of a client, so that its tokens from before are refused. */
export async function endTokens(transaction: Kysely<Database>, append: Append, client: Client): Promise<void> {
  const after = { ...client, generation: client.generation + 1 };
  await updateClient(transaction, after);
  await append({ kind: 'client.revoked', subject: client.id, data: { status: clientStatusData(after) } });
}

/** Its secrets go with it, and its tokens are refused. */
export async function recordDeletion(transaction: Kysely<Database>, append: Append, clientId: string): Promise<void> {
  await deleteClient(transaction, clientId);
  await append({ kind: 'client.deleted', subject: clientId, data: {} });
}

/** All of a client that decides whether its tokens stand, as `clientStatusOf` reads it. */
function clientStatusData({ enabled, generation, scopes, metadata }: Client): ClientStatusData {
  return {
    enabled,
    generation,
    scopes: [...scopes].toSorted(),
    resources: (metadata.resources ?? []).toSorted(),
    authorization_details_types: (metadata.authorization_details_types ?? []).toSorted(),
  };
}
