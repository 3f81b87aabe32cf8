/** Authentication by a JWT that the client signed. RFC 7523 §2.2 and §3, OpenID Connect Core §9 `private_key_jwt`. */
import { type ErrorReason, OAuthError, showName } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { allowsAlgorithm, allowsKey, requirementsOf } from '../clients/security-profile.ts';
import { acceptedAlgorithms } from '../jwt/third-party-algorithms.ts';
import {
  clockSkewSeconds,
  findSignatureFault,
  findTimeFault,
  parseThirdPartyJwt,
  type ThirdPartyJwt,
  type ThirdPartyJwtOptions,
} from '../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { ClientKeys } from './client-keys.ts';

/** An assertion may expire at most this many seconds from now: it is remembered as long. */
const maxLifetimeSeconds = 3_600;

export interface ClientAssertion extends ThirdPartyJwt {
  readonly clientId: string;
}

/** Whom an assertion may be for: this server, and its token endpoint for clients that may name that instead. */
export interface AssertionAudiences {
  readonly issuer: string;
  readonly tokenEndpoint: string;
}

/**
 * Decodes an assertion and checks all that does not depend on the client. Throws `invalid_client` with a text that
 * names the fault: it tells callers only about what they sent.
 *
 * Does not check the signature, nor which audiences and algorithms the client's metadata allows.
 */
export function parseClientAssertion(token: string, nowSeconds: number): ClientAssertion {
  const jwt = parseThirdPartyJwt(token, { types: ['JWT', 'client-authentication+jwt'], toError });
  const assertion = requireClientClaims(jwt, nowSeconds, toError);
  if (jwt.jti === undefined) {
    throw toError('must have a jti', 'assertion_malformed');
  }
  return assertion;
}

/**
 * Checks the claims of a JWT by which a client speaks for itself, to authenticate or as a grant. Throws what `makeError` makes.
 *
 * Does not check the signature, nor which audiences and algorithms the client's metadata allows.
 */
export function requireClientClaims(
  jwt: ThirdPartyJwt,
  nowSeconds: number,
  makeError: ThirdPartyJwtOptions['toError'],
): ClientAssertion {
  const { issuer, subject } = jwt;
  if (issuer !== subject) {
    throw makeError('must have the client id as its iss and its sub', 'assertion_malformed');
  }
  const fault = findTimeFault(jwt, nowSeconds);
  if (fault !== undefined) {
    throw makeError(fault === 'token_expired' ? 'has expired' : 'is not valid yet, by its iat or nbf', fault);
  }
  if (jwt.expiresAt > nowSeconds + maxLifetimeSeconds) {
    throw makeError(`must expire within ${maxLifetimeSeconds} seconds`, 'lifetime_too_long');
  }
  return { ...jwt, clientId: subject };
}

/**
 * Why the assertion is not the client's, or not for this server; undefined if it is both. `audience_wrong` means that the
 * client signed it. Throws `temporarily_unavailable` if the signature depends on keys that cannot be fetched. Does not check
 * whether it was used before.
 */
export async function findAssertionFault(
  client: Client,
  assertion: ClientAssertion,
  keys: ClientKeys,
  audiences: AssertionAudiences,
): Promise<ErrorReason | undefined> {
  const keySet = keys(client);
  if (keySet === undefined) {
    return 'method_not_registered';
  }
  const profile = requirementsOf(client);
  const algorithms = acceptedAlgorithms.filter((algorithm) => allowsAlgorithm(profile, algorithm));
  const fault = await findSignatureFault(assertion, keySet, algorithms, (key) => allowsKey(profile, key));
  return fault ?? (isForThisServer(client, assertion, audiences) ? undefined : 'audience_wrong');
}

function isForThisServer(
  client: Client,
  { audience, isAudienceInArray }: ClientAssertion,
  { issuer, tokenEndpoint }: AssertionAudiences,
): boolean {
  if (requirementsOf(client)?.assertsToIssuerOnly === true) {
    return audience === issuer && !isAudienceInArray;
  }
  return audience === issuer || (audience === tokenEndpoint && client.metadata.tokenEndpointAudienceAllowed === true);
}

/**
 * The error for an assertion that the client signed for somebody else, such as by a library that names the token endpoint:
 * which audience it has, which is due, and which setting allows another. Only for a client whose signature is verified.
 */
export function audienceError(
  client: Client,
  { audience }: ClientAssertion,
  { issuer, tokenEndpoint }: AssertionAudiences,
  makeError: ThirdPartyJwtOptions['toError'] = toError,
): OAuthError {
  const sent = audience === undefined ? 'no aud, or several' : `the aud ${showAudience(audience)}`;
  const due =
    requirementsOf(client)?.assertsToIssuerOnly === true
      ? `its aud must be ${issuer} as a string, by the security_profile of the client`
      : client.metadata.tokenEndpointAudienceAllowed === true
        ? `its only aud must be ${issuer}, or ${tokenEndpoint}`
        : `its only aud must be ${issuer}, unless an administrator sets token_endpoint_audience_allowed of the client, ` +
          `which allows ${tokenEndpoint} too`;
  return makeError(`has ${sent}; ${due}`, 'audience_wrong');
}

/** As far as it reads like an address or a name, so that no secret in a wrong place is repeated. */
function showAudience(audience: string): string {
  const [origin = ''] = /^https?:\/\/[\w.:[\]-]{1,260}(?=\/|$)/.exec(audience) ?? [];
  return origin + showName(audience.slice(origin.length));
}

/** True for the first use of the assertion, false for every other. Rejects if the store of used ones does not answer. */
export function useAssertion({ clientId, id, expiresAt }: ClientAssertion, usedTokens: UsedTokens): Promise<boolean> {
  return usedTokens.use({
    kind: 'assertion',
    issuer: clientId,
    jti: id,
    expiresAt: expiresAt + clockSkewSeconds,
    clientId,
  });
}

function toError(fault: string, reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_client', `The client assertion ${fault}.`, { reason });
}
