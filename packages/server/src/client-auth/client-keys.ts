/** The public keys of clients: by value, or fetched from where the client publishes them. RFC 7591 §2. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type JWK,
  type LocalJWKSet,
  type RemoteJWKSet,
} from 'jose';
import { LRUCache } from 'lru-cache';
import type { ClientMetadata } from '../clients/client-metadata.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';

/** Called, it finds the key that a JWT of the client says it is signed with. */
export type ClientKeySet = LocalJWKSet | RemoteJWKSet;

/** The keys of a client; undefined where it has none. */
export type ClientKeys = (metadata: ClientMetadata) => ClientKeySet | undefined;

/** Documents kept at the most. */
const mostDocuments = 1_000;

/** A fetched document serves this long; a key that it does not hold asks again after the cooldown at the earliest. */
const cacheMaxAgeMs = 300_000;
const cooldownMs = 30_000;

export function createClientKeys(fetchDocument: GuardedFetch): ClientKeys {
  const local = new WeakMap<object, LocalJWKSet>();
  const remote = new LRUCache<string, RemoteJWKSet>({ max: mostDocuments });

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

/**
 * Whether a key of the set is what `matches` says. A set that is fetched is fetched again where none is, unless that
 * happened a moment ago. Rejects where it cannot be fetched.
 */
export async function hasKey(keys: ClientKeySet, matches: (jwk: JWK) => boolean): Promise<boolean> {
  const isAmong = () => keys.jwks()?.keys.some(matches) === true;
  if (!('reload' in keys)) {
    return isAmong();
  }
  if (keys.fresh && isAmong()) {
    return true;
  }
  if (!(keys.fresh && keys.coolingDown)) {
    await keys.reload();
  }
  return isAmong();
}
