/** SHA-256 thumbprint of a public key: the hash of its required members in alphabetical order. RFC 7638 §3. */

const requiredMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/**
 * Returns the text of a JWK of kty EC, OKP or RSA whose hash is its thumbprint. Other members, private ones among them, do
 * not count.
 */
export function thumbprintText(jwk: Readonly<Record<string, unknown>>): string {
  const required = requiredMembers[String(jwk['kty'])];
  if (required === undefined) {
    throw new TypeError('kty: must be EC, OKP or RSA');
  }
  return JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]])));
}
