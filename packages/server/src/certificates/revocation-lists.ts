/** Revocation lists (CRLs) as files have them: one PEM block for each authority. RFC 5280 §5, RFC 7468 §9. */
import { createSecureContext } from 'node:tls';
import { type BaseBlock, Integer, UTCTime } from 'asn1js';
import { headerLength, parseFirst } from './asn1.ts';

export interface RevocationList {
  readonly pem: string;
  /** When its authority issued it, in milliseconds since 1970. */
  readonly issuedAt: number;
  /** When it expires: the next one is issued by then. Undefined: it does not say. */
  readonly expiresAt: number | undefined;
}

/** Returns the lists in a PEM file. Throws if it has none, or a damaged one. Does not check signatures and times: TLS does. */
export function parseRevocationLists(pem: string): RevocationList[] {
  const lists = pem.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  if (lists === null) {
    throw new Error('the file has no revocation list in PEM');
  }
  createSecureContext({ crl: lists });
  return lists.map((list) => ({ pem: list, ...readTimes(list) }));
}

/** Bytes that hold the times of any list: its certificates, of which there may be millions, come after them. */
const headBytes = 65_536;

/** Reads the members of `TBSCertList` one after the other up to its times. RFC 5280 §5.1.2. */
function readTimes(pem: string): Pick<RevocationList, 'issuedAt' | 'expiresAt'> {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const signed = der.subarray(headerLength(der));
  let rest = signed.subarray(headerLength(signed), headBytes);
  const next = (): BaseBlock => {
    const { value, length } = parseFirst(rest);
    rest = rest.subarray(length);
    return value;
  };
  // The version may be missing; then the first member is the algorithm. The issuer follows.
  if (next() instanceof Integer) {
    next();
  }
  next();
  const issued = next();
  if (!(issued instanceof UTCTime)) {
    throw new RangeError('a revocation list has no time of issue');
  }
  const expiry = isTime(rest) ? next() : undefined;
  return {
    issuedAt: issued.toDate().getTime(),
    expiresAt: expiry instanceof UTCTime ? expiry.toDate().getTime() : undefined,
  };
}

/** Whether a UTCTime or a GeneralizedTime comes next, by its tag. */
function isTime([tag]: Uint8Array): boolean {
  return tag === 0x17 || tag === 0x18;
}
