/** The signature algorithms that Postern signs and verifies with, in terms of `node:crypto`. RFC 7518 §3, RFC 8037. */
import { constants, type KeyObject } from 'node:crypto';

export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** The digest that `sign` and `verify` of `node:crypto` take; Ed25519 has its own inside. */
export function digestOf(alg: SigningAlgorithm): 'sha256' | null {
  return alg === 'EdDSA' ? null : 'sha256';
}

/** The key with its options for `sign` and `verify` of `node:crypto`. */
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

/** Whether a key is of the kind that the algorithm takes, and for RSA of 2,048 to 4,096 bits. */
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
    case 'PS256': {
      const bits = asymmetricKeyDetails?.modulusLength ?? 0;
      return asymmetricKeyType === 'rsa' && bits >= 2_048 && bits <= 4_096;
    }
  }
}
