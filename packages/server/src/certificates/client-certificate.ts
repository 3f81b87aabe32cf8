/** A certificate that a client presented, and whether its chain was verified. RFC 8705 §2. */
import type { X509Certificate } from 'node:crypto';
import { OAuthError } from '@postern/protocol';

/** The client proved possession of its private key in the TLS handshake, here or at a trusted proxy. */
export interface ClientCertificate {
  readonly certificate: X509Certificate;
  /** Whether its chain ends at one of the roots for client certificates. A self-signed one does not. */
  readonly isChainVerified: boolean;
  readonly isRevoked: boolean;
  /** Why nobody knows whether it was revoked, by the name that OpenSSL has for it; undefined if that is known. */
  readonly revocationFault: string | undefined;
}

/** Throws `temporarily_unavailable` if nobody knows whether it was revoked. RFC 5280 §6.3. */
export function requireKnownRevocation({ revocationFault }: ClientCertificate): void {
  if (revocationFault !== undefined) {
    throw new OAuthError(
      'temporarily_unavailable',
      'It is unknown at the moment whether the client certificate was revoked: retry later.',
      {
        reason: 'revocation_list_unusable',
        cause: new Error(`The revocation list cannot be used: ${revocationFault}`),
      },
    );
  }
}

/** Whether it is within its validity period. `now` is in milliseconds since 1970. Does not check whether it was revoked. */
export function isWithinValidity({ certificate }: ClientCertificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
}
