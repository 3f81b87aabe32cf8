/** When the certificates of the configuration expire, so that operators hear of it in time. RFC 5280 §4.1.2.5. */
import { X509Certificate } from 'node:crypto';

export interface CertificateExpiry {
  /** The variable that names the file. */
  readonly variable: string;
  /** Of the certificate in the file that expires first, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The certificates of a file in PEM. Throws for damaged ones. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** `pems`: the content of the file of each variable; undefined if the variable is not set. */
export function findExpiries(pems: Readonly<Record<string, string | undefined>>): readonly CertificateExpiry[] {
  return Object.entries(pems).flatMap(([variable, pem]) => {
    const ends = pem === undefined ? [] : readCertificates(pem).map(({ validTo }) => Date.parse(validTo));
    return ends.length === 0 ? [] : [{ variable, expiresAt: Math.min(...ends) }];
  });
}
