/** The paths of metadata documents. RFC 8414 §3.1, RFC 9728 §3.1, OpenID Connect Discovery §4. */
import { issuerPathOf } from '../http/issuer-path.ts';

/** The keys that verify access tokens, and those that verify the revocation feed. RFC 7517 §5. */
export const jwksPath = '/.well-known/jwks.json';
export const feedJwksPath = '/.well-known/revocation-feed-jwks.json';

/**
 * Returns the paths of a document. For an issuer with a path there are two: with that path after the name, and without it.
 * The path before the name, as in OpenID Connect, is removed from every request.
 */
export function wellKnownPaths(name: string, issuer: string): string[] {
  return [...new Set([`/.well-known/${name}`, `/.well-known/${name}${issuerPathOf(issuer)}`])];
}
