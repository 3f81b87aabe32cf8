/** The public keys of clients: by value, or fetched from the URL at which the client publishes them. RFC 7591 §2. */
import type { ClientMetadata } from '../clients/client-metadata.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { createFetchedKeys, createGivenKeys, type FetchedKeysOptions, type KeySet } from '../jwt/published-keys.ts';

/** The keys of a client; undefined if it has none. */
export type ClientKeys = (metadata: ClientMetadata) => KeySet | undefined;

export function createClientKeys(fetchDocument: GuardedFetch, options: FetchedKeysOptions): ClientKeys {
  const given = createGivenKeys();
  const fetched = createFetchedKeys(fetchDocument, options);

  return ({ jwks, jwksUri }) => {
    if (jwks !== undefined) {
      return given(jwks);
    }
    return jwksUri === undefined ? undefined : fetched(jwksUri);
  };
}
