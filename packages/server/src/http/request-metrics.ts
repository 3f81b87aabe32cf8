/** Records for each request how long it took and, if it failed, with which error. */
import type { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics/metrics.ts';
import { findRequestClient } from './request-log.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The error that the request was answered with, if any. */
    refusal: OAuthError | undefined;
  }
}

/** Records the requests to the routes that are registered on `app` from here on, and those to paths that do not exist. */
export function useRequestMetrics(app: FastifyInstance, metrics: Metrics, rootClientId: string): void {
  app.decorateRequest('refusal', undefined);
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url } = request.routeOptions;
    const route = request.is404 ? { method: 'any', route: 'none' } : { method: String(method), route: String(url) };
    if (findRequestClient(request) === rootClientId) {
      metrics.recordRootRequest();
    }
    metrics.recordAnswer(route, reply.statusCode, reply.elapsedTime / 1000, request.refusal);
    done();
  });
}
