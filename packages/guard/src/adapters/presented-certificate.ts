/**
 * Where the certificate of a caller comes from: the TLS connection, or the header of a proxy that ends TLS in front.
 * RFC 8705 §6.3.
 *
 * A header counts from the addresses of trusted proxies and from nobody else, and on a connection from these nothing
 * but the header counts: its own certificate would be the proxy's.
 */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4 } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificateThumbprint } from '../certificate-thumbprint.ts';
import { parseCertificateHeader } from './certificate-header.ts';

/** Proxies in front, which end TLS. */
export interface TrustedProxies {
  /** Addresses and networks (CIDR) that they connect from. */
  readonly addresses: readonly string[];
  /**
   * The header in which they pass certificates on, in lower case. They must take it away from what callers send.
   * Undefined: they pass none on.
   */
  readonly certificateHeader: string | undefined;
}

export interface PresentedCertificate {
  readonly certificate: X509Certificate;
  /** True where a proxy vouches for it. */
  readonly isFromProxy: boolean;
}

/** Throws `invalid_request` where the header of a proxy cannot be read. Looks at nothing in the certificate. */
export type FindCertificate = (request: IncomingMessage) => PresentedCertificate | undefined;

export function createCertificateFinder({ addresses, certificateHeader }: TrustedProxies): FindCertificate {
  const isTrustedProxy = createAddressCheck(addresses);
  return ({ socket, headers }) => {
    if (isTrustedProxy(socket.remoteAddress)) {
      const header = certificateHeader === undefined ? undefined : headers[certificateHeader];
      const certificate = header === undefined ? undefined : parseCertificateHeader(String(header));
      return certificate && { certificate, isFromProxy: true };
    }
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    return certificate && { certificate, isFromProxy: false };
  };
}

/** The thumbprint of the certificate that came with a request, for `GuardedRequest`. */
export function createThumbprintFinder(
  proxies: TrustedProxies | undefined,
): (request: IncomingMessage) => string | undefined {
  const find = createCertificateFinder(proxies ?? { addresses: [], certificateHeader: undefined });
  return (request) => {
    const presented = find(request);
    return presented && certificateThumbprint(presented.certificate.raw);
  };
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
