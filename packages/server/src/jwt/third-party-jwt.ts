/** Signatures of JWTs that others signed: client assertions and workload tokens. RFC 7515 §5.2, RFC 8725 §3.1. */
import type { ErrorReason } from '@postern/protocol';
import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';

/** Asymmetric only: a public key must never serve as the secret of an HMAC. */
export const acceptedAlgorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256'];

/** Clocks may differ by this much, in seconds, before a JWT of somebody else counts as made in the future. */
export const clockSkewSeconds = 30;

/** Characters; a longer JWT is not even decoded. */
export const maxThirdPartyJwtLength = 16_384;

export interface SignatureFault {
  readonly reason: ErrorReason;
  /** What went wrong below, for the log. */
  readonly cause: unknown;
}

/**
 * Why the signature is not one by a key that `getKey` finds, or undefined where it is.
 *
 * Does not check any claim: the times are the caller's to judge, by the clock that it was given.
 */
export async function findSignatureFault(
  token: string,
  getKey: JWTVerifyGetKey,
  algorithms: readonly string[] = acceptedAlgorithms,
): Promise<SignatureFault | undefined> {
  const options = { algorithms: [...algorithms], clockTolerance: Number.MAX_SAFE_INTEGER };
  try {
    await jwtVerify(token, getKey, options);
    return undefined;
  } catch (cause) {
    if (cause instanceof errors.JWKSMultipleMatchingKeys) {
      for await (const key of cause) {
        const signed = await jwtVerify(token, key, options).then(
          () => true,
          () => false,
        );
        if (signed) {
          return undefined;
        }
      }
      return { reason: 'signature_wrong', cause };
    }
    return { reason: reasonOf(cause), cause };
  }
}

function reasonOf(cause: unknown): ErrorReason {
  if (cause instanceof errors.JWKSNoMatchingKey) {
    return 'key_unknown';
  }
  if (cause instanceof errors.JOSEAlgNotAllowed || cause instanceof errors.JOSENotSupported) {
    return 'algorithm_not_allowed';
  }
  const aboutToken = [errors.JWSSignatureVerificationFailed, errors.JWSInvalid, errors.JWTInvalid];
  if (aboutToken.some((kind) => cause instanceof kind) || cause instanceof errors.JWTClaimValidationFailed) {
    return 'signature_wrong';
  }
  return 'keys_unavailable';
}

/** A NumericDate of RFC 7519 §2. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
