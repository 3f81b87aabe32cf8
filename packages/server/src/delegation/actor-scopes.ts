/** The scopes that the holder of a token may assign, looked up in the transaction of its change. */
import { type AccessToken, invalidTokenError } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { FindActor } from '../clients/find-actor.ts';
import type { Database } from '../db/schema.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';
import { assignableScopes, type DelegationRules } from './delegation.ts';

/** Does not check whether the token is still active: `EventLog.change` does. */
export type ActorScopes = (transaction: Kysely<Database>, token: AccessToken) => Promise<ReadonlySet<string>>;

export interface ActorScopesOptions {
  readonly findActor: FindActor;
  readonly delegation: DelegationRules;
  /** The registered scopes, as the database has them. */
  readonly loadScopes: (transaction: Kysely<Database>) => Promise<ScopeRegistry>;
}

export function createActorScopes({ findActor, delegation, loadScopes }: ActorScopesOptions): ActorScopes {
  return async (transaction, token) => {
    const delegator = await findActor(transaction, token.clientId);
    if (delegator === undefined) {
      throw invalidTokenError('client_unknown');
    }
    // A scope may have been deleted since the request was read: no client may be created with it now.
    return assignableScopes(delegator, token.scopes, { ...delegation, registry: await loadScopes(transaction) });
  };
}
