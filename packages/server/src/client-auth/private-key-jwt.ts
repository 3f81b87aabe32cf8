/** Authentication by a JWT that the client signed. RFC 7523 §2.2 and §3, OpenID Connect Core §9 `private_key_jwt`. */
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { allowsAlgorithm, allowsKey, requirementsOf } from '../clients/security-profile.ts';
import {
  acceptedAlgorithms,
  clockSkewSeconds,
  findSignatureFault,
  findTimeFault,
  parseThirdPartyJwt,
  type ThirdPartyJwt,
} from '../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { ClientKeys } from './client-keys.ts';

/** An assertion may expire at most this many seconds from now: it is remembered as long. */
const maxLifetimeSeconds = 3_600;

export interface ClientAssertion extends ThirdPartyJwt {
  readonly clientId: string;
  readonly jti: string;
}

/**
 * Decodes an assertion and checks all that does not depend on the client. Throws `invalid_client` with a text that
 * names the fault: it tells callers only about what they sent.
 *
 * Does not check the signature, nor which audiences and algorithms the client's metadata allows.
 */
export function parseClientAssertion(token: string, audiences: readonly string[], nowSeconds: number): ClientAssertion {
  const jwt = parseThirdPartyJwt(token, { types: ['JWT', 'client-authentication+jwt'], toError });
  const { issuer, subject, audience, jti } = jwt;
  if (issuer !== subject) {
    throw toError('must have the client id as its iss and its sub', 'assertion_malformed');
  }
  if (audience === undefined || !audiences.includes(audience)) {
    throw toError(`must have ${audiences[0]} as its only aud`, 'audience_wrong');
  }
  if (jti === undefined) {
    throw toError('must have a jti', 'assertion_malformed');
  }
  const fault = findTimeFault(jwt, nowSeconds);
  if (fault !== undefined) {
    throw toError(fault === 'token_expired' ? 'has expired' : 'is not valid yet, by its iat or nbf', fault);
  }
  if (jwt.expiresAt > nowSeconds + maxLifetimeSeconds) {
    throw toError(`must expire within ${maxLifetimeSeconds} seconds`, 'lifetime_too_long');
  }
  return { ...jwt, clientId: subject, jti };
}

/**
 * Why the assertion is not the client's; undefined if it is. Throws `temporarily_unavailable` if that depends on keys that
 * cannot be fetched. Does not check whether it was used before.
 */
export async function findAssertionFault(
  client: Client,
  assertion: ClientAssertion,
  keys: ClientKeys,
  issuer: string,
): Promise<ErrorReason | undefined> {
  const keySet = keys(client.metadata);
  if (keySet === undefined) {
    return 'method_not_registered';
  }
  if (assertion.audience !== issuer && client.metadata.tokenEndpointAudienceAllowed !== true) {
    return 'audience_wrong';
  }
  const profile = requirementsOf(client);
  if (profile?.assertsToIssuerOnly === true && assertion.isAudienceInArray) {
    return 'audience_wrong';
  }
  const algorithms = acceptedAlgorithms.filter((algorithm) => allowsAlgorithm(profile, algorithm));
  return (await findSignatureFault(assertion, keySet, algorithms, (key) => allowsKey(profile, key)))?.reason;
}

/** True for the first use of the assertion, false for every other. Rejects if the store of used ones does not answer. */
export function useAssertion({ clientId, jti, expiresAt }: ClientAssertion, usedTokens: UsedTokens): Promise<boolean> {
  return usedTokens.use({
    kind: 'assertion',
    issuer: clientId,
    jti,
    expiresAt: expiresAt + clockSkewSeconds,
    clientId,
  });
}

function toError(fault: string, reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_client', `The client assertion ${fault}.`, { reason });
}
