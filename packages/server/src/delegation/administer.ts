/** A change of one client by the holder of a token, whose reach must cover all that the client can do. */
import type { AccessToken } from '@postern/guard';
import type { Transaction } from 'kysely';
import type { Client } from '../clients/client.ts';
import { getClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import type { Delegate, FindDelegate } from './delegate.ts';

export interface AdministeredClient {
  readonly client: Client;
  readonly delegate: Delegate;
}

/** Throws `invalid_token`, `not_found`, and `access_denied` unless the token may give all that the client can do. */
export type Administer = <T>(
  token: AccessToken,
  clientId: string,
  work: (transaction: Transaction<Database>, append: Append, administered: AdministeredClient) => Promise<T>,
) => Promise<T>;

export interface AdministerOptions {
  readonly events: EventLog;
  readonly findDelegate: FindDelegate;
}

export function createAdminister({ events, findDelegate }: AdministerOptions): Administer {
  return (token, clientId, work) =>
    events.change(token, async (transaction, append) => {
      const [client, delegate] = await Promise.all([
        getClient(transaction, clientId),
        findDelegate(transaction, token),
      ]);
      await delegate.requireWithin(client);
      return work(transaction, append, { client, delegate });
    });
}
