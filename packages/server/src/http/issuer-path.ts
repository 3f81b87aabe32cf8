/**
 * Serves an issuer that has a path, such as https://example.com/auth, whether or not the proxy in front removes that path
 * from its requests. RFC 8414 §2.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** The path of the issuer without a slash at its end: empty for most. */
export function issuerPathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '');
}

/**
 * Returns what Fastify calls with each request before it looks for a route: it removes the path of the issuer. Undefined for
 * an issuer without a path.
 */
export function removeIssuerPath(
  issuer: string,
): ((this: FastifyInstance, request: IncomingMessage & { originalUrl?: string }) => string) | undefined {
  const path = issuerPathOf(issuer);
  if (path === '') {
    return undefined;
  }
  return function rewrite(request) {
    const url = request.url as string;
    const rest = url.startsWith(path) ? restOf(url.slice(path.length)) : undefined;
    if (rest === undefined || !isOurs(this, rest, path)) {
      return url;
    }
    // The guard compares DPoP proofs with the issuer and this.
    request.originalUrl = rest;
    return rest;
  };
}

/** What follows the path, as a path of its own; undefined if only the beginning of a longer segment equals it. */
function restOf(rest: string): string | undefined {
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest.startsWith('/') ? rest : undefined;
}

/** An issuer's path may begin like one of ours: for https://example.com/api, /api/v1 is not /v1 below it. */
function isOurs(app: FastifyInstance, rest: string, path: string): boolean {
  const first = firstSegmentOf(rest);
  return first === undefined
    ? /^\/(\?|$)/.test(rest) && !app.hasRoutesBelow(String(firstSegmentOf(path)))
    : app.hasRoutesBelow(first);
}

/** Undefined if it is empty. */
function firstSegmentOf(path: string): string | undefined {
  return /^\/([^/?]+)/.exec(path)?.[1];
}
