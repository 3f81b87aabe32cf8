/** The public keys of trusted issuers: by value, at an address, or discovered. OpenID Connect Discovery §4, SPIFFE bundles. */
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { createFetchedKeys, createGivenKeys, type FetchedKeysOptions, type KeySet } from '../jwt/published-keys.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

/** The keys that sign tokens of the issuer. */
export type IssuerKeys = (trusted: TrustedIssuer) => KeySet;

export function createIssuerKeys(fetchDocument: GuardedFetch, options: FetchedKeysOptions): IssuerKeys {
  const fetchKeys = async (url: string) => withoutBundleUse(await (await fetchDocument(url)).json());
  const given = createGivenKeys();
  const fetched = createFetchedKeys(fetchKeys, options);
  const discovered = createFetchedKeys(async (issuer) => fetchKeys(await discoverKeys(issuer, fetchDocument)), options);

  return ({ issuer, jwks, jwksUri }) => {
    if (jwks !== null) {
      return given(jwks);
    }
    return jwksUri === null ? discovered(issuer) : fetched(jwksUri);
  };
}

/** Reads the URL of the issuer's keys from its discovery document. Rejects if the document is of another issuer. */
async function discoverKeys(issuer: string, fetchDocument: GuardedFetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const metadata: unknown = await (await fetchDocument(url)).json();
  const { issuer: named, jwks_uri } = (metadata ?? {}) as Record<string, unknown>;
  if (named !== issuer) {
    throw new Error(`the document at ${url} is of another issuer`);
  }
  if (typeof jwks_uri !== 'string') {
    throw new Error(`the document at ${url} has no jwks_uri`);
  }
  return jwks_uri;
}

/**
 * Keys for JWT-SVIDs in a SPIFFE bundle, which is a JWK set, have `use: jwt-svid`; this makes them ordinary keys for
 * signatures. Its keys for X.509 keep their `use`, and so are not accepted.
 */
function withoutBundleUse(document: unknown): Response {
  const { keys, ...others } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) {
    throw new Error('the document is not a JWK set');
  }
  return Response.json({
    ...others,
    keys: keys.map((key) => (key?.use === 'jwt-svid' ? { ...key, use: 'sig' } : key)),
  });
}
