/** Notices that a proxy which nobody named forwards requests: all its callers share one address. RFC 7239 §8.1. */
import { createAddressCheck } from '@postern/guard/node';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the request has headers of a proxy, which were ignored since it came from an address that is not trusted. */
    readonly hasIgnoredForwardedHeaders: boolean;
  }
}

const warnEveryMs = 3_600_000;

/**
 * Counts requests of `app` with forwarded headers from addresses other than `trustedProxies`, and logs a warning at most
 * once an hour. Returns the function that reads the count.
 */
export function useForwardedHeaderWarning(
  app: FastifyInstance,
  trustedProxies: readonly string[],
  now: () => number,
): () => number {
  const isTrusted = createAddressCheck(trustedProxies);
  let count = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;

  app.decorateRequest('hasIgnoredForwardedHeaders', {
    getter() {
      const { headers, socket } = this.raw;
      const isForwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined;
      return isForwarded && !isTrusted(socket.remoteAddress);
    },
  });
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.hasIgnoredForwardedHeaders) {
      count += 1;
      if (now() - warnedAt >= warnEveryMs) {
        warnedAt = now();
        request.log.warn(
          { peer: request.raw.socket.remoteAddress },
          'forwarded headers were ignored: POSTERN_TRUSTED_PROXIES does not name the address that they came from. If it ' +
            'is your proxy, all callers behind it share its address and its limits',
        );
      }
    }
    done();
  });
  return () => count;
}
