/** SHA-256 thumbprint of a public key: the hash of its required members in alphabetical order. RFC 7638 §3. */
import { createHash } from 'node:crypto';

const requiredMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/** Returns the thumbprint of a JWK of kty EC, OKP or RSA, in base64url. Other members, private ones among them, do not count. */
export function jwkThumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const required = requiredMembers[String(jwk['kty'])];
  if (required === undefined) {
    throw new TypeError('kty: must be EC, OKP or RSA');
  }
  const canonical = JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
