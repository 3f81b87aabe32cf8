/** Logs one line per request, after the answer was sent. It holds no secret, token, header or query. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pathOf } from './answer-error.ts';

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
    const { method, url, ip } = request;
    const line = {
      method,
      path: pathOf(url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 1000) / 1000,
      ip,
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
