/** Keys and certificates on Node, at once, for those that store keys or issue tokens. RFC 7517 §4, RFC 7638, RFC 8705 §3.1. */
import type { KeyObject } from 'node:crypto';
import { thumbprintText } from './jwk-thumbprint.ts';
import { importKey, sha256 } from './node-crypto.ts';
import { PublicKeyFault, parsePublicJwk } from './public-key.ts';

/** Returns the thumbprint of a certificate in DER, in base64url. Does not check whether it is valid, or who issued it. */
export const certificateThumbprint: (der: Uint8Array) => string = sha256;

/** Returns the thumbprint of a JWK of kty EC, OKP or RSA, in base64url. Other members, private ones among them, do not count. */
export function jwkThumbprint(jwk: Readonly<Record<string, unknown>>): string {
  return sha256(thumbprintText(jwk));
}

/** Returns the key of a JWK. Throws what `parsePublicJwk` throws, and also for a key that is not a point on its curve. */
export function requirePublicKey(jwk: unknown): KeyObject {
  return importKey(parsePublicJwk(jwk));
}

/** Like `requirePublicKey`, for the key of a certificate. */
export function requireStrongKey(key: KeyObject): void {
  let jwk: unknown;
  try {
    jwk = key.export({ format: 'jwk' });
  } catch {
    // Keys that JOSE does not know, such as those of other curves.
    throw new PublicKeyFault('is of a kind that is not accepted');
  }
  parsePublicJwk(jwk);
}
