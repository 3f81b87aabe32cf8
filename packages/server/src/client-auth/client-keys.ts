/** The public keys of clients: by value, or fetched from the URL at which the client publishes them, or its metadata. RFC 7591 §2. */
import type { Client } from '../clients/client.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { createFetchedKeys, createGivenKeys, type FetchedKeysOptions, type KeySet } from '../jwt/published-keys.ts';

/** The keys of a client; undefined if it has none. */
export type ClientKeys = (client: Pick<Client, 'id' | 'metadata'>) => KeySet | undefined;

/** `ofDocument` finds the keys in the metadata document of a client; undefined if it may have none. */
export function createClientKeys(
  fetchDocument: GuardedFetch,
  options: FetchedKeysOptions,
  ofDocument: (clientId: string) => KeySet | undefined,
): ClientKeys {
  const given = createGivenKeys();
  const fetched = createFetchedKeys(fetchDocument, options);

  return ({ id, metadata: { jwks, jwksUri, clientIdMetadataDocument } }) => {
    if (clientIdMetadataDocument === true) {
      return ofDocument(id);
    }
    if (jwks !== undefined) {
      return given(jwks);
    }
    return jwksUri === undefined ? undefined : fetched(jwksUri);
  };
}
