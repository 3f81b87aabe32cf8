/** Ids of clients that somebody chose: what makes sure that no token of an earlier client is one of this client's. */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { findClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { EventKind } from '../events/event.ts';
import { listEvents, readLog } from '../events/event-store.ts';

/** Who else makes changes, by the audit trail. */
const otherActors = new Set(['postern', 'initial_access_token']);

/**
 * The client, where one of its id was deleted before with a generation that no token of that one has. Throws `conflict`
 * where the id is taken, or was the root client's. Does not check who may choose ids.
 */
export async function withChosenId(transaction: Kysely<Database>, client: Client, rootId: string): Promise<Client> {
  const { id } = client;
  if (id === rootId || otherActors.has(id) || (await findClient(transaction, id)) !== undefined) {
    throw new OAuthError('conflict', `client_id: ${id} is taken.`);
  }
  // The generation of root is no counter, so there is none that its old tokens do not have.
  if (await hasEvent(transaction, 'root.changed', id)) {
    throw new OAuthError('conflict', `client_id: ${id} was the id of the root client.`);
  }
  if (!(await hasEvent(transaction, 'client.deleted', id))) {
    return client;
  }
  // Every rise of a generation is an event, so that none is ahead of the log.
  return { ...client, generation: (await readLog(transaction)).sequence };
}

async function hasEvent(transaction: Kysely<Database>, kind: EventKind, subject: string): Promise<boolean> {
  const events = await listEvents(transaction, { kinds: [kind], subject, after: 0, order: 'asc', size: 1 });
  return events.length > 0;
}
