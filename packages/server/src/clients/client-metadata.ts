/**
 * Client metadata, and the rules among its members. RFC 7591 §2, RFC 8693 §4.4, RFC 8705, RFC 9396 §10, RFC 9449,
 * draft-ietf-oauth-spiffe-client-auth-02 §5.1, draft-ietf-oauth-client-id-metadata-document-03 §7.2.
 * Its registered names, and what each member means, are in `client-metadata-schema.ts`.
 */
import {
  type CodeNamed,
  clientCredentialsGrant,
  jwtBearerGrant,
  OAuthError,
  tokenExchangeGrant,
} from '@postern/protocol';
import type { Static, TObject } from 'typebox';
import { requireCanonicalNetworks } from './allowed-networks.ts';
import { requireCertificateSubject, requireCertificatesOfKeys } from './certificate-metadata.ts';
import { type clientMetadataMembers, noClientAuth } from './client-metadata-schema.ts';
import { requireFixedClaims } from './fixed-claims.ts';
import { requireFitKeys } from './jwk-set.ts';
import { requireSecurityProfile } from './security-profile.ts';
import { requireSpiffeMetadata } from './spiffe-metadata.ts';

type Members = Static<TObject<typeof clientMetadataMembers>>;

/** Only members that differ from their defaults. */
export type ClientMetadata = CodeNamed<{ readonly [Name in keyof Members]: Exclude<Members[Name], null> }>;

/** A change of it: a missing member stays as it is, and null goes back to its default. */
export type ClientMetadataChange = { readonly [K in keyof ClientMetadata]?: ClientMetadata[K] | null };

/** Returns the metadata after the change. Does not check whether it is consistent. */
export function changeMetadata(metadata: ClientMetadata, change: ClientMetadataChange): ClientMetadata {
  const sent = Object.entries(change).filter(([, value]) => value !== undefined);
  const entries = Object.entries({ ...metadata, ...Object.fromEntries(sent) });
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== false));
}

/** Throws `invalid_parameter` if the members contradict each other. */
export function requireConsistentMetadata(metadata: ClientMetadata): void {
  const { tokenEndpointAuthMethod, jwks, jwksUri, clientIdMetadataDocument } = metadata;
  if (jwks !== undefined && jwksUri !== undefined) {
    throw invalid('jwks_uri: keys are given by jwks or by jwks_uri, not by both.');
  }
  if (jwksUri !== undefined && URL.parse(jwksUri)?.protocol !== 'https:') {
    throw invalid('jwks_uri: must be an https URL.');
  }
  if (clientIdMetadataDocument === true) {
    requireKeysOfDocument(metadata);
  } else if (tokenEndpointAuthMethod === 'private_key_jwt' && jwks === undefined && jwksUri === undefined) {
    throw invalid('jwks: private_key_jwt needs the public keys of the client, in jwks or at jwks_uri.');
  }
  if (tokenEndpointAuthMethod === noClientAuth && !usesOnlyWorkloadTokens(metadata)) {
    throw invalid(
      `grant_types: must be ${jwtBearerGrant} alone for a client that does not authenticate, or ${tokenExchangeGrant}, or both.`,
    );
  }
  if (tokenEndpointAuthMethod === 'self_signed_tls_client_auth' && jwks === undefined && jwksUri === undefined) {
    throw invalid('jwks: self_signed_tls_client_auth needs the certificates of the client, in jwks or at jwks_uri.');
  }
  if (metadata.defaultResource !== undefined && metadata.resources?.includes(metadata.defaultResource) !== true) {
    throw invalid("default_resource: must be one of the client's resources, or null.");
  }
  if (metadata.dpopBoundAccessTokens === true && metadata.tlsClientCertificateBoundAccessTokens === true) {
    throw invalid('tls_client_certificate_bound_access_tokens: a token is bound to a DPoP key or to a certificate.');
  }
  if (metadata.contact !== undefined && !isContact(metadata.contact)) {
    throw invalid('contact: must be an e-mail address, such as team@example.com, or an https URL.');
  }
  requireFixedClaims(metadata.fixedClaims ?? {});
  requireCanonicalNetworks(metadata.allowedNetworks ?? []);
  requireCertificateSubject(metadata);
  requireSpiffeMetadata(metadata);
  requireSecurityProfile(metadata);
  requireFitKeys(jwks ?? { keys: [] });
  requireCertificatesOfKeys(jwks?.keys ?? []);
}

function requireKeysOfDocument({ tokenEndpointAuthMethod, jwks, jwksUri }: ClientMetadata): void {
  if (tokenEndpointAuthMethod !== 'private_key_jwt') {
    throw invalid('token_endpoint_auth_method: must be private_key_jwt for a client whose keys are in its document.');
  }
  if (jwks !== undefined || jwksUri !== undefined) {
    throw invalid(
      'client_id_metadata_document: the document has the keys of the client, so it has neither jwks nor jwks_uri.',
    );
  }
}

/**
 * It becomes a link in the console. So a URL of another scheme must not pass, nor one that looks like that of another host, and no
 * character of an e-mail address may have a meaning of its own in a mailto URL.
 */
function isContact(text: string): boolean {
  const { protocol, username, password } = URL.parse(text) ?? {};
  const isUrl = protocol === 'https:' && username === '' && password === '';
  return mailAddress.test(text) || (isUrl && /^https:\/\/[^\s\\"<>]+$/.test(text));
}

/** Letters and digits of every language, and what may be between them. */
const mailAddress = /^[\p{L}\p{N}._!$'*+~-]{1,64}@[\p{L}\p{N}]+([.-]+[\p{L}\p{N}]+)*$/u;

function usesOnlyWorkloadTokens({ grantTypes = [clientCredentialsGrant] }: ClientMetadata): boolean {
  return grantTypes.every((grantType) => grantType === jwtBearerGrant || grantType === tokenExchangeGrant);
}

/** Whether the client authenticates by a secret. */
export function usesSecret({ tokenEndpointAuthMethod }: ClientMetadata): boolean {
  return (
    tokenEndpointAuthMethod === undefined ||
    tokenEndpointAuthMethod === 'client_secret_basic' ||
    tokenEndpointAuthMethod === 'client_secret_post'
  );
}

/** The methods of clients that authenticate by the certificate of their TLS connection. */
export const certificateMethods = ['tls_client_auth', 'self_signed_tls_client_auth', 'spiffe_x509'] as const;

function usesCertificate(method: string | undefined): boolean {
  return certificateMethods.some((one) => one === method);
}

/** Whether a client of this method proves that it has a private key. */
export function usesPrivateKey(method: ClientMetadata['tokenEndpointAuthMethod']): boolean {
  return method === 'private_key_jwt' || usesCertificate(method);
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_parameter', text);
}
