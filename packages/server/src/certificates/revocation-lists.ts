/** Revocation lists (CRLs) as files have them: one PEM block for each authority. RFC 5280 §5, RFC 7468 §9. */
import { createSecureContext } from 'node:tls';

/** Returns the lists in a PEM file. Throws if it has none, or a damaged one. Does not check signatures and times: TLS does. */
export function parseRevocationLists(pem: string): string[] {
  const lists = pem.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  if (lists === null) {
    throw new Error('the file has no revocation list in PEM');
  }
  createSecureContext({ crl: lists });
  return lists;
}
