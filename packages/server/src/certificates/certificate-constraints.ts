/** What a certificate may be used for: basic constraints, key usage and extended key usage. RFC 5280 §4.2.1.3, §4.2.1.9 and §4.2.1.12. */
import type { X509Certificate } from 'node:crypto';
import { Boolean as Asn1Boolean, BitString, Integer, ObjectIdentifier } from 'asn1js';
import { LRUCache } from 'lru-cache';
import { parseValue, requireMembers } from './asn1.ts';
import { type CertificateExtension, readExtensions } from './certificate-extensions.ts';

export interface CertificateConstraints {
  readonly isAuthority: boolean;
  /** How many authorities may stand between it and an end entity; undefined: any number. */
  readonly mostAuthoritiesBelow: number | undefined;
  /** Undefined: it does not say. */
  readonly keyUsage: KeyUsage | undefined;
  /** Object identifiers. Undefined: it does not say. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** It limits its use in a way that is not understood here: whoever relies on it must reject it. */
  readonly hasUnknownConstraints: boolean;
}

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

const keyUsageId = '2.5.29.15';
const subjectAlternativeNameId = '2.5.29.17';
const basicConstraintsId = '2.5.29.19';
const nameConstraintsId = '2.5.29.30';
const extendedKeyUsageId = '2.5.29.37';

const understood = new Set([keyUsageId, subjectAlternativeNameId, basicConstraintsId, extendedKeyUsageId]);

/** By the fingerprint of the whole certificate. */
const parsed = new LRUCache<string, CertificateConstraints>({ max: 1_000 });

/** Throws `RangeError` if the certificate is malformed. Does not check who issued it. */
export function parseConstraints(certificate: X509Certificate): CertificateConstraints {
  const { fingerprint256 } = certificate;
  const constraints = parsed.get(fingerprint256) ?? parse(certificate);
  parsed.set(fingerprint256, constraints);
  return constraints;
}

function parse(certificate: X509Certificate): CertificateConstraints {
  const [toBeSigned] = requireMembers(parseValue(certificate.raw));
  const extensions = readExtensions(requireMembers(toBeSigned));
  const basic = membersOf(extensions.get(basicConstraintsId));
  const [authority, length] = basic;
  const uses = extensions.get(extendedKeyUsageId);
  return {
    isAuthority: authority instanceof Asn1Boolean && authority.getValue(),
    mostAuthoritiesBelow: length instanceof Integer ? Number(length.toBigInt()) : undefined,
    keyUsage: readKeyUsage(extensions.get(keyUsageId)),
    extendedKeyUsage: uses && membersOf(uses).map((use) => (use instanceof ObjectIdentifier ? use.getValue() : '')),
    hasUnknownConstraints:
      extensions.has(nameConstraintsId) ||
      [...extensions].some(([id, { isCritical }]) => isCritical && !understood.has(id)),
  };
}

function membersOf(extension: CertificateExtension | undefined) {
  return extension === undefined ? [] : requireMembers(parseValue(extension.value));
}

function readKeyUsage(extension: CertificateExtension | undefined): KeyUsage | undefined {
  if (extension === undefined) {
    return undefined;
  }
  const bits = parseValue(extension.value);
  if (!(bits instanceof BitString)) {
    throw new RangeError('the key usage is not a string of bits');
  }
  const [first = 0] = bits.valueBlock.valueHexView;
  // The first bit is the highest one.
  return {
    digitalSignature: (first & 0b1000_0000) !== 0,
    keyCertSign: (first & 0b0000_0100) !== 0,
    crlSign: (first & 0b0000_0010) !== 0,
  };
}
