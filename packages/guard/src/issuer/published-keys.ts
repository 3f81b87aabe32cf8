/** Reads the keys of an issuer from its JWK set. RFC 7517 §4 and §5. */
import { fitsAlgorithm, type SigningAlgorithm, signingAlgorithms } from '../algorithms.ts';
import { parsePublicKey } from '../public-key.ts';
import type { VerificationKey } from '../verify-access-token.ts';

const maxKeys = 100;

/** A key, and the JWK that it was created from. */
export interface PublishedKey extends VerificationKey {
  readonly jwk: string;
}

/**
 * Returns the keys by id. Ignores keys that must not verify access tokens: other uses, other algorithms, weak or malformed ones. An
 * unchanged key is the same object as in `known`. Throws if the document is not a JWK set.
 */
export function readPublishedKeys(
  document: unknown,
  known: ReadonlyMap<string, PublishedKey>,
): ReadonlyMap<string, PublishedKey> {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) {
    throw new Error('the document at jwks_uri is not a JWK set');
  }
  if (keys.length > maxKeys) {
    throw new Error(`the JWK set has more than ${maxKeys} keys`);
  }
  return new Map(
    keys.flatMap((jwk) => {
      const key = readKey((jwk ?? {}) as Record<string, unknown>, known);
      return key === undefined ? [] : [[key.kid, key] as const];
    }),
  );
}

function readKey(
  jwk: Readonly<Record<string, unknown>>,
  known: ReadonlyMap<string, PublishedKey>,
): PublishedKey | undefined {
  const { kid } = jwk;
  const alg = algorithmOf(jwk);
  if (typeof kid !== 'string' || alg === undefined) {
    return undefined;
  }
  const text = JSON.stringify(jwk);
  const same = known.get(kid);
  if (same?.jwk === text) {
    return same;
  }
  try {
    const publicKey = parsePublicKey(jwk).key;
    return fitsAlgorithm(publicKey, alg) ? { kid, alg, publicKey, jwk: text } : undefined;
  } catch {
    return undefined;
  }
}

/** RSA keys need `alg`, since RS256 and PS256 use the same keys. */
function algorithmOf({ alg, crv }: Readonly<Record<string, unknown>>): SigningAlgorithm | undefined {
  if (alg === undefined) {
    return crv === 'P-256' ? 'ES256' : crv === 'Ed25519' ? 'EdDSA' : undefined;
  }
  return signingAlgorithms.find((known) => known === alg);
}
