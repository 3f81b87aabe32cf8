/** The public keys of clients: by value, or fetched from where the client publishes them. RFC 7591 §2. */
import type { JWTVerifyGetKey } from 'jose';
import type { ClientMetadata } from '../clients/client-metadata.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { createFetchedKeys, createGivenKeys } from '../jwt/published-keys.ts';

/** Finds the key that a JWT of the client says it is signed with; undefined where the client has no keys. */
export type ClientKeys = (metadata: ClientMetadata) => JWTVerifyGetKey | undefined;

export function createClientKeys(fetchDocument: GuardedFetch): ClientKeys {
  const given = createGivenKeys();
  const fetched = createFetchedKeys(fetchDocument);

  return ({ jwks, jwks_uri }) => {
    if (jwks !== undefined) {
      return given(jwks);
    }
    return jwks_uri === undefined ? undefined : fetched(jwks_uri);
  };
}
