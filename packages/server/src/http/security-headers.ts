/** Headers that tell browsers to take every answer for what it says it is, and to come by https only. RFC 6797 §6.1. */
import type { FastifyInstance } from 'fastify';

/** Seconds for which a browser remembers to use https. */
const httpsOnlySeconds = 31_536_000;

/** Returns the headers of every answer. */
export function securityHeaders(issuer: string): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    // Says nothing of subdomains, whose operators may be others.
    ...(issuer.startsWith('https:') && { 'strict-transport-security': `max-age=${httpsOnlySeconds}` }),
  };
}

export function useSecurityHeaders(app: FastifyInstance, issuer: string): void {
  const headers = securityHeaders(issuer);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}
