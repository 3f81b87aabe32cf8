/** What the bearer of a token may assign, looked up where a change is made. */
import { type AccessToken, refuseToken } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { findClient } from '../clients/client-store.ts';
import type { RecheckInTransaction } from '../clients/recheck-in-transaction.ts';
import type { Database } from '../db/schema.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';
import { assignableScopes, type DelegationRules } from './delegation.ts';

/**
 * The scopes that a verified token may assign. Looks once more, inside the transaction, whether it still stands: its
 * ground may have gone while the request was read or waited for the database, and a client that was just stopped must
 * not leave another one behind. Throws `invalid_token` then.
 */
export type ActorScopes = (transaction: Kysely<Database>, token: AccessToken) => Promise<ReadonlySet<string>>;

export interface ActorScopesOptions {
  readonly root: Client;
  readonly delegation: DelegationRules;
  readonly recheckInTransaction: RecheckInTransaction;
  /** The scopes there are, as the database has them. */
  readonly loadScopes: (transaction: Kysely<Database>) => Promise<ScopeRegistry>;
}

export function createActorScopes(options: ActorScopesOptions): ActorScopes {
  const { root, delegation, recheckInTransaction, loadScopes } = options;
  return async (transaction, token) => {
    const granter = token.clientId === root.id ? root : await findClient(transaction, token.clientId);
    const fault = await recheckInTransaction(transaction, token);
    if (granter === undefined || fault !== undefined) {
      throw refuseToken(fault ?? 'client_unknown');
    }
    // A scope may have been deleted since the request was read: it must not come into a client that is made now.
    return assignableScopes(granter, token.scopes, { ...delegation, registry: await loadScopes(transaction) });
  };
}
