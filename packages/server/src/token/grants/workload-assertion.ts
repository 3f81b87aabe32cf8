/** The token by which a workload shows who it is, judged without keys. RFC 7523 §3, RFC 8725 §3, JWT-SVID §3. */
import { createHash } from 'node:crypto';
import { decodeJws, type ErrorReason, OAuthError } from '@postern/protocol';
import {
  findTrustDomain,
  isTrustDomain,
  longestMaxAgeSeconds,
  type TrustedIssuer,
} from '../../issuers/trusted-issuer.ts';
import { clockSkewSeconds, isNumericDate, maxThirdPartyJwtLength } from '../../jwt/third-party-jwt.ts';

export interface WorkloadAssertion {
  readonly token: string;
  /** Its `iss`; where it has none, the trust domain of the SPIFFE ID that it is about. */
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string | undefined;
  /** Tells it from every other of its issuer: by its `jti`, else by all that is signed, never by the signature. */
  readonly id: string;
  /** Times in seconds since 1970. */
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * What an assertion says. Throws `invalid_grant` with a text that names the fault: it tells the caller only about what
 * it sent.
 *
 * Does not check the signature, the issuer, the audience or the times: see `findAssertionFault`.
 */
export function readAssertion(token: string): WorkloadAssertion {
  const jws = token.length > maxThirdPartyJwtLength ? undefined : decodeJws(token);
  if (jws === undefined) {
    throw malformed('is not a signed JWT');
  }
  const { typ } = jws.header;
  // No other kind of JWT may stand in for an assertion (RFC 8725 §3.11): no access token, no proof, no introspection.
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') {
    throw malformed('has another typ than JWT', 'token_type_wrong');
  }
  const { iss, sub, aud, jti, exp, iat, nbf } = jws.payload;
  if (typeof sub !== 'string' || sub === '') {
    throw malformed('must have a sub');
  }
  const issuer = iss ?? findTrustDomain(sub);
  if (typeof issuer !== 'string' || issuer === '') {
    throw malformed('must have an iss, or a SPIFFE ID as its sub');
  }
  if (jti !== undefined && (typeof jti !== 'string' || jti === '' || jti.length > 256)) {
    throw malformed('must have a jti of 1 to 256 characters, or none');
  }
  if (!isNumericDate(exp)) {
    throw malformed('must have a number as its exp');
  }
  if (!isOptionalDate(iat) || !isOptionalDate(nbf)) {
    throw malformed('must have numbers as its iat and nbf, or none');
  }
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return {
    token,
    issuer,
    subject: sub,
    audience: typeof audience === 'string' ? audience : undefined,
    id: jti === undefined ? `sha256 ${digestOf(jws.signingInput)}` : `jti ${jti}`,
    expiresAt: exp,
    issuedAt: iat,
    notBefore: nbf,
    claims: jws.payload,
  };
}

/**
 * Why a trusted issuer's assertion is not good here and now, or undefined where it is.
 *
 * Does not check the signature, the rules, or whether it was used before.
 */
export function findAssertionFault(
  assertion: WorkloadAssertion,
  trusted: TrustedIssuer,
  ownIssuer: string,
  nowSeconds: number,
): ErrorReason | undefined {
  const { subject, audience, expiresAt, issuedAt, notBefore } = assertion;
  if (isTrustDomain(trusted.issuer) && findTrustDomain(subject) !== trusted.issuer) {
    return 'issuer_wrong';
  }
  if (audience !== (trusted.audience ?? ownIssuer)) {
    return 'audience_wrong';
  }
  if (nowSeconds >= endOf(assertion, trusted.maxAgeSeconds) + clockSkewSeconds) {
    return 'token_expired';
  }
  if (issuedAt === undefined && expiresAt > nowSeconds + trusted.maxAgeSeconds + clockSkewSeconds) {
    return 'lifetime_too_long';
  }
  const latestStart = Math.max(issuedAt ?? 0, notBefore ?? 0);
  return latestStart > nowSeconds + clockSkewSeconds ? 'token_not_yet_valid' : undefined;
}

/**
 * Until when a used assertion must be remembered, in seconds since 1970: until it is refused for its age, also where
 * its issuer is allowed a higher age later on.
 */
export function rememberUntil(assertion: WorkloadAssertion): number {
  return endOf(assertion, longestMaxAgeSeconds) + clockSkewSeconds;
}

function endOf({ expiresAt, issuedAt }: WorkloadAssertion, maxAgeSeconds: number): number {
  return issuedAt === undefined ? expiresAt : Math.min(expiresAt, issuedAt + maxAgeSeconds);
}

function isOptionalDate(value: unknown): value is number | undefined {
  return value === undefined || isNumericDate(value);
}

function digestOf(signingInput: Uint8Array): string {
  return createHash('sha256').update(signingInput).digest('base64url');
}

function malformed(fault: string, reason: ErrorReason = 'assertion_malformed'): OAuthError {
  return new OAuthError('invalid_grant', `The assertion ${fault}.`, { reason });
}
