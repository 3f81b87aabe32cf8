/**
 * Finds the client certificate of a request: of the TLS connection, or in the header of a proxy that terminates TLS.
 * RFC 8705 §6.3.
 *
 * The header is read only on connections from trusted proxies. On these the certificate of the connection is ignored,
 * since it is the proxy's own.
 */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4 } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificateThumbprint } from '../crypto/node-keys.ts';
import { parseCertificateHeader } from './certificate-header.ts';

/** Proxies that terminate TLS. */
export interface TrustedProxies {
  /** The addresses and networks (CIDR) that they connect from. */
  readonly addresses: readonly string[];
  /**
   * The header in which they forward certificates, in lower case. They must remove it from requests of callers. Undefined if
   * they forward none.
   */
  readonly certificateHeader: string | undefined;
}

export interface PresentedCertificate {
  readonly certificate: X509Certificate;
  /** Whether a proxy forwarded it. */
  readonly isFromProxy: boolean;
}

/** Throws `invalid_request` if the header of a proxy is malformed. Does not check anything in the certificate. */
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

/** Returns a function that finds the thumbprint of the client certificate of a request, for `GuardedRequest`. */
export function createThumbprintFinder(
  proxies: TrustedProxies | undefined,
): (request: IncomingMessage) => string | undefined {
  const find = createCertificateFinder(proxies ?? { addresses: [], certificateHeader: undefined });
  return (request) => {
    const presented = find(request);
    return presented && certificateThumbprint(presented.certificate.raw);
  };
}

/** Returns whether an address is in one of `networks`, which are addresses and CIDRs. An IPv4 address in IPv6 form counts as an IPv4 address. */
export function createAddressCheck(networks: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return (address) => address !== undefined && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
