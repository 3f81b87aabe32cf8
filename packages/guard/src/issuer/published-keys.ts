/** Reads the keys of an issuer from its JWK set. RFC 7517 §4 and §5. */
import type { feedKeyUse } from '@postern/protocol';
import { crypto } from '#crypto';
import { fitsAlgorithm, type SigningAlgorithm, signingAlgorithms } from '../crypto/algorithms.ts';
import { parsePublicJwk } from '../crypto/public-key.ts';
import type { VerificationKey } from '../verify-access-token.ts';

const maxKeys = 100;

/** What the keys of a set are for: `sig` for tokens. A key for tokens may have no `use`, one for the feed must have its own. */
export type KeyUse = 'sig' | typeof feedKeyUse;

/** A key, and the JWK that it was created from. */
export interface PublishedKey extends VerificationKey {
  readonly jwk: string;
}

/**
 * Returns the keys by id. Ignores keys that must not be used: other uses, other algorithms, weak or malformed ones. An
 * unchanged key is the same object as in `known`. Rejects if the document is not a JWK set.
 */
export async function readPublishedKeys(
  document: unknown,
  known: ReadonlyMap<string, PublishedKey>,
  use: KeyUse,
): Promise<ReadonlyMap<string, PublishedKey>> {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) {
    throw new Error('the document with the keys is not a JWK set');
  }
  if (keys.length > maxKeys) {
    throw new Error(`the JWK set has more than ${maxKeys} keys`);
  }
  const read = await Promise.all(keys.map((jwk) => readKey((jwk ?? {}) as Record<string, unknown>, known, use)));
  return new Map(read.flatMap((key) => (key === undefined ? [] : [[key.kid, key] as const])));
}

async function readKey(
  jwk: Readonly<Record<string, unknown>>,
  known: ReadonlyMap<string, PublishedKey>,
  use: KeyUse,
): Promise<PublishedKey | undefined> {
  const { kid } = jwk;
  // `parsePublicJwk` knows one purpose only.
  const forSignatures = use === 'sig' ? jwk : { ...jwk, use: jwk['use'] === use ? 'sig' : 'other' };
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
    const members = parsePublicJwk(forSignatures);
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
