/** What clients can register for with an initial access token: never more than its creator may give. RFC 7591 §1.2. */
import { type Client, changeClient, newClient } from '../clients/client.ts';
import {
  giftsOf,
  inheritLimits,
  type Limit,
  type Reach,
  type ReachRules,
  reachOf,
  within,
} from '../delegation/reach.ts';
import type { InitialAccessToken } from './initial-access-token.ts';

/** The reach of clients in what they register themselves. */
export type RegistrationLimits = Pick<
  Reach,
  'scopes' | 'grantableScopes' | 'resources' | 'tokenEndpointAuthMethod' | 'dpopBoundAccessTokens'
>;

/** The most that a client can do that registers with a token which `creator` created for these scopes and resources. */
export function reachOfRegistered(
  { scopes, resources }: Pick<InitialAccessToken, 'scopes' | 'resources'>,
  creator: Client,
  rules: ReachRules,
): Reach {
  const { change } = inheritLimits({ scopes, resources: [...resources] }, creator, rules);
  const reach = reachOf(changeClient(newClient('', 0), change, 0), rules);
  // It may choose its method, as far as its creator may give that.
  const { tokenEndpointAuthMethod } = giftsOf(creator, creator.scopes, rules);
  return { ...reach, tokenEndpointAuthMethod: tokenEndpointAuthMethod ?? reach.tokenEndpointAuthMethod };
}

/** What of a token its creator may still give: ordinary scopes that exist, and resources. */
export function stillGiven(
  { scopes, resources }: InitialAccessToken,
  creator: Client,
  rules: ReachRules,
): Pick<InitialAccessToken, 'scopes' | 'resources'> {
  const gifts = giftsOf(creator, creator.scopes, rules);
  return {
    scopes: within(within(scopes, gifts.grantableScopes), rules.registry.ordinaryNames),
    resources: within(resources, gifts.resources),
  };
}

export function limitsOfRegistration(reach: Reach): RegistrationLimits {
  const { scopes, grantableScopes, resources, tokenEndpointAuthMethod, dpopBoundAccessTokens } = reach;
  return { scopes, grantableScopes, resources, tokenEndpointAuthMethod, dpopBoundAccessTokens };
}

/** As JSON text, for the database. */
export function serializeLimits(limits: RegistrationLimits): string {
  return JSON.stringify(limits, (_member, value) => (value instanceof Set ? [...value] : value));
}

/** Reads what `serializeLimits` wrote. */
export function readLimits(text: string): RegistrationLimits {
  const entries = Object.entries(JSON.parse(text) as Record<keyof RegistrationLimits, string[] | null>);
  return Object.fromEntries(
    entries.map(([member, names]): [string, Limit] => [member, names === null ? null : new Set(names)]),
  ) as RegistrationLimits;
}
