/** The crypto of the guard by `node:crypto`, at once. RFC 7518 §3, RFC 8037 §3.1. */
import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { SigningAlgorithm } from './algorithms.ts';
import type { CryptoPort } from './crypto-port.ts';
import { PublicKeyFault } from './public-key.ts';

export const crypto: CryptoPort = {
  importKey,
  verify: (alg, key, data, signature) => verify(digestOf(alg), data, keyInput(alg, key as KeyObject), signature),
  sha256,
};

export function importKey(members: Readonly<Record<string, string>>): KeyObject {
  try {
    return createPublicKey({ key: members, format: 'jwk' });
  } catch {
    throw new PublicKeyFault(members['kty'] === 'RSA' ? 'is not an RSA key' : 'is not a point on its curve');
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url');
}

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
