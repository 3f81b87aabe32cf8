/** A certificate that a client presented, and what is known of it. RFC 8705 §2. */
import type { X509Certificate } from 'node:crypto';

/** That the client holds its private key was proved in the TLS handshake, here or at a proxy that is trusted. */
export interface ClientCertificate {
  readonly certificate: X509Certificate;
  /** Whether it leads to one of the roots for client certificates. A self-signed one does not. */
  readonly isChainVerified: boolean;
}

/** Whether it is within its time. `now` is in milliseconds since 1970. Does not check whether it was revoked. */
export function isWithinValidity({ certificate }: ClientCertificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
}
