/** A change of one client by the holder of a token, who must be allowed to assign all that the client could do. */
import type { AccessToken } from '@postern/guard';
import type { Transaction } from 'kysely';
import type { Client } from '../clients/client.ts';
import { getClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import type { ActorScopes } from './actor-scopes.ts';
import { type DelegationRules, requireAssignable } from './delegation.ts';

export interface AdministeredClient {
  readonly client: Client;
  /** What the token may assign. */
  readonly assignable: ReadonlySet<string>;
}

/** Throws `invalid_token`, `not_found`, and `access_denied` unless the token may assign all that the client could do. */
export type Administer = <T>(
  token: AccessToken,
  clientId: string,
  work: (transaction: Transaction<Database>, append: Append, administered: AdministeredClient) => Promise<T>,
) => Promise<T>;

export interface AdministerOptions {
  readonly events: EventLog;
  readonly delegation: DelegationRules;
  readonly actorScopesOf: ActorScopes;
}

export function createAdminister({ events, delegation, actorScopesOf }: AdministerOptions): Administer {
  return (token, clientId, work) =>
    events.change(token, async (transaction, append) => {
      const client = await getClient(transaction, clientId);
      const assignable = await actorScopesOf(transaction, token);
      requireAssignable(client, assignable, delegation);
      return work(transaction, append, { client, assignable });
    });
}
