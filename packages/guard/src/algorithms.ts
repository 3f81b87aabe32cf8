/** The signature algorithms of Postern, and their parameters for `node:crypto`. RFC 7518 §3, RFC 8037. */
import { constants, type KeyObject } from 'node:crypto';

export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Returns the digest for `sign` and `verify` of `node:crypto`; null for Ed25519, which has its own. */
export function digestOf(alg: SigningAlgorithm): 'sha256' | null {
  return alg === 'EdDSA' ? null : 'sha256';
}

/** Returns the key with its options for `sign` and `verify` of `node:crypto`. */
export function keyInput(alg: SigningAlgorithm, key: KeyObject) {
  switch (alg) {
    case 'ES256':
      return { key, dsaEncoding: 'ieee-p1363' } as const;
    case 'PS256':
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    case 'RS256':
      return { key, padding: constants.RSA_PKCS1_PADDING };
    case 'EdDSA':
      return { key };
  }
}

/** Whether a key has the type that the algorithm requires. Does not check whether it is weak: see `parsePublicKey`. */
export function fitsAlgorithm(
  { asymmetricKeyType, asymmetricKeyDetails }: KeyObject,
  algorithm: SigningAlgorithm,
): boolean {
  switch (algorithm) {
    case 'ES256':
      return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
    case 'EdDSA':
      return asymmetricKeyType === 'ed25519';
    case 'RS256':
    case 'PS256':
      return asymmetricKeyType === 'rsa';
  }
}
