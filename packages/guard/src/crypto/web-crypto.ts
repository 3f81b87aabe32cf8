/** The crypto of the guard by Web Crypto: for workers, browsers, Deno and Bun. RFC 7518 §3, RFC 8037 §3.1. */
import { decodeBase64UrlString, encodeBase64Url } from '@postern/protocol';
import type { SigningAlgorithm } from './algorithms.ts';
import type { CryptoPort } from './crypto-port.ts';
import { type PublicJwk, PublicKeyFault, toBigInt } from './public-key.ts';

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
    if (alg === 'ES256' && !isOnCurve(members)) {
      throw new PublicKeyFault('is not a point on its curve');
    }
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

/** Of P-256. SEC 2 §2.4.2. */
const fieldPrime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** SEC 1 §3.2.2.1. Deno imports a key that is not on its curve, and fails only when it verifies. */
function isOnCurve(members: PublicJwk): boolean {
  const [x, y] = [coordinate(members, 'x'), coordinate(members, 'y')];
  return x < fieldPrime && y < fieldPrime && (y * y - (x ** 3n - 3n * x + b)) % fieldPrime === 0n;
}

function coordinate(members: PublicJwk, name: string): bigint {
  return toBigInt(decodeBase64UrlString(members[name] ?? '') ?? new Uint8Array(1));
}
