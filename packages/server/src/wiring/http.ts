/** What all requests have in common: headers, errors, certificates, log and traces. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/config.ts';
import { useClientCertificates } from '../http/client-certificates.ts';
import { useFraming } from '../http/framing.ts';
import { useJsonApi } from '../http/json-api.ts';
import { useRequestLog } from '../http/request-log.ts';
import { useRevocationLists } from '../http/revocation-lists.ts';
import { useSecurityHeaders } from '../http/security-headers.ts';
import { useTracing } from '../http/tracing.ts';

export interface HttpOptions {
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly rootClientId: string;
}

export async function useHttp(app: FastifyInstance, { config, clock, rootClientId }: HttpOptions): Promise<void> {
  useSecurityHeaders(app, config.issuer);
  useFraming(app, config.clientCertificateHeader);
  useJsonApi(app);
  useClientCertificates(app, config, clock.now);
  if (config.tls !== undefined) {
    useRevocationLists(app, config.tls, clock);
  }
  useRequestLog(app, rootClientId);
  if (config.otlpEndpoint !== undefined) {
    await useTracing(app, config.otlpEndpoint);
  }
}
