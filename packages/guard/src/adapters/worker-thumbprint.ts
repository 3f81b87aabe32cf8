/** The client certificate of a request to a Cloudflare Worker. RFC 8705 §3.1. */
import { encodeBase64Url } from '@postern/protocol';

interface TlsClientAuth {
  readonly certPresented?: string;
  readonly certRevoked?: string;
  readonly certFingerprintSHA256?: string;
}

/**
 * Returns the thumbprint of the certificate that Cloudflare's TLS handshake proved; undefined without one, and for a revoked one. Does
 * not check who issued it.
 */
export function workerThumbprint(request: Request): string | undefined {
  const { tlsClientAuth } = (request as { readonly cf?: { readonly tlsClientAuth?: TlsClientAuth } }).cf ?? {};
  const { certPresented, certRevoked, certFingerprintSHA256 = '' } = tlsClientAuth ?? {};
  if (certPresented !== '1' || certRevoked === '1' || !/^[0-9a-f]{64}$/i.test(certFingerprintSHA256)) {
    return undefined;
  }
  return encodeBase64Url(Uint8Array.from(certFingerprintSHA256.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)));
}
