/** JWTs that third parties sign: client assertions and workload tokens. RFC 7523 §3, RFC 7515 §5.2, RFC 8725 §3. */

import { createHash, type KeyObject } from 'node:crypto';
import { type DecodedJws, decodeJws, type ErrorReason, type OAuthError } from '@postern/protocol';
import { createTurn } from '../turn.ts';
import { isMeantBy, type KeySet } from './published-keys.ts';
import { acceptedAlgorithms, isSignedBy } from './third-party-algorithms.ts';

/** How far the clock of a third party may differ from ours, in seconds. */
export const clockSkewSeconds = 30;

/** Characters; a longer JWT is not even decoded. */
export const maxJwtLength = 16_384;

const maxJtiLength = 256;

/** The claims of RFC 7523 §3, of types that are known. Times are in seconds since 1970. */
export interface ThirdPartyJwt {
  readonly signed: Pick<DecodedJws, 'header' | 'signingInput' | 'signature'>;
  readonly issuer: string | undefined;
  readonly subject: string;
  /** Undefined unless the JWT has exactly one audience. */
  readonly audience: string | undefined;
  /** Whether `aud` is an array. */
  readonly isAudienceInArray: boolean;
  readonly jti: string | undefined;
  /** Identifies it among those of its issuer: by its `jti`, else by all that is signed, never by the signature. */
  readonly id: string;
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly notBefore: number | undefined;
  /** All claims, these among them. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface ThirdPartyJwtOptions {
  /** The values of `typ` that are accepted; none at all is accepted too. */
  readonly types: readonly string[];
  /** Makes the error from a predicate such as "must have a sub", which only says what the caller itself sent. */
  readonly toError: (fault: string, reason: ErrorReason) => OAuthError;
}

/**
 * Decodes a JWT and checks the form of its claims. Throws what `toError` makes.
 *
 * Does not check the signature, who issued it, for which audience, or whether it is valid now.
 */
export function parseThirdPartyJwt(token: string, { types, toError }: ThirdPartyJwtOptions): ThirdPartyJwt {
  const malformed = (fault: string) => toError(fault, 'assertion_malformed');
  const jws = token.length > maxJwtLength ? undefined : decodeJws(token);
  if (jws === undefined) {
    throw malformed('is not a signed JWT');
  }
  const { typ, crit } = jws.header;
  // No other kind of JWT may stand in for this one (RFC 8725 §3.11).
  if (typ !== undefined && !types.some((type) => type === typ)) {
    throw toError('has another typ than JWT', 'token_type_wrong');
  }
  // Among the extensions is an unencoded payload, which would be another one than we decoded (RFC 7797 §7).
  if (crit !== undefined) {
    throw malformed('has critical header parameters, and none is supported');
  }
  const { iss, sub, aud, jti, exp, iat, nbf } = jws.payload;
  if (iss !== undefined && (typeof iss !== 'string' || iss === '')) {
    throw malformed('must have a string as its iss, or none');
  }
  if (typeof sub !== 'string' || sub === '') {
    throw malformed('must have a sub');
  }
  if (jti !== undefined && (typeof jti !== 'string' || jti === '' || jti.length > maxJtiLength)) {
    throw malformed(`must have a jti of 1 to ${maxJtiLength} characters`);
  }
  if (!isNumericDate(exp)) {
    throw malformed('must have a number as its exp');
  }
  if (!isOptionalDate(iat) || !isOptionalDate(nbf)) {
    throw malformed('must have numbers as its iat and nbf, or none');
  }
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return {
    signed: jws,
    issuer: iss,
    subject: sub,
    audience: typeof audience === 'string' ? audience : undefined,
    isAudienceInArray: Array.isArray(aud),
    jti,
    id: jti === undefined ? `sha256 ${digestOf(jws.signingInput)}` : `jti ${jti}`,
    expiresAt: exp,
    issuedAt: iat,
    notBefore: nbf,
    claims: jws.payload,
  };
}

/** Why the JWT is not valid at a time, within the clock skew; undefined if it is. */
export function findTimeFault(
  { expiresAt, issuedAt, notBefore }: Pick<ThirdPartyJwt, 'expiresAt' | 'issuedAt' | 'notBefore'>,
  nowSeconds: number,
): 'token_expired' | 'token_not_yet_valid' | undefined {
  if (nowSeconds >= expiresAt + clockSkewSeconds) {
    return 'token_expired';
  }
  const latestStart = Math.max(issuedAt ?? 0, notBefore ?? 0);
  return latestStart > nowSeconds + clockSkewSeconds ? 'token_not_yet_valid' : undefined;
}

const takeTurn = createTurn();

/**
 * Why the signature was not made by a key of the set; undefined if it was. Throws `temporarily_unavailable` if that depends on
 * keys that cannot be fetched.
 *
 * What is wrong with a JWT is found here and in what leads here, each in one place:
 * - three parts in canonical base64url, of which the first two are JSON objects in UTF-8: `decodeJws`
 * - no `crit`, so that no extension changes what is signed, `b64` among them: `parseThirdPartyJwt`
 * - a `typ` that is expected, if there is one: `parseThirdPartyJwt`
 * - an `alg` that is accepted, never `none` and never an HMAC, before any key is looked at: here
 * - a key of the type and curve of that `alg`, with the same `alg` and `kid` if it has any: `isMeantBy`
 * - a public key for signatures, by its `use` and `key_ops`, that is not weak and is a point on its curve: `requirePublicKey`
 * - keys and addresses of keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are not looked at at all
 * - a signature of the length and form of its `alg`, by one of these keys: `isSignedBy`
 *
 * Does not check any claim.
 */
export async function findSignatureFault(
  { signed }: Pick<ThirdPartyJwt, 'signed'>,
  keys: KeySet,
  algorithms: readonly string[] = acceptedAlgorithms,
  isKeyAllowed: (key: KeyObject) => boolean = () => true,
): Promise<ErrorReason | undefined> {
  const { alg, kid } = signed.header;
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    return 'algorithm_not_allowed';
  }
  const candidates = await keys.find((key) => isMeantBy(key, alg, kid));
  if (candidates.length === 0) {
    return 'key_unknown';
  }
  const signer = await takeTurn(() =>
    candidates.find(({ key }) => isSignedBy(alg, key, signed.signingInput, signed.signature)),
  );
  if (signer === undefined) {
    // Without a kid, it may have been signed with a key that is newer than those that are known.
    if (kid === undefined) {
      keys.requireCurrent();
    }
    return 'signature_wrong';
  }
  return isKeyAllowed(signer.key) ? undefined : 'algorithm_not_allowed';
}

function digestOf(signingInput: Uint8Array): string {
  return createHash('sha256').update(signingInput).digest('base64url');
}

/** A NumericDate of RFC 7519 §2. */
function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isOptionalDate(value: unknown): value is number | undefined {
  return value === undefined || isNumericDate(value);
}
