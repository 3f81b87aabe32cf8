/** Public keys of third parties that are not weak, found by the header of a JWT: given by value, or fetched and cached. RFC 7517 §5. */
import { parsePublicKey } from '@postern/guard';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type LocalJWKSet,
  type RemoteJWKSet,
} from 'jose';
import { LRUCache } from 'lru-cache';

/** A function that finds the key that the header of a JWT names. */
export type KeySet = LocalJWKSet | RemoteJWKSet;

/** At most this many documents are kept. */
const maxDocuments = 1_000;

/** A fetched document is used this long; an unknown key causes it to be fetched again after the cooldown at the earliest. */
const cacheMaxAgeMs = 300_000;
const cooldownMs = 30_000;

/** Keys given by value, each set compiled once. */
export function createGivenKeys(): (jwks: object) => LocalJWKSet {
  const compiled = new WeakMap<object, LocalJWKSet>();
  return (jwks) => {
    const keys = compiled.get(jwks) ?? createLocalJWKSet(withoutUnfit(jwks));
    compiled.set(jwks, keys);
    return keys;
  };
}

/**
 * Keys in the JWK set that `load` fetches from a URL. A lookup rejects if the set has no such key or cannot be fetched;
 * callers that wait for the same document share one `load`.
 */
export function createFetchedKeys(load: (url: string) => Promise<Response>): (url: string) => RemoteJWKSet {
  const documents = new LRUCache<string, RemoteJWKSet>({ max: maxDocuments });
  return (url) => {
    const keys =
      documents.get(url) ??
      createRemoteJWKSet(new URL(url), {
        cacheMaxAge: cacheMaxAgeMs,
        cooldownDuration: cooldownMs,
        [customFetch]: async () => Response.json(withoutUnfit(await (await load(url)).json())),
      });
    documents.set(url, keys);
    return keys;
  };
}

/** At most this many keys are tried for one JWT. */
const maxKeys = 100;

/**
 * RFC 7517 §5: keys that are not understood are ignored, and so are those that `parsePublicKey` does not accept. Throws if
 * the document is not a JWK set, or has too many keys.
 */
function withoutUnfit(document: unknown): JSONWebKeySet {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > maxKeys) {
    throw new Error(`the document is not a JWK set of at most ${maxKeys} keys`);
  }
  return { keys: keys.filter(isFit) };
}

function isFit(jwk: unknown): boolean {
  try {
    parsePublicKey(jwk);
    return true;
  } catch {
    return false;
  }
}
