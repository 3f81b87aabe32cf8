/** Whether a genuine token still stands, by the clients there are: it dies the moment its ground goes. */
import {
  type AccessToken,
  type ClientInactiveReason,
  type ClientStatus,
  findRevocationReason,
  heldTokens,
} from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import type { Client } from './client.ts';

export interface TokenStatusLookups {
  readonly issuer: string;
  readonly findClient: (id: string) => Promise<Client | undefined>;
  readonly isRevoked: (jti: string) => boolean;
}

/** Why a token is no longer good, or undefined where it and all that it was exchanged for is. */
export async function findInactiveReason(
  token: AccessToken,
  lookups: TokenStatusLookups,
): Promise<ErrorReason | undefined> {
  const { issuer, findClient, isRevoked } = lookups;
  for (const held of heldTokens(token)) {
    const fault = isRevoked(held.jti)
      ? 'token_revoked'
      : findRevocationReason(held, clientStatusOf(await findClient(held.clientId)), issuer);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
}

/** What the tokens of a client may hold now, or why none of them is good. */
export function clientStatusOf(client: Client | undefined): ClientStatus | ClientInactiveReason {
  if (client === undefined) {
    return 'client_unknown';
  }
  if (!client.enabled) {
    return 'client_disabled';
  }
  const { isRoot, generation, scopes, metadata } = client;
  return {
    generation,
    isGenerationExact: isRoot,
    scopes,
    resources: isRoot ? undefined : (metadata.resources ?? []),
    detailsTypes: isRoot ? undefined : (metadata.authorization_details_types ?? []),
  };
}
