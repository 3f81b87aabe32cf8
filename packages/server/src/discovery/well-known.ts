/** The paths of metadata documents. RFC 8414 §3.1, RFC 9728 §3.1, OpenID Connect Discovery §4. */
/**
 * Returns the paths of a document. For an issuer with a path there are three: with that path after the name, before it
 * as in OpenID Connect, and without it, for a proxy that removes the path.
 */
export function wellKnownPaths(name: string, issuer: string): string[] {
  const path = pathOf(issuer);
  return [...new Set([`/.well-known/${name}`, `/.well-known/${name}${path}`, `${path}/.well-known/${name}`])];
}

function pathOf(issuer: string): string {
  const { pathname } = new URL(issuer);
  return pathname === '/' ? '' : pathname;
}
