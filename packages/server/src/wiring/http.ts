/** What all requests have in common: headers, errors, certificates, log and traces. */
import type { FastifyInstance } from 'fastify';
import type { CertificateExpiry } from '../certificates/certificate-expiry.ts';
import type { RevocationList } from '../certificates/revocation-lists.ts';
import type { Clock } from '../clock.ts';
import { findCertificateExpiries, readClientCrl, readTlsIdentity, type ServerConfig } from '../config/config.ts';
import { useClientCertificates } from '../http/client-certificates.ts';
import { useCors } from '../http/cors.ts';
import { useFraming } from '../http/framing.ts';
import { useJsonApi } from '../http/json-api.ts';
import { useRequestLog } from '../http/request-log.ts';
import { useSecurityHeaders } from '../http/security-headers.ts';
import { useTlsFiles } from '../http/tls-files.ts';
import { useTracing } from '../http/tracing.ts';

export interface HttpOptions {
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly rootClientId: string;
}

/** What the files of the configuration hold now. */
export interface HttpFiles {
  readonly certificateExpiries: () => readonly CertificateExpiry[];
  readonly revocationLists: () => readonly RevocationList[];
}

export async function useHttp(app: FastifyInstance, { config, clock, rootClientId }: HttpOptions): Promise<HttpFiles> {
  useSecurityHeaders(app, config.issuer);
  useFraming(app, config.clientCertificateHeader);
  useJsonApi(app);
  useCors(app);
  useClientCertificates(app, config, clock.now);
  const { tls: startTls, tlsFiles } = config;
  const currentTls =
    startTls === undefined || tlsFiles === undefined
      ? () => startTls
      : useTlsFiles(
          app,
          startTls,
          { identity: () => readTlsIdentity(tlsFiles), clientCrl: () => readClientCrl(tlsFiles) },
          clock,
        );
  useRequestLog(app, rootClientId);
  if (config.otlpEndpoint !== undefined) {
    await useTracing(app, config.otlpEndpoint);
  }
  let tls = currentTls();
  let expiries = findCertificateExpiries(config.ca, tls);
  return {
    certificateExpiries() {
      if (currentTls() !== tls) {
        tls = currentTls();
        expiries = findCertificateExpiries(config.ca, tls);
      }
      return expiries;
    },
    revocationLists: () => currentTls()?.clientCrl?.lists ?? [],
  };
}
