/**
 * The keys that verify the SVIDs of clients: in a SPIFFE bundle, given by value or fetched from the bundle endpoint of the client
 * with the profile `https_web`. SPIFFE Federation §5.2.1, draft-ietf-oauth-spiffe-client-auth-02 §6.1.
 *
 * A bundle counts for the SPIFFE ID of its own client alone, so that no trust domain can speak for another.
 */
import type { ClientMetadata } from '../clients/client-metadata.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { createFetchedKeys, createGivenKeys, type FetchedKeysOptions, type KeySet } from '../jwt/published-keys.ts';
import { markUses, type SvidUse } from '../spiffe/bundle.ts';

/** The keys of the bundle of a client for one kind of SVID; undefined if it has no bundle. */
export type BundleKeys = (metadata: ClientMetadata, use: SvidUse) => KeySet | undefined;

export function createBundleKeys(fetchDocument: GuardedFetch, options: FetchedKeysOptions): BundleKeys {
  const given = createGivenKeys();
  const fetched = createFetchedKeys(async (url) => {
    const document: unknown = await (await fetchDocument(url)).json();
    return Response.json(markUses(document));
  }, options);
  const markedBundles = new WeakMap<object, object>();
  const marked = (bundle: object) => {
    const known = markedBundles.get(bundle) ?? markUses(bundle);
    markedBundles.set(bundle, known);
    return known;
  };

  return ({ spiffeBundle, spiffeBundleEndpoint }, use) => {
    if (spiffeBundle !== undefined) {
      return forUse(given(marked(spiffeBundle)), use);
    }
    return spiffeBundleEndpoint === undefined ? undefined : forUse(fetched(spiffeBundleEndpoint), use);
  };
}

function forUse({ find, requireCurrent }: KeySet, use: SvidUse): KeySet {
  return { find: (matches) => find((key) => key.jwk['svid'] === use && matches(key)), requireCurrent };
}
