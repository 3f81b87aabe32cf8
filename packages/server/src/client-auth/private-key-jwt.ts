/** Authentication by a JWT that the client signed. RFC 7523 §2.2 and §3, OpenID Connect Core §9 `private_key_jwt`. */
import { decodeJws, type ErrorReason, OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { allowsAlgorithm, securityProfileOf } from '../clients/security-profile.ts';
import {
  acceptedAlgorithms,
  clockSkewSeconds,
  findSignatureFault,
  isNumericDate,
  maxThirdPartyJwtLength,
} from '../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { ClientKeys } from './client-keys.ts';

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The furthest that an assertion may expire from now, in seconds: it is remembered as long. */
const longestLifetimeSeconds = 3_600;

export interface ClientAssertion {
  readonly token: string;
  readonly clientId: string;
  readonly audience: string;
  /** It stands in an array of one. */
  readonly isAudienceInArray: boolean;
  readonly jti: string;
  readonly expiresAt: number;
}

/**
 * What an assertion says, with all that can be judged without knowing the client. Throws `invalid_client` with a text
 * that names the fault: it tells the caller only about what it sent.
 *
 * Does not check the signature, nor what the client's metadata allows of audiences and algorithms.
 */
export function readClientAssertion(token: string, audiences: readonly string[], nowSeconds: number): ClientAssertion {
  const jws = token.length > maxThirdPartyJwtLength ? undefined : decodeJws(token);
  if (jws === undefined) {
    throw refused('is not a signed JWT', 'assertion_malformed');
  }
  const { typ } = jws.header;
  // No other kind of JWT may stand in for an assertion (RFC 8725 §3.11).
  if (typ !== undefined && typ !== 'JWT' && typ !== 'client-authentication+jwt') {
    throw refused('has another typ than JWT', 'token_type_wrong');
  }
  const { iss, sub, aud, jti, exp, iat, nbf } = jws.payload;
  if (typeof iss !== 'string' || iss !== sub) {
    throw refused('must have the client id as its iss and its sub', 'assertion_malformed');
  }
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (typeof audience !== 'string' || !audiences.includes(audience)) {
    throw refused(`must have ${audiences[0]} as its only aud`, 'audience_wrong');
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) {
    throw refused('must have a jti of 1 to 256 characters', 'assertion_malformed');
  }
  if (!isNumericDate(exp) || exp <= nowSeconds - clockSkewSeconds) {
    throw refused('has expired, or has no exp', 'token_expired');
  }
  if (exp > nowSeconds + longestLifetimeSeconds) {
    throw refused(`must expire within ${longestLifetimeSeconds} seconds`, 'assertion_malformed');
  }
  for (const from of [iat, nbf]) {
    if (from !== undefined && !(isNumericDate(from) && from <= nowSeconds + clockSkewSeconds)) {
      throw refused('is not valid yet, or its iat or nbf is no number', 'token_not_yet_valid');
    }
  }
  return {
    token,
    clientId: iss,
    audience,
    isAudienceInArray: Array.isArray(aud),
    jti,
    expiresAt: exp + clockSkewSeconds,
  };
}

/**
 * Why the assertion does not authenticate the client, or undefined where it does, which uses it up. Rejects where the
 * store of used assertions does not answer.
 */
export async function findAssertionFault(
  client: Client | undefined,
  assertion: ClientAssertion,
  keys: ClientKeys,
  issuer: string,
  used: UsedTokens,
): Promise<ErrorReason | undefined> {
  if (client === undefined) {
    return 'client_unknown';
  }
  const getKey = keys(client.metadata);
  if (getKey === undefined) {
    return 'method_not_registered';
  }
  if (assertion.audience !== issuer && client.metadata.token_endpoint_audience_allowed !== true) {
    return 'audience_wrong';
  }
  const profile = securityProfileOf(client.metadata);
  if (profile?.assertsToIssuerOnly === true && assertion.isAudienceInArray) {
    return 'audience_wrong';
  }
  const algorithms = acceptedAlgorithms.filter((algorithm) => allowsAlgorithm(profile, algorithm));
  const fault = await findSignatureFault(assertion.token, getKey, algorithms);
  if (fault !== undefined) {
    return fault.reason;
  }
  if (!client.enabled) {
    return 'client_disabled';
  }
  const first = await used.use('assertion', client.id, assertion.jti, assertion.expiresAt);
  return first ? undefined : 'token_replayed';
}

function refused(fault: string, reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_client', `The client assertion ${fault}.`, { reason });
}
