/** The public keys of clients: by value, or fetched from the URL at which the client publishes them. RFC 7591 §2. */
import type { JWK } from 'jose';
import type { ClientMetadata } from '../clients/client-metadata.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { createFetchedKeys, createGivenKeys, type KeySet } from '../jwt/published-keys.ts';

/** The keys of a client; undefined if it has none. */
export type ClientKeys = (metadata: ClientMetadata) => KeySet | undefined;

export function createClientKeys(fetchDocument: GuardedFetch): ClientKeys {
  const given = createGivenKeys();
  const fetched = createFetchedKeys(fetchDocument);

  return ({ jwks, jwksUri }) => {
    if (jwks !== undefined) {
      return given(jwks);
    }
    return jwksUri === undefined ? undefined : fetched(jwksUri);
  };
}

/**
 * Whether a key of the set matches. A set that is fetched is fetched again if none does, unless that happened a moment
 * ago. Rejects if it cannot be fetched.
 */
export async function hasKey(keys: KeySet, matches: (jwk: JWK) => boolean): Promise<boolean> {
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
