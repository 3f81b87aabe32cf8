/** A server of its own for the metrics, on a port that callers do not see. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { ServerConfig } from '../config/config.ts';
import { metricsEndpoint } from '../metrics/metrics-endpoint.ts';
import { answerError, answerNotFound } from './answer-error.ts';
import { httpOptions } from './http-options.ts';
import { recordRoutes } from './route-table.ts';

/** `read` gives the text. It speaks plain HTTP, and is yet to listen. */
export function metricsServer(
  config: ServerConfig,
  logger: FastifyBaseLogger,
  read: () => Promise<string>,
): FastifyInstance {
  const app = Fastify(httpOptions({ ...config, tls: undefined }, logger));
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  recordRoutes(app);
  app.register(metricsEndpoint(read));
  return app;
}
