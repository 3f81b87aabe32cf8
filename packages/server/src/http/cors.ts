/** Which web pages may read answers, and the requests by which browsers ask first (CORS, WHATWG Fetch §3.2). RFC 6454 §7. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The origins whose web pages may read the answers of the route; `*` for all, which only public documents allow. Without
     * it, only pages of the server itself may.
     */
    readableBy?: '*' | readonly string[];
  }
}

/** Headers of a request that pages may set; `*` stands for all but Authorization. */
const publicRequestHeaders = '*';
const requestHeaders = 'authorization, content-type, dpop';

/** Headers of an answer that pages may read, beside the common ones. */
const answerHeaders = 'dpop-nonce, www-authenticate, retry-after';

const preflightSeconds = 600;

/**
 * Lets web pages read the answers of the routes of `app` that have `readableBy`, errors too, and gives each of them a route
 * for OPTIONS. Cookies are never allowed, and none exist. To be called before these routes are registered.
 */
export function useCors(app: FastifyInstance): void {
  app.addHook('onRoute', function addCors(route) {
    const { url, method, config: { readableBy, neverShed } = {} } = route;
    if (readableBy === undefined) {
      return;
    }
    // At the end, since a request may be refused before the hooks of its route begin.
    const onSend = async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
      allowOrigin(readableBy, request, reply);
      return payload;
    };
    route.onSend = [onSend, route.onSend ?? []].flat();
    // A HEAD has the URL of its GET.
    if (method === 'OPTIONS' || method === 'HEAD') {
      return;
    }
    const methods = method === 'GET' ? 'GET, HEAD' : [method].flat().join(', ');
    this.route({
      method: 'OPTIONS',
      url,
      config: { readableBy, ...(neverShed !== undefined && { neverShed }) },
      schema: { hide: true },
      handler: async (_request, reply) => {
        reply
          .code(204)
          .header('access-control-allow-methods', methods)
          .header('access-control-allow-headers', readableBy === '*' ? publicRequestHeaders : requestHeaders)
          .header('access-control-max-age', String(preflightSeconds));
      },
    });
  });
}

function allowOrigin(
  readableBy: '*' | readonly string[],
  { headers: { origin } }: FastifyRequest,
  reply: FastifyReply,
) {
  if (readableBy === '*') {
    reply.header('access-control-allow-origin', '*');
    return;
  }
  reply.header('vary', 'origin');
  if (origin !== undefined && readableBy.includes(origin)) {
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', answerHeaders);
  }
}
