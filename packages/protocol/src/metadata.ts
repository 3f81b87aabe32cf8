/** The members of metadata that Postern publishes. RFC 8414 §2, RFC 9728 §2, OpenID Connect Discovery §3. */
export interface AuthorizationServerMetadata {
  readonly issuer: string;
  readonly token_endpoint: string;
  readonly authorization_endpoint: string;
  readonly introspection_endpoint: string;
  readonly introspection_endpoint_auth_methods_supported: readonly string[];
  readonly introspection_endpoint_auth_signing_alg_values_supported: readonly string[];
  readonly introspection_signing_alg_values_supported: readonly string[];
  /** Missing while registration is off. */
  readonly registration_endpoint?: string;
  readonly revocation_endpoint: string;
  readonly revocation_endpoint_auth_methods_supported: readonly string[];
  readonly revocation_endpoint_auth_signing_alg_values_supported: readonly string[];
  readonly jwks_uri: string;
  /** The keys that sign the revocation feed. docs/revocation-feed.md. */
  readonly revocation_feed_jwks_uri: string;
  readonly scopes_supported?: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  /** draft-ietf-oauth-identity-assertion-authz-grant-04 §7.2. */
  readonly authorization_grant_profiles_supported: readonly string[];
  /** draft-ietf-oauth-identity-assertion-authz-grant-04 §7.1. */
  readonly identity_chaining_requested_token_types_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly token_endpoint_auth_signing_alg_values_supported: readonly string[];
  readonly dpop_signing_alg_values_supported: readonly string[];
  /** draft-ietf-oauth-client-id-metadata-document-03 §6. Missing while no documents are read. */
  readonly client_id_metadata_document_supported?: boolean;
  /** RFC 9396 §10. */
  readonly authorization_details_types_supported?: readonly string[];
  readonly tls_client_certificate_bound_access_tokens: boolean;
  readonly service_documentation: string;
}

/** The same as OpenID Connect has it, which requires two more members. Clients refuse a document without them. */
export interface OpenidProviderMetadata extends AuthorizationServerMetadata {
  readonly subject_types_supported: readonly string[];
  readonly id_token_signing_alg_values_supported: readonly string[];
}

export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly dpop_signing_alg_values_supported: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly resource_name?: string;
  readonly resource_documentation?: string;
}

/** Returns metadata without its empty lists, unless the member is required. RFC 8414 §3.2, RFC 9728 §3.2. */
export function omitEmptyLists<T extends object>(metadata: T, required: readonly (keyof T & string)[] = []): T {
  const isKept = ([name, value]: [string, unknown]) =>
    !Array.isArray(value) || value.length > 0 || required.some((one) => one === name);
  return Object.fromEntries(Object.entries(metadata).filter(isKept)) as T;
}
