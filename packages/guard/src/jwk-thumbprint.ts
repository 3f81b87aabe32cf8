/** SHA-256 thumbprint of a public key: the hash of its required members in alphabetical order. RFC 7638 §3. */
import { createHash } from 'node:crypto';

/** Returns the thumbprint of a JWK of kty EC, OKP or RSA, in base64url. Ignores private members. */
export function jwkThumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const required = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((member) => jwk[member] !== undefined);
  const canonical = JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
