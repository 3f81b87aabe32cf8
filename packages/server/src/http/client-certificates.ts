/** The certificate that a client presented with a request, from TLS or from a proxy. RFC 8705 §2. */
import type { TLSSocket } from 'node:tls';
// Declares `certificateThumbprint` on requests.
import type {} from '@postern/guard/fastify';
import { certificateThumbprint, createCertificateFinder } from '@postern/guard/node';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type ClientCertificate,
  isWithinValidity,
  requireKnownRevocation,
} from '../certificates/client-certificate.ts';
import type { ServerConfig } from '../config/config.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The certificate that the client presented. Reading it throws `invalid_request` if the proxy's header is malformed. */
    readonly clientCertificate: ClientCertificate | undefined;
  }
}

/** Errors of OpenSSL that say that nobody knows whether a certificate is revoked. RFC 5280 §6.3. */
const revocationFaults = new Set([
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
]);

/** Decorates requests with the certificate of their client, and with its thumbprint for guards. */
export function useClientCertificates(app: FastifyInstance, config: ServerConfig, now: () => number): void {
  const { tls, clientCertificateHeader, trustedProxies } = config;
  const findPresented = createCertificateFinder({
    addresses: trustedProxies,
    certificateHeader: clientCertificateHeader,
  });

  const find = ({ raw }: FastifyRequest): ClientCertificate | undefined => {
    if (tls === undefined && clientCertificateHeader === undefined) {
      return undefined;
    }
    const presented = findPresented(raw);
    if (presented === undefined) {
      return undefined;
    }
    const { certificate, isFromProxy } = presented;
    const { authorized, authorizationError } = raw.socket as TLSSocket;
    const fault = isFromProxy ? '' : String(authorizationError);
    return {
      certificate,
      isChainVerified: isFromProxy || (tls?.clientCa !== undefined && authorized),
      isRevoked: fault === 'CERT_REVOKED',
      revocationFault: revocationFaults.has(fault) ? fault : undefined,
    };
  };

  app.decorateRequest('clientCertificate', {
    getter() {
      return find(this);
    },
  });
  app.decorateRequest('certificateThumbprint', {
    getter() {
      const presented = find(this);
      if (presented !== undefined) {
        requireKnownRevocation(presented);
      }
      return presented !== undefined && !presented.isRevoked && isWithinValidity(presented, now())
        ? certificateThumbprint(presented.certificate.raw)
        : undefined;
    },
  });
}
