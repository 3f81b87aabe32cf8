/**
 * Where the certificate of a client comes from: the TLS connection, or the header of a proxy that ends TLS in front.
 * A header counts from the addresses of trusted proxies and from nobody else, and on a connection from these nothing
 * but the header counts: its own certificate would be the proxy's.
 */
import { BlockList, isIPv4 } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificateThumbprint } from '@postern/guard';
// Declares `certificateThumbprint` on requests.
import type {} from '@postern/guard/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseCertificateHeader } from '../certificates/certificate-header.ts';
import { type ClientCertificate, isWithinValidity } from '../certificates/client-certificate.ts';
import type { ServerConfig } from '../config.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The certificate that the client presented. Reading it throws `invalid_request` where a proxy's header is bad. */
    readonly clientCertificate: ClientCertificate | undefined;
  }
}

/** Decorates requests with the certificate of their client, and with its thumbprint for guards. */
export function useClientCertificates(app: FastifyInstance, config: ServerConfig, now: () => number): void {
  const { tls, clientCertificateHeader } = config;
  const isTrustedProxy = createAddressCheck(config.trustedProxies);

  const find = ({ raw, headers }: FastifyRequest): ClientCertificate | undefined => {
    if (tls === undefined && clientCertificateHeader === undefined) {
      return undefined;
    }
    const { socket } = raw;
    if (isTrustedProxy(socket.remoteAddress)) {
      const header = clientCertificateHeader === undefined ? undefined : headers[clientCertificateHeader];
      const certificate = header === undefined ? undefined : parseCertificateHeader(String(header));
      return certificate && { certificate, isChainVerified: true };
    }
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    return (
      certificate && {
        certificate,
        isChainVerified: tls?.clientCa !== undefined && (socket as TLSSocket).authorized,
      }
    );
  };

  app.decorateRequest('clientCertificate', {
    getter() {
      return find(this);
    },
  });
  app.decorateRequest('certificateThumbprint', {
    getter() {
      const presented = find(this);
      return presented !== undefined && isWithinValidity(presented, now())
        ? certificateThumbprint(presented.certificate.raw)
        : undefined;
    },
  });
}

/** `networks` are addresses and CIDRs. An IPv4 address in IPv6 form counts as what it is. */
function createAddressCheck(networks: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return (address) => address !== undefined && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
