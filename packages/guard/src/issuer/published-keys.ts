/** Reads the keys of an issuer from its JWK set. RFC 7517 §4 and §5. */
import { crypto } from '#crypto';
import { fitsAlgorithm, type SigningAlgorithm, signingAlgorithms } from '../crypto/algorithms.ts';
import { parsePublicJwk } from '../crypto/public-key.ts';
import type { VerificationKey } from '../verify-access-token.ts';

const maxKeys = 100;

/** A key, and the JWK that it was created from. */
export interface PublishedKey extends VerificationKey {
  readonly jwk: string;
}

/**
 * Returns the keys by id. Ignores keys that must not verify access tokens: other uses, other algorithms, weak or malformed ones. An
 * unchanged key is the same object as in `known`. Rejects if the document is not a JWK set.
 */
export async function readPublishedKeys(
  document: unknown,
  known: ReadonlyMap<string, PublishedKey>,
): Promise<ReadonlyMap<string, PublishedKey>> {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) {
    throw new Error('the document at jwks_uri is not a JWK set');
  }
  if (keys.length > maxKeys) {
    throw new Error(`the JWK set has more than ${maxKeys} keys`);
  }
  const read = await Promise.all(keys.map((jwk) => readKey((jwk ?? {}) as Record<string, unknown>, known)));
  return new Map(read.flatMap((key) => (key === undefined ? [] : [[key.kid, key] as const])));
}

async function readKey(
  jwk: Readonly<Record<string, unknown>>,
  known: ReadonlyMap<string, PublishedKey>,
): Promise<PublishedKey | undefined> {
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
    const members = parsePublicJwk(jwk);
    return fitsAlgorithm(members, alg)
      ? { kid, alg, publicKey: await crypto.importKey(members, alg), jwk: text }
      : undefined;
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
