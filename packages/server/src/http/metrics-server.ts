/** A separate server for the metrics, on a port that callers do not reach. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { ServerConfig } from '../config/config.ts';
import { metricsEndpoint } from '../metrics/metrics-endpoint.ts';
import { useFraming } from './framing.ts';
import { httpOptions } from './http-options.ts';
import { useJsonApi } from './json-api.ts';
import { useSecurityHeaders } from './security-headers.ts';

/** Creates the server, which does not listen yet. It speaks plain HTTP and answers what `read` returns. */
export function metricsServer(
  config: ServerConfig,
  logger: FastifyBaseLogger,
  read: () => Promise<string>,
): FastifyInstance {
  const app = Fastify(httpOptions({ ...config, tls: undefined }, logger));
  useSecurityHeaders(app, config.issuer);
  useFraming(app);
  useJsonApi(app);
  app.register(metricsEndpoint(read));
  return app;
}
