/** Client metadata about certificates: the name that a client is known by, and `x5c` in its keys. RFC 8705 §2.1.2, §2.2.2. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { OAuthError } from '@postern/protocol';
import { type CertificateNames, canonicalAddress } from '../certificates/certificate-names.ts';
import { isSameName, parseDistinguishedName } from '../certificates/distinguished-name.ts';

/** The registered names of the members. */
const subjectNames = {
  tlsClientAuthSubjectDn: 'tls_client_auth_subject_dn',
  tlsClientAuthSanDns: 'tls_client_auth_san_dns',
  tlsClientAuthSanUri: 'tls_client_auth_san_uri',
  tlsClientAuthSanIp: 'tls_client_auth_san_ip',
  tlsClientAuthSanEmail: 'tls_client_auth_san_email',
} as const;

export type CertificateSubject = { readonly [K in keyof typeof subjectNames]?: string };

/** Throws `invalid_parameter` unless a client of `tls_client_auth` has exactly one name, in the form of its kind. */
export function requireCertificateSubject(
  metadata: CertificateSubject & { readonly tokenEndpointAuthMethod?: string },
): void {
  const members = Object.keys(subjectNames) as (keyof CertificateSubject)[];
  const present = members.filter((member) => metadata[member] !== undefined);
  if (metadata.tokenEndpointAuthMethod === 'tls_client_auth' && present.length !== 1) {
    const names = Object.values(subjectNames);
    throw invalid(`${names[0]}: tls_client_auth needs exactly one of ${names.join(', ')}.`);
  }
  const { tlsClientAuthSubjectDn, tlsClientAuthSanIp } = metadata;
  if (tlsClientAuthSubjectDn !== undefined && parseDistinguishedName(tlsClientAuthSubjectDn) === undefined) {
    throw invalid(
      'tls_client_auth_subject_dn: must be a name in the form of RFC 4514, such as CN=billing,O=Example,C=DE.',
    );
  }
  if (tlsClientAuthSanIp !== undefined && canonicalAddress(tlsClientAuthSanIp) === undefined) {
    throw invalid('tls_client_auth_san_ip: must be an IPv4 or IPv6 address.');
  }
}

/** Whether a certificate has the name. A wildcard in the certificate is an ordinary character. False if no name is expected. */
export function hasSubject(names: CertificateNames, expected: CertificateSubject): boolean {
  const { tlsClientAuthSubjectDn, tlsClientAuthSanDns, tlsClientAuthSanUri } = expected;
  const { tlsClientAuthSanIp, tlsClientAuthSanEmail } = expected;
  if (tlsClientAuthSubjectDn !== undefined) {
    const name = parseDistinguishedName(tlsClientAuthSubjectDn);
    return name !== undefined && isSameName(name, names.subject);
  }
  if (tlsClientAuthSanDns !== undefined) {
    return names.dns.some((dns) => dns.toLowerCase() === tlsClientAuthSanDns.toLowerCase());
  }
  if (tlsClientAuthSanUri !== undefined) {
    return names.uri.includes(tlsClientAuthSanUri);
  }
  if (tlsClientAuthSanIp !== undefined) {
    const address = canonicalAddress(tlsClientAuthSanIp);
    return address !== undefined && names.ip.includes(address);
  }
  return (
    tlsClientAuthSanEmail !== undefined &&
    names.email.some((email) => comparableEmail(email) === comparableEmail(tlsClientAuthSanEmail))
  );
}

/** RFC 7517 §4.7: throws `invalid_parameter` if the first certificate of a key has another public key. */
export function requireCertificatesOfKeys(keys: readonly { readonly x5c?: readonly string[] }[]): void {
  for (const { x5c, ...jwk } of keys) {
    if (x5c !== undefined && !isCertificateOf(x5c[0] ?? '', jwk)) {
      throw invalid('jwks: the first certificate in x5c must have the public key that it is listed with.');
    }
  }
}

function isCertificateOf(base64: string, jwk: object): boolean {
  try {
    const { publicKey } = new X509Certificate(Buffer.from(base64, 'base64'));
    return createPublicKey({ key: { ...jwk }, format: 'jwk' }).equals(publicKey);
  } catch {
    return false;
  }
}

/** RFC 5280 §7.5: the host is compared without regard to case, the mailbox with. */
function comparableEmail(email: string): string {
  const at = email.lastIndexOf('@') + 1;
  return email.slice(0, at) + email.slice(at).toLowerCase();
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_parameter', text);
}
