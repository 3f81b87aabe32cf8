/** Whoever changes clients with a token, and what it may give, looked up in the transaction of its change. */
import { type AccessToken, invalidTokenError } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import type { FindActor } from '../clients/find-actor.ts';
import type { ServerConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { LoadScopes } from '../scopes/own-scopes.ts';
import { findExcess, giftsOf, type Reach, type ReachRules, type ResourceRights, reachOf } from './reach.ts';

export interface Delegate {
  /** The client of the token. */
  readonly client: Client;
  readonly rules: ReachRules;
  /** Throws `access_denied` unless the delegate may give all of a reach. */
  requireReach(reach: Reach): void;
  /** Rejects with `access_denied` unless the delegate may give all that a client can do and could give in turn. */
  requireWithin(client: Client): Promise<void>;
}

/**
 * What delegation looks at, as the transaction sees it: a scope may have been deleted since the request was read. Of the
 * resources, only those that one of the clients acts for: the rules must be asked about these clients alone.
 */
export type LoadReachRules = (transaction: Kysely<Database>, clientIds: readonly string[]) => Promise<ReachRules>;

/** Does not check whether the token is still active: `EventLog.change` does. */
export type FindDelegate = (transaction: Kysely<Database>, token: AccessToken) => Promise<Delegate>;

export interface LoadReachRulesOptions {
  readonly config: Pick<ServerConfig, 'delegation' | 'accessTokenTtlSeconds'>;
  readonly loadScopes: LoadScopes;
  /** The resources that the clients act for. */
  readonly loadResourcesOf: (
    transaction: Kysely<Database>,
    clientIds: readonly string[],
  ) => Promise<readonly ResourceRights[]>;
}

export function createLoadReachRules({ config, loadScopes, loadResourcesOf }: LoadReachRulesOptions): LoadReachRules {
  return async (transaction, clientIds) => {
    const [registry, resources] = await Promise.all([loadScopes(transaction), loadResourcesOf(transaction, clientIds)]);
    const { delegation: mode, accessTokenTtlSeconds } = config;
    return { mode, registry, accessTokenTtlSeconds, resources };
  };
}

export interface FindDelegateOptions {
  readonly findActor: FindActor;
  readonly loadReachRules: LoadReachRules;
}

export function createFindDelegate({ findActor, loadReachRules }: FindDelegateOptions): FindDelegate {
  return async (transaction, token) => {
    const [client, rules] = await Promise.all([
      findActor(transaction, token.clientId),
      loadReachRules(transaction, [token.clientId]),
    ]);
    if (client === undefined) {
      throw invalidTokenError('client_unknown');
    }
    const gifts = giftsOf(client, token.scopes, rules);
    const requireReach = (reach: Reach) => {
      const excess = findExcess(reach, gifts);
      if (excess !== undefined) {
        throw new OAuthError('access_denied', excess, { reason: 'grant_exceeded' });
      }
    };
    return {
      client,
      rules,
      requireReach,
      requireWithin: async (touched) => requireReach(reachOf(touched, await loadReachRules(transaction, [touched.id]))),
    };
  };
}
