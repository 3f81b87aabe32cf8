/** The keys of an issuer in its JWK set. RFC 7517 §4 and §5. */
import { createPublicKey } from 'node:crypto';
import { fitsAlgorithm, type SigningAlgorithm, signingAlgorithms } from '../algorithms.ts';
import type { VerificationKey } from '../verify-access-token.ts';

const mostKeys = 100;

/** A key, and the JWK that it was made of. */
export interface PublishedKey extends VerificationKey {
  readonly jwk: string;
}

/**
 * The keys by id. Those that cannot verify access tokens are passed over: other uses, other algorithms, what cannot be
 * read. A key that is the same as in `known` is the same object. Throws for what is no JWK set.
 */
export function readPublishedKeys(
  document: unknown,
  known: ReadonlyMap<string, PublishedKey>,
): ReadonlyMap<string, PublishedKey> {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) {
    throw new Error('the document at jwks_uri is no JWK set');
  }
  if (keys.length > mostKeys) {
    throw new Error(`the JWK set holds more than ${mostKeys} keys`);
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
  const { kid, use = 'sig' } = jwk;
  const alg = algorithmOf(jwk);
  if (typeof kid !== 'string' || use !== 'sig' || alg === undefined) {
    return undefined;
  }
  const text = JSON.stringify(jwk);
  const same = known.get(kid);
  if (same?.jwk === text) {
    return same;
  }
  try {
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    return fitsAlgorithm(publicKey, alg) ? { kid, alg, publicKey, jwk: text } : undefined;
  } catch {
    return undefined;
  }
}

/** RSA keys must say what they are for: RS256 and PS256 have the same ones. */
function algorithmOf({ alg, crv }: Readonly<Record<string, unknown>>): SigningAlgorithm | undefined {
  if (alg === undefined) {
    return crv === 'P-256' ? 'ES256' : crv === 'Ed25519' ? 'EdDSA' : undefined;
  }
  return signingAlgorithms.find((known) => known === alg);
}
