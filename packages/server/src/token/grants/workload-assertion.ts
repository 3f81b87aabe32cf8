/** A token by which a trusted issuer says who a workload or person is. RFC 7523 §3, RFC 8725 §3, JWT-SVID §3. */
import type { ErrorReason } from '@postern/protocol';
import { longestMaxAgeSeconds, type TrustedIssuer } from '../../issuers/trusted-issuer.ts';
import {
  clockSkewSeconds,
  findTimeFault,
  parseThirdPartyJwt,
  type ThirdPartyJwt,
  type ThirdPartyJwtOptions,
} from '../../jwt/third-party-jwt.ts';
import { findTrustDomain, isTrustDomain } from '../../spiffe/spiffe-id.ts';

export interface WorkloadAssertion extends ThirdPartyJwt {
  /** Its `iss`; if it has none, the trust domain of the SPIFFE ID in its `sub`. */
  readonly issuer: string;
}

/**
 * Decodes an assertion and checks the form of its claims. Its `typ` is that of any JWT, or one of `types`. Throws what
 * `toError` makes, with a text that names the fault: it tells callers only about what they sent.
 *
 * Does not check the signature, the issuer, the audience or the times: see `findAssertionFault`.
 */
export function parseWorkloadAssertion(
  token: string,
  { types = [], toError }: { readonly types?: readonly string[]; readonly toError: ThirdPartyJwtOptions['toError'] },
): WorkloadAssertion {
  const jwt = parseThirdPartyJwt(token, { types: ['JWT', 'JOSE', ...types], toError });
  const issuer = jwt.issuer ?? findTrustDomain(jwt.subject);
  if (issuer === undefined) {
    throw toError('must have an iss, or a SPIFFE ID as its sub', 'assertion_malformed');
  }
  return { ...jwt, issuer };
}

/**
 * Why the assertion of a trusted issuer is not valid here and now; undefined if it is. `requiredAudience`: the only `aud`
 * that is accepted.
 *
 * Does not check the signature, the rules, or whether it was used before.
 */
export function findAssertionFault(
  assertion: WorkloadAssertion,
  trusted: TrustedIssuer,
  requiredAudience: string,
  nowSeconds: number,
): ErrorReason | undefined {
  const { subject, audience, issuedAt, expiresAt } = assertion;
  if (isTrustDomain(trusted.issuer) && findTrustDomain(subject) !== trusted.issuer) {
    return 'issuer_wrong';
  }
  if (audience !== requiredAudience) {
    return 'audience_wrong';
  }
  const isTooLong = issuedAt === undefined && expiresAt > nowSeconds + trusted.maxAgeSeconds + clockSkewSeconds;
  return isTooLong
    ? 'lifetime_too_long'
    : findTimeFault({ ...assertion, expiresAt: endOf(assertion, trusted.maxAgeSeconds) }, nowSeconds);
}

/**
 * Until when a used assertion must be remembered, in seconds since 1970: until it is too old to be accepted, also if
 * its issuer is allowed a higher age later.
 */
export function rememberUntil(assertion: WorkloadAssertion): number {
  return endOf(assertion, longestMaxAgeSeconds) + clockSkewSeconds;
}

function endOf({ expiresAt, issuedAt }: WorkloadAssertion, maxAgeSeconds: number): number {
  return issuedAt === undefined ? expiresAt : Math.min(expiresAt, issuedAt + maxAgeSeconds);
}
