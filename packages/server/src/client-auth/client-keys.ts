/** The public keys of clients: by value, or fetched from where the client publishes them. RFC 7591 §2. */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type { ClientMetadata } from '../clients/client-metadata.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';

/** Finds the key that a JWT of the client says it is signed with; undefined where the client has no keys. */
export type ClientKeys = (metadata: ClientMetadata) => JWTVerifyGetKey | undefined;

/** Documents kept at the most. */
const mostDocuments = 1_000;

/** A fetched document serves this long; a key that it does not hold asks again after the cooldown at the earliest. */
const cacheMaxAgeMs = 300_000;
const cooldownMs = 30_000;

export function createClientKeys(fetchDocument: GuardedFetch): ClientKeys {
  const local = new WeakMap<object, JWTVerifyGetKey>();
  const remote = new LRUCache<string, JWTVerifyGetKey>({ max: mostDocuments });

  return ({ jwks, jwks_uri }) => {
    if (jwks !== undefined) {
      const keys = local.get(jwks) ?? createLocalJWKSet(jwks as JSONWebKeySet);
      local.set(jwks, keys);
      return keys;
    }
    if (jwks_uri !== undefined) {
      const keys =
        remote.get(jwks_uri) ??
        createRemoteJWKSet(new URL(jwks_uri), {
          cacheMaxAge: cacheMaxAgeMs,
          cooldownDuration: cooldownMs,
          [customFetch]: (url) => fetchDocument(url),
        });
      remote.set(jwks_uri, keys);
      return keys;
    }
    return undefined;
  };
}
