/** The metrics of a node, for Prometheus to fetch. */
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { Type } from 'typebox';

/** Registers `GET /metrics`. `read` gives the text, of this process or of all that serve together. */
export function metricsEndpoint(read: () => Promise<string>): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.get(
      '/metrics',
      {
        config: { neverShed: true },
        schema: {
          tags: ['Operation'],
          operationId: 'metrics',
          summary: 'Counts and measurements, in the format of Prometheus',
          produces: ['text/plain'],
          response: { 200: Type.String() },
        },
      },
      async (_request, reply) => reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await read()),
    );
  };
}
