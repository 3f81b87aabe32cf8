/** Whether a genuine token is active: it is rejected as soon as it, its client, or a parent token is revoked. */
import {
  type AccessToken,
  type ClientInactiveReason,
  type ClientStatus,
  findRevocationReason,
  type HeldToken,
  heldTokens,
} from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import type { Client } from './client.ts';
import { isClientExpired } from './client-expiry.ts';

export interface TokenStatusLookups {
  readonly issuer: string;
  readonly findClient: (id: string) => Promise<Client | undefined>;
  readonly isRevoked: (jti: string) => boolean;
  /** Whether tokens that the key with this id signed may be active: it is published, and so not revoked. */
  readonly isKeyPublished: (kid: string) => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Why a token is no longer active, or undefined if it and all the tokens that were exchanged for it are. */
export async function findInactiveReason(
  token: AccessToken,
  lookups: TokenStatusLookups,
): Promise<ErrorReason | undefined> {
  for (const held of heldTokens(token)) {
    const reason = findOwnInactiveReason(held, await lookups.findClient(held.clientId), lookups);
    if (reason !== undefined) {
      return reason;
    }
  }
  return undefined;
}

/** The same for `held` alone. Does not check the tokens that were exchanged for it. */
export function findOwnInactiveReason(
  held: HeldToken,
  client: Client | undefined,
  { issuer, isRevoked, isKeyPublished, now }: Omit<TokenStatusLookups, 'findClient'>,
): ErrorReason | undefined {
  if (isRevoked(held.jti)) {
    return 'token_revoked';
  }
  if (client !== undefined && isClientExpired(client, now())) {
    return 'client_expired';
  }
  // A key without which a live token verifies was revoked: others are published until the last of their tokens has expired.
  return isKeyPublished(held.kid) ? findRevocationReason(held, clientStatusOf(client), issuer) : 'key_revoked';
}

/** Why a client gets no token and can use none, whoever authenticated it and however. `now` is in milliseconds since 1970. */
export function findStatusFault(client: Client | undefined, now: number): ErrorReason | undefined {
  return (
    findEnabledFault(client) ?? (client !== undefined && isClientExpired(client, now) ? 'client_expired' : undefined)
  );
}

function findEnabledFault(client: Client | undefined): ClientInactiveReason | undefined {
  if (client === undefined) {
    return 'client_unknown';
  }
  return client.enabled ? undefined : client.isRoot ? 'root_disabled' : 'client_disabled';
}

/** What the tokens of a client may have now, or why none of them is active. Does not look at when it expires, which its tokens do before. */
export function clientStatusOf(client: Client | undefined): ClientStatus | ClientInactiveReason {
  const fault = findEnabledFault(client);
  if (client === undefined || fault !== undefined) {
    return fault ?? 'client_unknown';
  }
  const { isRoot, generation, scopes, metadata } = client;
  return {
    generation,
    isGenerationExact: isRoot,
    scopes,
    resources: isRoot ? undefined : (metadata.resources ?? []),
    detailsTypes: isRoot ? undefined : (metadata.authorizationDetailsTypes ?? []),
  };
}
