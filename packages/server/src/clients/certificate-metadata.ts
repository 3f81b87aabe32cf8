/** Client metadata about certificates: the name that a client is known by, and `x5c` in its keys. RFC 8705 §2.1.2, §2.2.2. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { OAuthError } from '@postern/protocol';
import { Type } from 'typebox';
import { type CertificateNames, canonicalAddress } from '../certificates/certificate-names.ts';
import { isSameName, parseDistinguishedName } from '../certificates/distinguished-name.ts';

const subject = (description: string) =>
  Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 1_000 }), Type.Null()], {
      description: `tls_client_auth: ${description} of the certificate of the client.`,
    }),
  );

export const certificateSubjectMembers = {
  tls_client_auth_subject_dn: subject('the subject, as RFC 4514 writes it,'),
  tls_client_auth_san_dns: subject('a dNSName'),
  tls_client_auth_san_uri: subject('a uniformResourceIdentifier'),
  tls_client_auth_san_ip: subject('an iPAddress'),
  tls_client_auth_san_email: subject('an rfc822Name'),
};

type Member = keyof typeof certificateSubjectMembers;

export type CertificateSubject = { readonly [K in Member]?: string };

const members = Object.keys(certificateSubjectMembers) as Member[];

/** Throws `invalid_parameter` unless a client of `tls_client_auth` has exactly one name, in the form of its kind. */
export function checkCertificateSubject(
  metadata: CertificateSubject & { readonly token_endpoint_auth_method?: string },
): void {
  const present = members.filter((member) => metadata[member] !== undefined);
  if (metadata.token_endpoint_auth_method === 'tls_client_auth' && present.length !== 1) {
    throw wrong(`${members[0]}: tls_client_auth needs exactly one of ${members.join(', ')}.`);
  }
  const { tls_client_auth_subject_dn, tls_client_auth_san_ip } = metadata;
  if (tls_client_auth_subject_dn !== undefined && parseDistinguishedName(tls_client_auth_subject_dn) === undefined) {
    throw wrong('tls_client_auth_subject_dn: must be a name as RFC 4514 writes it, such as CN=billing,O=Example,C=DE.');
  }
  if (tls_client_auth_san_ip !== undefined && canonicalAddress(tls_client_auth_san_ip) === undefined) {
    throw wrong('tls_client_auth_san_ip: must be an IPv4 or IPv6 address.');
  }
}

/** Whether a certificate holds the name. A wildcard in it is just a character. False where there is no name to hold. */
export function hasSubject(names: CertificateNames, expected: CertificateSubject): boolean {
  const { tls_client_auth_subject_dn, tls_client_auth_san_dns, tls_client_auth_san_uri } = expected;
  const { tls_client_auth_san_ip, tls_client_auth_san_email } = expected;
  if (tls_client_auth_subject_dn !== undefined) {
    const name = parseDistinguishedName(tls_client_auth_subject_dn);
    return name !== undefined && isSameName(name, names.subject);
  }
  if (tls_client_auth_san_dns !== undefined) {
    return names.dns.some((dns) => dns.toLowerCase() === tls_client_auth_san_dns.toLowerCase());
  }
  if (tls_client_auth_san_uri !== undefined) {
    return names.uri.includes(tls_client_auth_san_uri);
  }
  if (tls_client_auth_san_ip !== undefined) {
    const address = canonicalAddress(tls_client_auth_san_ip);
    return address !== undefined && names.ip.includes(address);
  }
  return (
    tls_client_auth_san_email !== undefined &&
    names.email.some((email) => comparableEmail(email) === comparableEmail(tls_client_auth_san_email))
  );
}

/** RFC 7517 §4.7: throws `invalid_parameter` where the first certificate of a key is not one of that key. */
export function checkCertificatesInKeys(keys: readonly { readonly x5c?: readonly string[] }[]): void {
  for (const { x5c, ...jwk } of keys) {
    if (x5c !== undefined && !isCertificateOf(x5c[0] ?? '', jwk)) {
      throw wrong('jwks: the first certificate in x5c must be one of the key it stands in.');
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

/** RFC 5280 §7.5: the case of the host does not count, that of the mailbox does. */
function comparableEmail(email: string): string {
  const at = email.lastIndexOf('@') + 1;
  return email.slice(0, at) + email.slice(at).toLowerCase();
}

function wrong(text: string): OAuthError {
  return new OAuthError('invalid_parameter', text);
}
