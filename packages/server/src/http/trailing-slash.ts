/** A path with a slash at its end is the path without it, as in Fidesops, except to delete. RFC 3986 §5.2.4. */
import type { FastifyInstance, FastifyServerOptions } from 'fastify';

export const trailingSlashOptions = { ignoreTrailingSlash: true } satisfies FastifyServerOptions['routerOptions'];

/**
 * Refuses to delete what a path with a slash at its end names. Programs make `/client/a/` of `/client/a/secret/../`, or of
 * `/client/a/secret/` and an id that is `..`, and would delete the client instead of a secret.
 */
export function useTrailingSlashes(app: FastifyInstance): void {
  app.addHook('onRequest', ({ method, url, is404 }, reply, done) => {
    if (method === 'DELETE' && !is404 && url.replace(/\?.*/s, '').endsWith('/')) {
      reply.callNotFound();
    } else {
      done();
    }
  });
}
