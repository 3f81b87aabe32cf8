/** Logs one line per request, after the answer was sent. It has nothing that only the caller says: no path, query or header. */
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Members that an endpoint adds to the log line of its request, such as the id of the token that it issued. */
    logged: Readonly<Record<string, unknown>> | undefined;
  }
}

/** The id of the client whose credentials or token a request had, if these were right. */
export function findRequestClient({ logged, accessToken }: FastifyRequest): unknown {
  return logged?.['client_id'] ?? accessToken?.clientId;
}

/** Logs the requests of `app`. Those of the root client, which has every scope, are warnings. */
export function useRequestLog(app: FastifyInstance, rootClientId: string): void {
  app.decorateRequest('logged', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, ip } = request;
    const line = {
      method,
      route: routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 1000) / 1000,
      // A trusted proxy may forward a header of its caller in which the address is anything.
      ip: isIP(ip) === 0 ? 'invalid' : ip,
      ...request.logged,
      client_id: findRequestClient(request),
    };
    if (line.client_id === rootClientId) {
      request.log.warn(line, 'request of the root client');
    } else {
      request.log.info(line, 'request');
    }
    done();
  });
}
