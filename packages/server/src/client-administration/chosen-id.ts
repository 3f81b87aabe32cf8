/** Clients with a chosen id: ensures that it can be in a path, and that no token of an earlier client is valid for this one. */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { type Client, nextGeneration } from '../clients/client.ts';
import { findClient } from '../clients/client-store.ts';
import { isPersonId } from '../clients/person-id.ts';
import type { Database } from '../db/schema.ts';
import type { EventKind } from '../events/event.ts';
import type { Append } from '../events/event-log.ts';
import { listEvents } from '../events/event-store.ts';

/** Names of other actors in the audit trail. */
const otherActors = new Set(['postern', 'initial_access_token']);

/** Throws `invalid_parameter` if programs on the way remove a part of the id from a path that has it. RFC 3986 §5.2.4. */
export function requireAddressable(id: string): void {
  if (id.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw new OAuthError('invalid_parameter', 'client_id: must not have . or .. between its slashes.');
  }
}

/**
 * Returns the client; if a client with its id was deleted before, with a generation that none of that client's tokens
 * has. Throws `conflict` if the id is taken or was the root client's. Does not check who may choose ids.
 *
 * A batch may delete a client and create another one with its id in the same change.
 */
export async function withChosenId(
  transaction: Kysely<Database>,
  { pending, leastGeneration }: Append,
  client: Client,
  rootId: string,
): Promise<Client> {
  const { id } = client;
  if (id === rootId || otherActors.has(id) || isPersonId(id) || (await findClient(transaction, id)) !== undefined) {
    throw new OAuthError('conflict', `client_id: ${id} is taken.`);
  }
  // The generation of root is not a counter, so no generation is certain to be newer.
  if ((await hasEvent(transaction, 'root.changed', id)) || (await hasEvent(transaction, 'root.disabled', id))) {
    throw new OAuthError('conflict', `client_id: ${id} was the id of the root client.`);
  }
  const deletion =
    pending.findLast(({ kind, subject }) => kind === 'client.deleted' && subject === id) ??
    (await listEvents(transaction, { kinds: ['client.deleted'], subject: id, after: 0, order: 'desc', size: 1 }))[0];
  return deletion === undefined
    ? client
    : { ...client, generation: nextGeneration(deletion.data['generation'] as number, leastGeneration()) };
}

async function hasEvent(transaction: Kysely<Database>, kind: EventKind, subject: string): Promise<boolean> {
  const events = await listEvents(transaction, { kinds: [kind], subject, after: 0, order: 'asc', size: 1 });
  return events.length > 0;
}
