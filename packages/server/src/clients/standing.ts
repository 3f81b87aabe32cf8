/** Whether a genuine token still stands: it dies the moment its ground goes. */
import { type AccessToken, groundsOf } from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import { detailsOf } from '../authorization-details/authorization-details.ts';
import { type Client, mayAskFor, mayUseDetailsType } from './client.ts';

export interface StandingLookups {
  readonly issuer: string;
  readonly findClient: (id: string) => Promise<Client | undefined>;
  readonly isRevoked: (jti: string) => boolean;
}

/**
 * Why a token is no longer good, or undefined where it is. One that was got by exchange (RFC 8693) stands only while
 * every token that it was exchanged for does, judged by what this one holds.
 */
export async function findTokenFault(token: AccessToken, lookups: StandingLookups): Promise<ErrorReason | undefined> {
  const { issuer, findClient, isRevoked } = lookups;
  const grounds = groundsOf(token).map((ground) => ({ ...token, ...ground }));
  for (const held of [token, ...grounds]) {
    const fault = findStandingFault(held, await findClient(held.clientId), isRevoked(held.jti), issuer);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
}

/** The same for one token and its client as it is now. Does not look at the tokens that it was exchanged for. */
export function findStandingFault(
  token: AccessToken,
  client: Client | undefined,
  isRevoked: boolean,
  issuer: string,
): ErrorReason | undefined {
  if (isRevoked) {
    return 'token_revoked';
  }
  if (client === undefined) {
    return 'client_unknown';
  }
  if (!client.enabled) {
    return 'client_disabled';
  }
  // Root's generation is a fingerprint, so only the same one will do; a counter may have been behind on another node.
  if (client.isRoot ? token.generation !== client.generation : token.generation < client.generation) {
    return 'generation_old';
  }
  if (!token.audience.every((one) => one === issuer || mayAskFor(client, one))) {
    return 'audience_wrong';
  }
  if (!detailsOf(token).every(({ type }) => mayUseDetailsType(client, type))) {
    return 'details_type_withdrawn';
  }
  return token.scopes.isSubsetOf(client.scopes) ? undefined : 'scope_withdrawn';
}
