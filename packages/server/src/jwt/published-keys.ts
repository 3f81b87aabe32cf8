/** Public keys of others, found by the header of a JWT: given by value, or fetched and kept for a while. RFC 7517 §5. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type LocalJWKSet,
  type RemoteJWKSet,
} from 'jose';
import { LRUCache } from 'lru-cache';

/** Called, it finds the key that a JWT says it is signed with. */
export type KeySet = LocalJWKSet | RemoteJWKSet;

/** Documents kept at the most. */
const mostDocuments = 1_000;

/** A fetched document serves this long; a key that it does not hold asks again after the cooldown at the earliest. */
const cacheMaxAgeMs = 300_000;
const cooldownMs = 30_000;

/** Keys given by value, each set compiled once. */
export function createGivenKeys(): (jwks: object) => LocalJWKSet {
  const compiled = new WeakMap<object, LocalJWKSet>();
  return (jwks) => {
    const keys = compiled.get(jwks) ?? createLocalJWKSet(jwks as JSONWebKeySet);
    compiled.set(jwks, keys);
    return keys;
  };
}

/**
 * Keys that `load` gets for a URL, as a JWK set. One that is looked for in vain, or while a document cannot be had,
 * makes the lookup reject; callers that wait for one document share one `load`.
 */
export function createFetchedKeys(load: (url: string) => Promise<Response>): (url: string) => RemoteJWKSet {
  const documents = new LRUCache<string, RemoteJWKSet>({ max: mostDocuments });
  return (url) => {
    const keys =
      documents.get(url) ??
      createRemoteJWKSet(new URL(url), {
        cacheMaxAge: cacheMaxAgeMs,
        cooldownDuration: cooldownMs,
        [customFetch]: () => load(url),
      });
    documents.set(url, keys);
    return keys;
  };
}
