/** The signature algorithms of Postern. RFC 7518 §3, RFC 8037. */

export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Whether a key has the type that the algorithm requires. Does not check whether it is weak: see `parsePublicJwk`. */
export function fitsAlgorithm({ kty, crv }: Readonly<Record<string, string>>, algorithm: SigningAlgorithm): boolean {
  switch (algorithm) {
    case 'ES256':
      return kty === 'EC' && crv === 'P-256';
    case 'EdDSA':
      return kty === 'OKP' && crv === 'Ed25519';
    case 'RS256':
    case 'PS256':
      return kty === 'RSA';
  }
}
