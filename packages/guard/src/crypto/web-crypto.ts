/** The crypto of the guard by Web Crypto: for workers, browsers, Deno and Bun. RFC 7518 §3, RFC 8037 §3.1. */
import { encodeBase64Url } from '@postern/protocol';
import type { SigningAlgorithm } from './algorithms.ts';
import type { CryptoPort } from './crypto-port.ts';
import { PublicKeyFault } from './public-key.ts';

const { subtle } = globalThis.crypto;

/** Parameters of `importKey` and `verify`. */
const parametersOf = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
} as const satisfies Record<SigningAlgorithm, object>;

export const crypto: CryptoPort = {
  async importKey(members, alg) {
    try {
      return await subtle.importKey('jwk', members, parametersOf[alg], false, ['verify']);
    } catch {
      throw new PublicKeyFault(members['kty'] === 'RSA' ? 'is not an RSA key' : 'is not a point on its curve');
    }
  },
  async verify(alg, key, data, signature) {
    return subtle.verify(parametersOf[alg], key as CryptoKey, signature, data);
  },
  async sha256(text) {
    const hash = await subtle.digest('SHA-256', new TextEncoder().encode(text));
    return encodeBase64Url(new Uint8Array(hash));
  },
};
