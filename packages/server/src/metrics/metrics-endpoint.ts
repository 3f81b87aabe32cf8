/** The endpoint from which Prometheus scrapes the metrics. */
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { Type } from 'typebox';

/** Registers `GET /metrics`, which answers what `read` returns: the metrics of this process or of all workers. */
export function metricsEndpoint(read: () => Promise<string>): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.get(
      '/metrics',
      {
        config: { neverShed: true },
        schema: {
          tags: ['Operation'],
          operationId: 'metrics',
          summary: 'Metrics in the Prometheus text format',
          produces: ['text/plain'],
          response: { 200: Type.String() },
        },
      },
      async (_request, reply) => reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await read()),
    );
  };
}
