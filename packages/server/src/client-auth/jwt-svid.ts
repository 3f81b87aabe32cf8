/** Client authentication by a JWT-SVID. draft-ietf-oauth-spiffe-client-auth-02 §3.1, JWT-SVID §3 and §4, RFC 7523 §3. */
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import {
  clockSkewSeconds,
  findSignatureFault,
  findTimeFault,
  parseThirdPartyJwt,
  type ThirdPartyJwt,
} from '../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import { findSpiffeIdFault, findTrustDomain } from '../spiffe/spiffe-id.ts';
import type { BundleKeys } from './bundle-keys.ts';

/** A JWT-SVID may expire at most this many seconds from now: it is remembered as long. */
const maxLifetimeSeconds = 3_600;

/**
 * Decodes a JWT-SVID and checks all that does not depend on the client. Throws `invalid_client` with a text that names the
 * fault: it tells callers only about what they sent. Its `iss` says nothing here: keys are never found by it (§6.2.4).
 *
 * Does not check the signature, the audience, or whose SPIFFE ID it is.
 */
export function parseJwtSvid(token: string, nowSeconds: number): ThirdPartyJwt {
  const svid = parseThirdPartyJwt(token, { types: ['JWT', 'JOSE'], toError });
  if (findTrustDomain(svid.subject) === undefined) {
    throw toError('must have a SPIFFE ID as its sub', 'assertion_malformed');
  }
  const fault = findTimeFault(svid, nowSeconds);
  if (fault !== undefined) {
    throw toError(fault === 'token_expired' ? 'has expired' : 'is not valid yet, by its iat or nbf', fault);
  }
  if (svid.expiresAt > nowSeconds + maxLifetimeSeconds) {
    throw toError(`must expire within ${maxLifetimeSeconds} seconds`, 'lifetime_too_long');
  }
  return svid;
}

/**
 * Why the JWT-SVID is not the client's, or not for this server; undefined if it is both. `audience_wrong` means that the trust
 * domain of the client signed it for the client. Throws `temporarily_unavailable` if that depends on keys that cannot be
 * fetched. Does not check whether it was used before.
 */
export async function findJwtSvidFault(
  { metadata }: Client,
  svid: ThirdPartyJwt,
  bundleKeys: BundleKeys,
  issuer: string,
): Promise<ErrorReason | undefined> {
  const keys = bundleKeys(metadata, 'jwt-svid');
  if (keys === undefined || metadata.spiffeId === undefined) {
    return 'method_not_registered';
  }
  return (
    findSpiffeIdFault(svid.subject, metadata.spiffeId) ??
    (await findSignatureFault(svid, keys)) ??
    (svid.audience === issuer ? undefined : 'audience_wrong')
  );
}

/** The error for a JWT-SVID that was fetched for another audience. Only if its signature is verified. */
export function svidAudienceError(issuer: string): OAuthError {
  return toError(`must have ${issuer} as its only aud: name that audience when you fetch it`, 'audience_wrong');
}

/**
 * True for the first use of the JWT-SVID, false for every other, unless the client may use one again, as it must if its agent
 * gives it the same one for a while. Rejects if the store of used ones does not answer.
 */
export async function useJwtSvid(
  { id: clientId, metadata }: Client,
  svid: ThirdPartyJwt,
  usedTokens: UsedTokens,
): Promise<boolean> {
  const { subject, id, expiresAt } = svid;
  // As a token of a workload has it, so that it counts once, by whichever way it is used.
  const issuer = svid.issuer ?? findTrustDomain(subject) ?? '';
  return (
    metadata.spiffeJwtReuseAllowed === true ||
    usedTokens.use({ kind: 'workload', issuer, jti: id, expiresAt: expiresAt + clockSkewSeconds, clientId })
  );
}

function toError(fault: string, reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_client', `The JWT-SVID ${fault}.`, { reason });
}
