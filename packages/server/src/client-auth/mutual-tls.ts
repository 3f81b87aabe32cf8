/**
 * Client authentication by the certificate of a TLS connection: issued by a CA (`tls_client_auth`, RFC 8705 §2.1),
 * self-signed and registered (`self_signed_tls_client_auth`, §2.2), or of a SPIFFE trust domain (`spiffe_x509`).
 */
import type { X509Certificate } from 'node:crypto';
import { requireStrongKey } from '@postern/guard/node';
import type { ErrorReason } from '@postern/protocol';
import { type CertificateNames, parseNames } from '../certificates/certificate-names.ts';
import {
  type ClientCertificate,
  isWithinValidity,
  requireKnownRevocation,
} from '../certificates/client-certificate.ts';
import { hasSubject } from '../clients/certificate-metadata.ts';
import type { Client } from '../clients/client.ts';
import { type ClientAuthMethod, clientAuthMethods } from '../clients/client-metadata-schema.ts';
import { allowsKey, requirementsOf } from '../clients/security-profile.ts';
import type { ServerConfig } from '../config/config.ts';
import type { PublishedKey } from '../jwt/published-keys.ts';
import type { BundleKeys } from './bundle-keys.ts';
import type { ClientKeys } from './client-keys.ts';
import { findX509SvidFault } from './x509-svid.ts';

/** The methods that can work, given how client certificates can arrive. */
export function offeredMethods({
  tls,
  clientCertificateHeader,
}: Pick<ServerConfig, 'tls' | 'clientCertificateHeader'>): readonly ClientAuthMethod[] {
  const canArrive = tls !== undefined || clientCertificateHeader !== undefined;
  const canBeVerified = tls?.clientCa !== undefined || clientCertificateHeader !== undefined;
  return clientAuthMethods.filter((method) => {
    switch (method) {
      case 'tls_client_auth':
        return canBeVerified;
      case 'self_signed_tls_client_auth':
      case 'spiffe_x509':
        return canArrive;
      default:
        return true;
    }
  });
}

/**
 * Why the certificate does not authenticate the client by the method that it is registered for; undefined if it does.
 * `now` is in milliseconds since 1970.
 *
 * Does not check whether a certificate that a proxy forwards was revoked: the proxy does.
 */
export async function findCertificateFault(
  client: Client,
  presented: ClientCertificate,
  { keys, bundleKeys }: { readonly keys: ClientKeys; readonly bundleKeys: BundleKeys },
  now: number,
): Promise<ErrorReason | undefined> {
  const fault = findUseFault(client, presented, now);
  if (fault !== undefined) {
    return fault;
  }
  switch (client.metadata.tokenEndpointAuthMethod) {
    case 'tls_client_auth':
      return findIssuedFault(client, presented);
    case 'spiffe_x509':
      return findX509SvidFault(client, presented.certificate, bundleKeys, now);
    default:
      return findRegisteredFault(client, presented.certificate, keys);
  }
}

/**
 * Why the client cannot use a certificate for anything: its times, a weak key, or one that the client's profile excludes.
 * Throws `temporarily_unavailable` if nobody knows whether it was revoked.
 */
export function findUseFault(client: Client, presented: ClientCertificate, now: number): ErrorReason | undefined {
  if (!isWithinValidity(presented, now)) {
    return 'certificate_expired';
  }
  requireKnownRevocation(presented);
  if (presented.isRevoked) {
    return 'certificate_revoked';
  }
  const { publicKey } = presented.certificate;
  try {
    requireStrongKey(publicKey);
  } catch {
    return 'key_weak';
  }
  const allowed = allowsKey(requirementsOf(client), publicKey);
  return allowed ? undefined : 'algorithm_not_allowed';
}

/** §2.1: the chain leads to a trusted root, and the certificate names the client. */
function findIssuedFault({ metadata }: Client, presented: ClientCertificate): ErrorReason | undefined {
  if (!presented.isChainVerified) {
    return 'certificate_unverified';
  }
  let names: CertificateNames;
  try {
    names = parseNames(presented.certificate);
  } catch {
    return 'certificate_malformed';
  }
  return hasSubject(names, metadata) ? undefined : 'certificate_wrong';
}

/** §2.2: the certificate is one of those that the client registered; its chain does not matter. */
async function findRegisteredFault(
  client: Client,
  certificate: X509Certificate,
  keys: ClientKeys,
): Promise<ErrorReason | undefined> {
  const keySet = keys(client);
  if (keySet === undefined) {
    return 'method_not_registered';
  }
  return (await keySet.find((key) => isOf(certificate, key))).length > 0 ? undefined : 'certificate_wrong';
}

/** A JWK with certificates matches only the first of them; a JWK without matches every certificate of its key. */
function isOf(certificate: X509Certificate, { key, jwk }: PublishedKey): boolean {
  const { x5c } = jwk;
  if (x5c !== undefined) {
    const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined;
    return typeof first === 'string' && Buffer.from(first, 'base64').equals(certificate.raw);
  }
  return key.equals(certificate.publicKey);
}
