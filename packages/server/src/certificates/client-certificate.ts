/** A certificate that a client presented, and whether its chain was verified. RFC 8705 §2. */
import type { X509Certificate } from 'node:crypto';

/** The client proved possession of its private key in the TLS handshake, here or at a trusted proxy. */
export interface ClientCertificate {
  readonly certificate: X509Certificate;
  /** Whether its chain ends at one of the roots for client certificates. A self-signed one does not. */
  readonly isChainVerified: boolean;
  /** Whether its issuer revoked it, or the list that would say so has expired. */
  readonly isRevoked: boolean;
}

/** Whether it is within its validity period. `now` is in milliseconds since 1970. Does not check whether it was revoked. */
export function isWithinValidity({ certificate }: ClientCertificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
}
