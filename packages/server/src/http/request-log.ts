/** The log of requests: one line each, when the answer is out. Never a secret, a token, a header or a query. */
import type { FastifyInstance } from 'fastify';
import { pathOf } from './answer-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What an endpoint adds to the line of its request, such as the id of the token that it issued. */
    logged: Readonly<Record<string, unknown>> | undefined;
  }
}

/** Requests of the root client are warnings: whoever may do everything should be seen doing it. */
export function useRequestLog(app: FastifyInstance, rootClientId: string): void {
  app.decorateRequest('logged', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url, ip, logged } = request;
    const line = {
      method,
      path: pathOf(url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 1000) / 1000,
      ip,
      client_id: request.accessToken?.clientId,
      ...logged,
    };
    if (line.client_id === rootClientId) {
      request.log.warn(line, 'request of the root client');
    } else {
      request.log.info(line, 'request');
    }
    done();
  });
}
