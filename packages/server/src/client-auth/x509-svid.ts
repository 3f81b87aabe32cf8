/**
 * Client authentication by an X.509-SVID, the certificate of a TLS connection. draft-ietf-oauth-spiffe-client-auth-02 §3.2,
 * X509-SVID §4 and §5, RFC 5280 §6.1.
 *
 * Its path must lead to an authority in the bundle of the client, never to a root that the TLS server or the system trusts
 * (§6.2.3). What is not understood in a certificate of the path makes it invalid: name constraints, policies and every other
 * critical extension.
 */
import { X509Certificate } from 'node:crypto';
import { requireStrongKey } from '@postern/guard/node';
import type { ErrorReason } from '@postern/protocol';
import { type CertificateConstraints, parseConstraints } from '../certificates/certificate-constraints.ts';
import { parseNames } from '../certificates/certificate-names.ts';
import type { Client } from '../clients/client.ts';
import type { PublishedKey } from '../jwt/published-keys.ts';
import { findSpiffeIdFault, findTrustDomain } from '../spiffe/spiffe-id.ts';
import type { BundleKeys } from './bundle-keys.ts';

/** Certificates between the SVID and the authority in the bundle. */
const maxIntermediates = 4;

/** RFC 5280 §4.2.1.12: clientAuth and anyExtendedKeyUsage. */
const usesOfClients = new Set(['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']);

/**
 * Why the certificate is not an X.509-SVID of the client; undefined if it is. `now` is in milliseconds since 1970. Throws
 * `temporarily_unavailable` if that depends on authorities that cannot be fetched.
 *
 * Does not check the times and the key of the certificate itself, nor whether it was revoked: SPIFFE has no revocation.
 */
export async function findX509SvidFault(
  { metadata }: Client,
  certificate: X509Certificate,
  bundleKeys: BundleKeys,
  now: number,
): Promise<ErrorReason | undefined> {
  const authorities = bundleKeys(metadata, 'x509-svid');
  if (authorities === undefined || metadata.spiffeId === undefined) {
    return 'method_not_registered';
  }
  let path: readonly X509Certificate[];
  try {
    const spiffeId = findSpiffeId(certificate);
    if (spiffeId === undefined || !isLeaf(certificate)) {
      return 'svid_malformed';
    }
    const fault = findSpiffeIdFault(spiffeId, metadata.spiffeId);
    if (fault !== undefined) {
      return fault;
    }
    path = presentedPath(certificate);
  } catch {
    return 'certificate_malformed';
  }
  const issuers = await authorities.find((key) => path.some((one) => isIssuedBy(one, authorityOf(key))));
  const isVerified = issuers.some((key) => {
    const authority = authorityOf(key);
    const last = path.findIndex((one) => isIssuedBy(one, authority));
    return authority !== undefined && areAuthorities([...path.slice(1, last + 1), authority], now);
  });
  return isVerified ? undefined : 'svid_unverified';
}

/** X509-SVID §2: an X.509-SVID has exactly one URI among its names, which is its SPIFFE ID. */
function findSpiffeId(certificate: X509Certificate): string | undefined {
  const [uri, ...others] = parseNames(certificate).uri;
  return uri !== undefined && others.length === 0 && findTrustDomain(uri) !== undefined ? uri : undefined;
}

/** X509-SVID §4: it signs for its workload, and no certificates. */
function isLeaf(certificate: X509Certificate): boolean {
  const constraints = parseConstraints(certificate);
  const { isAuthority, keyUsage, extendedKeyUsage, hasUnknownConstraints } = constraints;
  return (
    !isAuthority &&
    !hasUnknownConstraints &&
    keyUsage?.digitalSignature === true &&
    !keyUsage.keyCertSign &&
    !keyUsage.crlSign &&
    (extendedKeyUsage === undefined || extendedKeyUsage.some((use) => usesOfClients.has(use)))
  );
}

/** The certificate and those that the client sent with it, each issued by the next. */
function presentedPath(certificate: X509Certificate): readonly X509Certificate[] {
  const path = [certificate];
  let next = certificate.issuerCertificate;
  while (next !== undefined && path.length <= maxIntermediates && isIssuedBy(path.at(-1), next)) {
    path.push(next);
    next = next.issuerCertificate;
  }
  return path;
}

/** RFC 5280 §6.1: whether all of them may issue certificates, the first one those of workloads, and so on up to the last. */
function areAuthorities(authorities: readonly X509Certificate[], now: number): boolean {
  return authorities.every((authority, below) => isAuthority(authority, below, now));
}

/** `below` is how many authorities there are between it and the SVID. */
function isAuthority(certificate: X509Certificate, below: number, now: number): boolean {
  try {
    const constraints: CertificateConstraints = parseConstraints(certificate);
    requireStrongKey(certificate.publicKey);
    return (
      constraints.isAuthority &&
      !constraints.hasUnknownConstraints &&
      constraints.keyUsage?.keyCertSign === true &&
      (constraints.mostAuthoritiesBelow === undefined || constraints.mostAuthoritiesBelow >= below) &&
      certificate.validFromDate.getTime() <= now &&
      now <= certificate.validToDate.getTime()
    );
  } catch {
    return false;
  }
}

function isIssuedBy(certificate: X509Certificate | undefined, authority: X509Certificate | undefined): boolean {
  try {
    return (
      certificate !== undefined &&
      authority !== undefined &&
      certificate.checkIssued(authority) &&
      !/sha1|md5/i.test(certificate.signatureAlgorithm ?? '') &&
      certificate.verify(authority.publicKey)
    );
  } catch {
    return false;
  }
}

const parsed = new WeakMap<PublishedKey, X509Certificate | undefined>();

/** The certificate of an authority in a bundle; undefined if it is malformed. */
function authorityOf(key: PublishedKey): X509Certificate | undefined {
  if (!parsed.has(key)) {
    parsed.set(key, parseAuthority(key.jwk['x5c']));
  }
  return parsed.get(key);
}

function parseAuthority(x5c: unknown): X509Certificate | undefined {
  try {
    return Array.isArray(x5c) ? new X509Certificate(Buffer.from(String(x5c[0]), 'base64')) : undefined;
  } catch {
    return undefined;
  }
}
