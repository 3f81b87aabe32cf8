/** Whether a genuine token still stands: it dies the moment its ground goes. */
import type { AccessToken } from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import { type Client, mayAskFor } from './client.ts';

/** Why a token is no longer good given its client as it is now, or undefined where it is. */
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
  return token.scopes.isSubsetOf(client.scopes) ? undefined : 'scope_withdrawn';
}
