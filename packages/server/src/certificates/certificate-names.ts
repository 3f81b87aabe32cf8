/** The names of a certificate: its subject and its subject alternative names. RFC 5280 §4.1.2.6 and §4.2.1.6. */
import type { X509Certificate } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { type BaseBlock, Primitive } from 'asn1js';
import { LRUCache } from 'lru-cache';
import { isTagged, parseValue, requireMembers } from './asn1.ts';
import { readExtensions } from './certificate-extensions.ts';
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

/** By the fingerprint of the whole certificate. Parsing takes about ten times as long as the fingerprint. */
const parsedNames = new LRUCache<string, CertificateNames>({ max: 1_000 });

/**
 * Parses the certificate itself, because the texts that `X509Certificate` makes of these names are ambiguous. Throws
 * `RangeError` if it is malformed. Does not check who issued it.
 */
export function parseNames(certificate: X509Certificate): CertificateNames {
  const { fingerprint256 } = certificate;
  const names = parsedNames.get(fingerprint256) ?? parse(certificate);
  parsedNames.set(fingerprint256, names);
  return names;
}

function parse(certificate: X509Certificate): CertificateNames {
  const [toBeSigned] = requireMembers(parseValue(certificate.raw));
  const fields = requireMembers(toBeSigned);
  // serialNumber, signature, issuer, validity and subject, after the version if there is one.
  const subject = fields[isTagged(fields[0], 0) ? 5 : 4];
  if (subject === undefined) {
    throw new RangeError('a certificate has no subject');
  }
  const names = alternativeNames(fields).filter((name) => name instanceof Primitive);
  const contents = (tag: number) =>
    names.filter((name) => isTagged(name, tag)).map(({ valueBlock }) => Buffer.from(valueBlock.valueHexView));
  const texts = (tag: number) => contents(tag).map((bytes) => bytes.toString('latin1'));
  return {
    subject: readDistinguishedName(subject),
    email: texts(1),
    dns: texts(2),
    uri: texts(6),
    ip: contents(7).flatMap((bytes) => findAddress(bytes) ?? []),
  };
}

/** The canonical text of an IP address (RFC 5952), or undefined if `text` is none. */
export function canonicalAddress(text: string): string | undefined {
  const family = text.includes('%') ? 0 : isIP(text);
  return family === 0
    ? undefined
    : new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
}

function findAddress(bytes: Buffer): string | undefined {
  if (bytes.length === 4) {
    return bytes.join('.');
  }
  return bytes.length === 16 ? canonicalAddress(bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:')) : undefined;
}

function alternativeNames(fields: readonly BaseBlock[]): readonly BaseBlock[] {
  const extension = readExtensions(fields).get(subjectAlternativeName);
  return extension === undefined ? [] : requireMembers(parseValue(extension.value));
}
