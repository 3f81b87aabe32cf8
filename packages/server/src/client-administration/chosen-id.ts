/** Clients with a chosen id: ensures that no token of an earlier client is valid for this one. */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { findClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { EventKind, PendingEvent } from '../events/event.ts';
import { listEvents, readLog } from '../events/event-store.ts';
import { findGenerationFloor } from '../revocation/generation-floor-store.ts';

/** Names of other actors in the audit trail. */
const otherActors = new Set(['postern', 'initial_access_token']);

/**
 * Returns the client; if a client with its id was deleted before, with a generation that none of that client's tokens
 * has. Throws `conflict` if the id is taken or was the root client's. Does not check who may choose ids.
 *
 * `pending` are the events of the same change: a batch may delete a client and create another one with its id.
 */
export async function withChosenId(
  transaction: Kysely<Database>,
  pending: readonly PendingEvent[],
  client: Client,
  rootId: string,
): Promise<Client> {
  const { id } = client;
  if (id === rootId || otherActors.has(id) || (await findClient(transaction, id)) !== undefined) {
    throw new OAuthError('conflict', `client_id: ${id} is taken.`);
  }
  // The generation of root is not a counter, so no generation is certain to be newer.
  if ((await hasEvent(transaction, 'root.changed', id)) || (await hasEvent(transaction, 'root.disabled', id))) {
    throw new OAuthError('conflict', `client_id: ${id} was the id of the root client.`);
  }
  const isDeletedByThisChange = pending.some(({ kind, subject }) => kind === 'client.deleted' && subject === id);
  if (!isDeletedByThisChange && !(await hasEvent(transaction, 'client.deleted', id))) {
    return client;
  }
  // Each time that a generation rises an event is appended, so no token has one that is as far above the floor as there are events.
  const generation = (await findGenerationFloor(transaction)) + (await readLog(transaction)).sequence;
  return { ...client, generation };
}

async function hasEvent(transaction: Kysely<Database>, kind: EventKind, subject: string): Promise<boolean> {
  const events = await listEvents(transaction, { kinds: [kind], subject, after: 0, order: 'asc', size: 1 });
  return events.length > 0;
}
