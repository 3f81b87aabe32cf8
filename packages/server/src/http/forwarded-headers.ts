/**
 * Whose addresses proxies forward: reads them with and without ports, and notices that a proxy which nobody named forwards
 * requests, whose callers then share one address. RFC 7239 §6 and §8.1.
 */
import { createAddressCheck } from '@postern/guard/node';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the request has headers of a proxy, which were ignored since it came from an address that is not trusted. */
    readonly hasIgnoredForwardedHeaders: boolean;
  }
}

/** An address of X-Forwarded-For with a port, as some proxies write it: `192.0.2.1:443`, `[2001:db8::1]:443`, `[2001:db8::1]`. */
const withPort = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([0-9a-f:.]+)\](?::\d{1,5})?)$/i;

/** The list of addresses of X-Forwarded-For without ports, which say nothing about whose requests they are. */
export function withoutPorts(forwardedFor: string): string {
  return forwardedFor
    .split(',')
    .map((part) => part.trim().replace(withPort, (_, v4: string | undefined, v6: string | undefined) => v4 ?? v6 ?? ''))
    .join(', ');
}

const warnEveryMs = 3_600_000;

/**
 * Counts requests of `app` with forwarded headers from addresses other than `trustedProxies`, and logs a warning at most
 * once an hour. Returns the function that reads the count.
 */
export function useForwardedHeaderWarning(
  app: FastifyInstance,
  trustedProxies: readonly string[],
  monotonic: () => number,
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
    const { headers, socket } = request.raw;
    const forwardedFor = headers['x-forwarded-for'];
    if (typeof forwardedFor === 'string' && isTrusted(socket.remoteAddress)) {
      // Before anybody asks for the address of the caller, which Fastify finds in it.
      headers['x-forwarded-for'] = withoutPorts(forwardedFor);
    }
    if (request.hasIgnoredForwardedHeaders) {
      count += 1;
      if (monotonic() - warnedAt >= warnEveryMs) {
        warnedAt = monotonic();
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
