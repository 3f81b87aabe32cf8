/** Where the documents about an issuer stand, and for whom. RFC 8414 §3.1, RFC 9728 §3.1, OpenID Connect Discovery §4. */
import type { FastifyReply } from 'fastify';

/**
 * The paths at which a document is served. For an issuer with a path they are three: that path inserted behind the
 * name, put before it as in OpenID Connect, and neither, for a proxy that takes the path away.
 */
export function wellKnownPaths(name: string, issuer: string): string[] {
  const path = pathOf(issuer);
  return [...new Set([`/.well-known/${name}`, `/.well-known/${name}${path}`, `${path}/.well-known/${name}`])];
}

/** Lets every cache keep an answer for as long, and every web page read it: it tells nothing that is not public. */
export function publish(reply: FastifyReply, maxAgeSeconds: number): void {
  reply.header('cache-control', `public, max-age=${maxAgeSeconds}`).header('access-control-allow-origin', '*');
}

function pathOf(issuer: string): string {
  const { pathname } = new URL(issuer);
  return pathname === '/' ? '' : pathname;
}
