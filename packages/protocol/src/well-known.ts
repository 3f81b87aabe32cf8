/** The URL of the metadata of an issuer or a resource. RFC 8414 §3.1, RFC 9728 §3.1. */

export type WellKnownName = 'oauth-authorization-server' | 'oauth-protected-resource';

/** The URL of a document, with the path of `identifier` inserted behind the name. Throws `TypeError` for what is no URL. */
export function wellKnownUrl(name: WellKnownName, identifier: string): string {
  const { origin, pathname } = new URL(identifier);
  // Of an issuer, any slash at the end is removed; of a resource, only the one behind the host.
  const path = name === 'oauth-authorization-server' || pathname === '/' ? pathname.replace(/\/$/, '') : pathname;
  return `${origin}/.well-known/${name}${path}`;
}
