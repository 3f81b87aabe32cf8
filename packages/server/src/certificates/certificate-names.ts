/** Whom a certificate names: its subject and its subject alternative names. RFC 5280 §4.1.2.6 and §4.2.1.6. */
import type { X509Certificate } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { type DerValue, readAll, readOid } from './der.ts';
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.ts';

export interface CertificateNames {
  readonly subject: DistinguishedName;
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  /** In the form of `canonicalAddress`. */
  readonly ip: readonly string[];
}

const subjectAlternativeName = '2.5.29.17';

/** Read from the certificate itself: the texts that a library makes of these names can mean several names at once. */
export function readNames(certificate: X509Certificate): CertificateNames {
  const fields = tbsFields(certificate);
  // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, and the version before them where there is one.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (subject === undefined) {
    throw new RangeError('a certificate has no subject');
  }
  const names = alternativeNames(fields);
  const texts = (tag: number) =>
    names.filter((name) => name.tag === tag).map(({ content }) => content.toString('latin1'));
  return {
    subject: readDistinguishedName(subject),
    email: texts(0x81),
    dns: texts(0x82),
    uri: texts(0x86),
    ip: names.filter(({ tag }) => tag === 0x87).flatMap(({ content }) => addressOf(content) ?? []),
  };
}

/** The one text of an IP address (RFC 5952), or undefined where `text` is none. */
export function canonicalAddress(text: string): string | undefined {
  const family = text.includes('%') ? 0 : isIP(text);
  return family === 0
    ? undefined
    : new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
}

function addressOf(bytes: Buffer): string | undefined {
  if (bytes.length === 4) {
    return bytes.join('.');
  }
  return bytes.length === 16 ? canonicalAddress(bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:')) : undefined;
}

function tbsFields(certificate: X509Certificate): readonly DerValue[] {
  const [whole] = readAll(certificate.raw);
  const [tbs] = whole === undefined ? [] : readAll(whole.content);
  return tbs === undefined ? [] : readAll(tbs.content);
}

function alternativeNames(fields: readonly DerValue[]): readonly DerValue[] {
  const [extensions] = readAll(fields.find(({ tag }) => tag === 0xa3)?.content ?? Buffer.alloc(0));
  for (const extension of extensions === undefined ? [] : readAll(extensions.content)) {
    const [oid, ...rest] = readAll(extension.content);
    // Between the two may stand whether it is critical.
    const [names] = readAll(rest.at(-1)?.content ?? Buffer.alloc(0));
    if (oid !== undefined && readOid(oid) === subjectAlternativeName) {
      return names === undefined ? [] : readAll(names.content);
    }
  }
  return [];
}
