/** The operations of the management API. Written by `npm run generate`; edits are lost. */
import { type BulkAnswer, change, type Page, path, read } from './operation.ts';

export interface CreatedClient {
  client_id: string;
  /** Shown only once; Postern keeps a digest. Missing if you chose it, and for a client that uses none. */
  client_secret?: string;
  /** Limits of the client that makes the call, which the new client has too because the body does not name them. */
  inherited?: Record<string, unknown>;
}

export interface PublicJwk {
  kty: 'EC' | 'OKP' | 'RSA';
  kid?: string;
  use?: 'sig';
  alg?: string;
  key_ops?: 'verify'[];
  ext?: boolean;
  crv?: string;
  x?: string;
  y?: string;
  n?: string;
  e?: string;
  x5c?: string[];
  'x5t#S256'?: string;
}

export interface JwkSet {
  keys: PublicJwk[];
}

export interface SpiffeBundleKey {
  kty: string;
  /** jwt-svid or x509-svid; other keys are not used. */
  use: string;
  kid?: string;
  alg?: string;
  crv?: string;
  x?: string;
  y?: string;
  n?: string;
  e?: string;
  x5c?: string[];
}

export interface SpiffeBundle {
  keys: SpiffeBundleKey[];
  spiffe_sequence?: number;
  spiffe_refresh_hint?: number;
}

export interface NewClientBody {
  /** An id of your choice, which requires the scope client:choose_id, or client_document:approve for the URL of a metadata document. Without it, Postern generates one. */
  client_id?: string;
  /** A secret of your choice, which requires the scope client:choose_secret: at least 22 random characters, which are 128 bits in base64url. Without it, Postern generates one. */
  client_secret?: string;
  /** The digest that another server has of the secret, which requires the scope client:choose_secret, so that the client moves here with the secret that it has: bcrypt ($2a$, $2b$ or $2y$, with a cost of 4 to 14), PBKDF2 ($pbkdf2-sha256$i=ITERATIONS,l=BYTES$SALT$KEY, or sha512, with at most 2000000 iterations), or SHA-512 of the secret followed by a salt ($sha512$SALT$DIGEST), with salts, keys and digests in base64. The first use of the secret replaces it by a digest of Postern. */
  client_secret_digest?: string;
  name?: string | null;
  description?: string | null;
  scopes?: string[];
  grantable_scopes?: string[] | null;
  /** Disabling revokes all of its tokens permanently. */
  enabled?: boolean;
  access_token_ttl_seconds?: number | null;
  expires_at?: string | null;
  /** The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: it uses only tokens of a trusted issuer, by jwt-bearer or token exchange. client_secret_jwt is not offered: secrets are kept only as digests, which verify no HMAC. */
  token_endpoint_auth_method?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'spiffe_jwt'
    | 'spiffe_x509'
    | 'none'
    | null;
  /** Public keys of the client, by value. */
  jwks?: JwkSet | null;
  /** https URL of the public keys of the client. */
  jwks_uri?: string | null;
  /** private_key_jwt: the client publishes its keys in the document at its client_id, an https URL at one of the hosts in POSTERN_CLIENT_METADATA_HOSTS. */
  client_id_metadata_document?: boolean;
  /** spiffe_jwt and spiffe_x509: the SPIFFE ID of the client. One that ends with /* stands for all below it. */
  spiffe_id?: string | null;
  /** https URL of the SPIFFE bundle that verifies its SVIDs. */
  spiffe_bundle_endpoint?: string | null;
  /** The SPIFFE bundle that verifies its SVIDs, by value. */
  spiffe_bundle?: SpiffeBundle | null;
  /** spiffe_jwt: a JWT-SVID may be used until it expires, as agents need that give the same one to all workloads; otherwise once. */
  spiffe_jwt_reuse_allowed?: boolean;
  /** private_key_jwt may name the URL of the token endpoint as its audience instead of the issuer. */
  token_endpoint_audience_allowed?: boolean;
  /** Grants that it may use; null: client_credentials. */
  grant_types?:
    | (
        | 'client_credentials'
        | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
        | 'urn:ietf:params:oauth:grant-type:token-exchange'
      )[]
    | null;
  /** Identifiers of the registered resources that it may ask tokens for. */
  resources?: string[] | null;
  /** The one of its resources that a token is for if the request names none; null: the APIs of Postern. */
  default_resource?: string | null;
  /** Registered types of authorization details that it may ask for. */
  authorization_details_types?: string[] | null;
  /** Id of the one client that may act for this one by token exchange; its tokens carry it as the claim may_act. */
  may_act?: string | null;
  /** Every token of the client is bound to a DPoP key. */
  dpop_bound_access_tokens?: boolean;
  /** Every token of the client is bound to the certificate of its TLS connection. */
  tls_client_certificate_bound_access_tokens?: boolean;
  /** tls_client_auth: the subject, as in RFC 4514, of the certificate of the client. */
  tls_client_auth_subject_dn?: string | null;
  /** tls_client_auth: a dNSName of the certificate of the client. */
  tls_client_auth_san_dns?: string | null;
  /** tls_client_auth: a uniformResourceIdentifier of the certificate of the client. */
  tls_client_auth_san_uri?: string | null;
  /** tls_client_auth: an iPAddress of the certificate of the client. */
  tls_client_auth_san_ip?: string | null;
  /** tls_client_auth: an rfc822Name of the certificate of the client. */
  tls_client_auth_san_email?: string | null;
  /** Who answers for the client: an e-mail address or an https URL. It is in no token. */
  contact?: string | null;
  /** Claims that each of its access tokens has, none with a registered name; at most 2,048 bytes of JSON. They replace the present ones; if one is changed or missing, all tokens of the client are revoked. */
  fixed_claims?: Record<string, unknown> | null;
  /** The networks, in CIDR notation, from which it may authenticate: `203.0.113.7/32` is one address. null: from anywhere. Tokens that it has got are valid everywhere. */
  allowed_networks?: string[] | null;
  /** The most tokens that it may get per minute; null: no limit. */
  token_quota_per_minute?: number | null;
  /** The most tokens that it may get per day, in UTC; null: no limit. */
  token_quota_per_day?: number | null;
  /** The most tokens that it may get per month of the calendar, in UTC; null: no limit. */
  token_quota_per_month?: number | null;
  /** fapi2: the client must meet the requirements of the FAPI 2.0 Security Profile. */
  security_profile?: 'fapi2' | null;
}

export interface ListedClient {
  client_id: string;
  name: string | null;
  description: string | null;
  scopes: string[];
  grantable_scopes: string[] | null;
  enabled: boolean;
  access_token_ttl_seconds: number | null;
  expires_at: string | null;
  created_at: string;
  updated_at: string;
  /** The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: it uses only tokens of a trusted issuer, by jwt-bearer or token exchange. client_secret_jwt is not offered: secrets are kept only as digests, which verify no HMAC. */
  token_endpoint_auth_method?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'spiffe_jwt'
    | 'spiffe_x509'
    | 'none'
    | null;
  /** Public keys of the client, by value. */
  jwks?: JwkSet | null;
  /** https URL of the public keys of the client. */
  jwks_uri?: string | null;
  /** private_key_jwt: the client publishes its keys in the document at its client_id, an https URL at one of the hosts in POSTERN_CLIENT_METADATA_HOSTS. */
  client_id_metadata_document?: boolean;
  /** spiffe_jwt and spiffe_x509: the SPIFFE ID of the client. One that ends with /* stands for all below it. */
  spiffe_id?: string | null;
  /** https URL of the SPIFFE bundle that verifies its SVIDs. */
  spiffe_bundle_endpoint?: string | null;
  /** The SPIFFE bundle that verifies its SVIDs, by value. */
  spiffe_bundle?: SpiffeBundle | null;
  /** spiffe_jwt: a JWT-SVID may be used until it expires, as agents need that give the same one to all workloads; otherwise once. */
  spiffe_jwt_reuse_allowed?: boolean;
  /** private_key_jwt may name the URL of the token endpoint as its audience instead of the issuer. */
  token_endpoint_audience_allowed?: boolean;
  /** Grants that it may use; null: client_credentials. */
  grant_types?:
    | (
        | 'client_credentials'
        | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
        | 'urn:ietf:params:oauth:grant-type:token-exchange'
      )[]
    | null;
  /** Identifiers of the registered resources that it may ask tokens for. */
  resources?: string[] | null;
  /** The one of its resources that a token is for if the request names none; null: the APIs of Postern. */
  default_resource?: string | null;
  /** Registered types of authorization details that it may ask for. */
  authorization_details_types?: string[] | null;
  /** Id of the one client that may act for this one by token exchange; its tokens carry it as the claim may_act. */
  may_act?: string | null;
  /** Every token of the client is bound to a DPoP key. */
  dpop_bound_access_tokens?: boolean;
  /** Every token of the client is bound to the certificate of its TLS connection. */
  tls_client_certificate_bound_access_tokens?: boolean;
  /** tls_client_auth: the subject, as in RFC 4514, of the certificate of the client. */
  tls_client_auth_subject_dn?: string | null;
  /** tls_client_auth: a dNSName of the certificate of the client. */
  tls_client_auth_san_dns?: string | null;
  /** tls_client_auth: a uniformResourceIdentifier of the certificate of the client. */
  tls_client_auth_san_uri?: string | null;
  /** tls_client_auth: an iPAddress of the certificate of the client. */
  tls_client_auth_san_ip?: string | null;
  /** tls_client_auth: an rfc822Name of the certificate of the client. */
  tls_client_auth_san_email?: string | null;
  /** Who answers for the client: an e-mail address or an https URL. It is in no token. */
  contact?: string | null;
  /** Claims that each of its access tokens has, none with a registered name; at most 2,048 bytes of JSON. They replace the present ones; if one is changed or missing, all tokens of the client are revoked. */
  fixed_claims?: Record<string, unknown> | null;
  /** The networks, in CIDR notation, from which it may authenticate: `203.0.113.7/32` is one address. null: from anywhere. Tokens that it has got are valid everywhere. */
  allowed_networks?: string[] | null;
  /** The most tokens that it may get per minute; null: no limit. */
  token_quota_per_minute?: number | null;
  /** The most tokens that it may get per day, in UTC; null: no limit. */
  token_quota_per_day?: number | null;
  /** The most tokens that it may get per month of the calendar, in UTC; null: no limit. */
  token_quota_per_month?: number | null;
  /** fapi2: the client must meet the requirements of the FAPI 2.0 Security Profile. */
  security_profile?: 'fapi2' | null;
  last_issued_at: string | null;
}

export interface ClientQuery {
  page?: number;
  size?: number;
  /** Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists all the while is listed once, whatever is created or deleted meanwhile. */
  cursor?: string;
  /** Part of the id, the name or the description, in upper or lower case. */
  search?: string;
  /** Only clients that have this scope. */
  scope?: string;
  /** Only clients that may get tokens for the resource with this identifier. */
  resource?: string;
  /** Only enabled, or only disabled clients. */
  enabled?: 'true' | 'false';
  /** Only clients that authenticate in this way. */
  authentication?: 'secret' | 'private_key' | 'certificate' | 'workload';
  /** Only clients that have expired, or expire within so many days. */
  expires_within_days?: number;
  /** Only clients that got no token for so many days. */
  unused_days?: number;
  /** Whether a request of theirs for a token failed within the last hour. */
  failing?: 'true' | 'false';
  /** With `-`, in descending order. Names are compared in lower case. Last tokens are compared as of up to a minute ago; clients that have never got one come before all others. */
  sort?: 'created_at' | '-created_at' | 'name' | '-name' | 'last_issued_at' | '-last_issued_at';
}

export interface Client {
  client_id: string;
  name: string | null;
  description: string | null;
  scopes: string[];
  grantable_scopes: string[] | null;
  enabled: boolean;
  access_token_ttl_seconds: number | null;
  expires_at: string | null;
  created_at: string;
  updated_at: string;
  /** The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: it uses only tokens of a trusted issuer, by jwt-bearer or token exchange. client_secret_jwt is not offered: secrets are kept only as digests, which verify no HMAC. */
  token_endpoint_auth_method?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'spiffe_jwt'
    | 'spiffe_x509'
    | 'none'
    | null;
  /** Public keys of the client, by value. */
  jwks?: JwkSet | null;
  /** https URL of the public keys of the client. */
  jwks_uri?: string | null;
  /** private_key_jwt: the client publishes its keys in the document at its client_id, an https URL at one of the hosts in POSTERN_CLIENT_METADATA_HOSTS. */
  client_id_metadata_document?: boolean;
  /** spiffe_jwt and spiffe_x509: the SPIFFE ID of the client. One that ends with /* stands for all below it. */
  spiffe_id?: string | null;
  /** https URL of the SPIFFE bundle that verifies its SVIDs. */
  spiffe_bundle_endpoint?: string | null;
  /** The SPIFFE bundle that verifies its SVIDs, by value. */
  spiffe_bundle?: SpiffeBundle | null;
  /** spiffe_jwt: a JWT-SVID may be used until it expires, as agents need that give the same one to all workloads; otherwise once. */
  spiffe_jwt_reuse_allowed?: boolean;
  /** private_key_jwt may name the URL of the token endpoint as its audience instead of the issuer. */
  token_endpoint_audience_allowed?: boolean;
  /** Grants that it may use; null: client_credentials. */
  grant_types?:
    | (
        | 'client_credentials'
        | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
        | 'urn:ietf:params:oauth:grant-type:token-exchange'
      )[]
    | null;
  /** Identifiers of the registered resources that it may ask tokens for. */
  resources?: string[] | null;
  /** The one of its resources that a token is for if the request names none; null: the APIs of Postern. */
  default_resource?: string | null;
  /** Registered types of authorization details that it may ask for. */
  authorization_details_types?: string[] | null;
  /** Id of the one client that may act for this one by token exchange; its tokens carry it as the claim may_act. */
  may_act?: string | null;
  /** Every token of the client is bound to a DPoP key. */
  dpop_bound_access_tokens?: boolean;
  /** Every token of the client is bound to the certificate of its TLS connection. */
  tls_client_certificate_bound_access_tokens?: boolean;
  /** tls_client_auth: the subject, as in RFC 4514, of the certificate of the client. */
  tls_client_auth_subject_dn?: string | null;
  /** tls_client_auth: a dNSName of the certificate of the client. */
  tls_client_auth_san_dns?: string | null;
  /** tls_client_auth: a uniformResourceIdentifier of the certificate of the client. */
  tls_client_auth_san_uri?: string | null;
  /** tls_client_auth: an iPAddress of the certificate of the client. */
  tls_client_auth_san_ip?: string | null;
  /** tls_client_auth: an rfc822Name of the certificate of the client. */
  tls_client_auth_san_email?: string | null;
  /** Who answers for the client: an e-mail address or an https URL. It is in no token. */
  contact?: string | null;
  /** Claims that each of its access tokens has, none with a registered name; at most 2,048 bytes of JSON. They replace the present ones; if one is changed or missing, all tokens of the client are revoked. */
  fixed_claims?: Record<string, unknown> | null;
  /** The networks, in CIDR notation, from which it may authenticate: `203.0.113.7/32` is one address. null: from anywhere. Tokens that it has got are valid everywhere. */
  allowed_networks?: string[] | null;
  /** The most tokens that it may get per minute; null: no limit. */
  token_quota_per_minute?: number | null;
  /** The most tokens that it may get per day, in UTC; null: no limit. */
  token_quota_per_day?: number | null;
  /** The most tokens that it may get per month of the calendar, in UTC; null: no limit. */
  token_quota_per_month?: number | null;
  /** fapi2: the client must meet the requirements of the FAPI 2.0 Security Profile. */
  security_profile?: 'fapi2' | null;
}

export interface ClientBody {
  name?: string | null;
  description?: string | null;
  scopes?: string[];
  grantable_scopes?: string[] | null;
  /** Disabling revokes all of its tokens permanently. */
  enabled?: boolean;
  access_token_ttl_seconds?: number | null;
  expires_at?: string | null;
  /** The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: it uses only tokens of a trusted issuer, by jwt-bearer or token exchange. client_secret_jwt is not offered: secrets are kept only as digests, which verify no HMAC. */
  token_endpoint_auth_method?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'spiffe_jwt'
    | 'spiffe_x509'
    | 'none'
    | null;
  /** Public keys of the client, by value. */
  jwks?: JwkSet | null;
  /** https URL of the public keys of the client. */
  jwks_uri?: string | null;
  /** private_key_jwt: the client publishes its keys in the document at its client_id, an https URL at one of the hosts in POSTERN_CLIENT_METADATA_HOSTS. */
  client_id_metadata_document?: boolean;
  /** spiffe_jwt and spiffe_x509: the SPIFFE ID of the client. One that ends with /* stands for all below it. */
  spiffe_id?: string | null;
  /** https URL of the SPIFFE bundle that verifies its SVIDs. */
  spiffe_bundle_endpoint?: string | null;
  /** The SPIFFE bundle that verifies its SVIDs, by value. */
  spiffe_bundle?: SpiffeBundle | null;
  /** spiffe_jwt: a JWT-SVID may be used until it expires, as agents need that give the same one to all workloads; otherwise once. */
  spiffe_jwt_reuse_allowed?: boolean;
  /** private_key_jwt may name the URL of the token endpoint as its audience instead of the issuer. */
  token_endpoint_audience_allowed?: boolean;
  /** Grants that it may use; null: client_credentials. */
  grant_types?:
    | (
        | 'client_credentials'
        | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
        | 'urn:ietf:params:oauth:grant-type:token-exchange'
      )[]
    | null;
  /** Identifiers of the registered resources that it may ask tokens for. */
  resources?: string[] | null;
  /** The one of its resources that a token is for if the request names none; null: the APIs of Postern. */
  default_resource?: string | null;
  /** Registered types of authorization details that it may ask for. */
  authorization_details_types?: string[] | null;
  /** Id of the one client that may act for this one by token exchange; its tokens carry it as the claim may_act. */
  may_act?: string | null;
  /** Every token of the client is bound to a DPoP key. */
  dpop_bound_access_tokens?: boolean;
  /** Every token of the client is bound to the certificate of its TLS connection. */
  tls_client_certificate_bound_access_tokens?: boolean;
  /** tls_client_auth: the subject, as in RFC 4514, of the certificate of the client. */
  tls_client_auth_subject_dn?: string | null;
  /** tls_client_auth: a dNSName of the certificate of the client. */
  tls_client_auth_san_dns?: string | null;
  /** tls_client_auth: a uniformResourceIdentifier of the certificate of the client. */
  tls_client_auth_san_uri?: string | null;
  /** tls_client_auth: an iPAddress of the certificate of the client. */
  tls_client_auth_san_ip?: string | null;
  /** tls_client_auth: an rfc822Name of the certificate of the client. */
  tls_client_auth_san_email?: string | null;
  /** Who answers for the client: an e-mail address or an https URL. It is in no token. */
  contact?: string | null;
  /** Claims that each of its access tokens has, none with a registered name; at most 2,048 bytes of JSON. They replace the present ones; if one is changed or missing, all tokens of the client are revoked. */
  fixed_claims?: Record<string, unknown> | null;
  /** The networks, in CIDR notation, from which it may authenticate: `203.0.113.7/32` is one address. null: from anywhere. Tokens that it has got are valid everywhere. */
  allowed_networks?: string[] | null;
  /** The most tokens that it may get per minute; null: no limit. */
  token_quota_per_minute?: number | null;
  /** The most tokens that it may get per day, in UTC; null: no limit. */
  token_quota_per_day?: number | null;
  /** The most tokens that it may get per month of the calendar, in UTC; null: no limit. */
  token_quota_per_month?: number | null;
  /** fapi2: the client must meet the requirements of the FAPI 2.0 Security Profile. */
  security_profile?: 'fapi2' | null;
}

export interface ScopesBody {
  scopes: string[];
}

export interface RotatedSecret {
  secret_id: string;
  last_four: string | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  /** Shown only once; Postern keeps a digest. Missing if you chose it. */
  client_secret?: string;
  /** Which of the other secrets are still in use. */
  warnings: string[];
}

export interface SecretRotation {
  /** Seconds for which the other secrets stay valid. 0 deletes them and revokes every token of the client at once. Without it, they stay valid until they are deleted. */
  overlap_seconds?: number;
  /** Seconds until the new secret expires. Without it, it never does. */
  expires_in_seconds?: number;
  /** A secret of your choice, which requires the scope client:choose_secret: at least 22 random characters, which are 128 bits in base64url. Without it, Postern generates one. */
  client_secret?: string;
}

export interface ClientSecret {
  secret_id: string;
  last_four: string | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  /** `current`: the newest. `in_use`: used since the newest was created. `unused`: the newest was used, and this one was not for as long as a token lasts since, so that it can be deleted. `unknown`: neither can be said yet. */
  use: 'current' | 'in_use' | 'unused' | 'unknown' | 'expired';
  /** Uses after that may be missing here. */
  use_known_until: string;
  /** How long a token of the client lasts at most. Callers need the secret again after that time. */
  token_seconds: number;
}

export interface PageQuery {
  page?: number;
  size?: number;
  /** Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists all the while is listed once, whatever is created or deleted meanwhile. */
  cursor?: string;
}

export interface ClientDocument {
  /** The URL of the document. */
  client_id: string;
  /** pending: creating a client with this client_id and client_id_metadata_document approves it. */
  status: 'pending' | 'rejected' | 'approved';
  client_name: string | null;
  client_uri: string | null;
  contacts: string[];
  jwks_uri: string | null;
  /** Thumbprints of its keys, as RFC 7638 has them. */
  keys: string[];
  /** Members other than its keys that say something else than when its client was approved. */
  changed_members: string[];
  requested_at: string;
  /** When it was last seen to say something else. */
  changed_at: string;
  expires_at: string | null;
}

export interface ClientDocumentQuery {
  page?: number;
  size?: number;
  /** Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists all the while is listed once, whatever is created or deleted meanwhile. */
  cursor?: string;
  /** Only documents of this status. */
  status?: 'pending' | 'rejected' | 'approved';
}

export interface Scope {
  name: string;
  description: string;
  /** It administers Postern itself. */
  administrative: boolean;
  /** `own`: added by a user. */
  origin: 'built-in' | 'own';
}

export interface ScopeQuery {
  size?: number;
  /** Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists all the while is listed once, whatever is created or deleted meanwhile. */
  cursor?: string;
}

export interface ScopeBody {
  name: string;
  description: string;
}

export interface Role {
  name: string;
  description: string;
  /** What people with the role can do. */
  scopes: string[];
  grantable_scopes: string[] | null;
  /** `own`: added by a user. */
  origin: 'built-in' | 'own';
}

export interface RoleBody {
  name: string;
  description?: string;
  /** What people with the role can do. */
  scopes: string[];
  grantable_scopes?: string[] | null;
}

export interface CreatedInitialAccessToken {
  id: string;
  name: string | null;
  /** Scopes that clients may register for, and get if they ask for none. */
  scopes: string[];
  /** Identifiers of the registered resources that clients may ask tokens for, likewise. */
  resources: string[];
  max_uses: number;
  /** Clients that were registered with it. */
  uses: number;
  created_at: string;
  /** Id of the client that created it. It is invalid without that client. */
  created_by: string;
  expires_at: string;
  /** Shown only once; Postern keeps a digest. */
  initial_access_token: string;
}

export interface InitialAccessTokenBody {
  name?: string | null;
  /** Scopes that clients may register for, and get if they ask for none. */
  scopes: string[];
  /** Identifiers of the registered resources that clients may ask tokens for, likewise. */
  resources?: string[];
  /** The most clients that it can register; by default one. */
  max_uses?: number;
  /** By default a day. */
  expires_in_seconds?: number;
}

export interface InitialAccessToken {
  id: string;
  name: string | null;
  /** Scopes that clients may register for, and get if they ask for none. */
  scopes: string[];
  /** Identifiers of the registered resources that clients may ask tokens for, likewise. */
  resources: string[];
  max_uses: number;
  /** Clients that were registered with it. */
  uses: number;
  created_at: string;
  /** Id of the client that created it. It is invalid without that client. */
  created_by: string;
  expires_at: string;
}

export interface Resource {
  key: string;
  /** The audience of its tokens. */
  identifier: string;
  scopes: string[];
  access_token_ttl_seconds?: number | null;
  signing_alg?: 'ES256' | 'EdDSA' | 'RS256' | 'PS256' | null;
  /** The typ of its tokens. at+jwt: RFC 9068, the default. JWT: for APIs whose verifiers accept no other, such as Spring's by default, and cannot be changed; then nothing but their claims tells its tokens from other JWTs, and guards refuse them unless told otherwise. */
  access_token_typ?: 'at+jwt' | 'JWT';
  /** Ids of the clients that act for it and may introspect its tokens. */
  introspection_clients?: string[];
}

export interface IssuerRule {
  client_id: string;
  /** For each claim (by name, or by JSON Pointer if it is inside another) a pattern that it must match, or a list of which it must match one. A * matches one or more characters, never : or /. */
  claims: Record<string, string | string[]>;
  /** Whether the rule is for people who act through the client: for the ID-JAGs of the issuer that name it, which it sends with its own credentials. Without it: for workloads, which need none. */
  people?: boolean;
  scopes?: string[] | null;
}

export interface TrustedIssuer {
  key: string;
  /** The iss of its tokens; spiffe:// and the trust domain for JWT-SVIDs that have no iss. */
  issuer: string;
  jwks?: JwkSet | null;
  jwks_uri?: string | null;
  audience?: string | null;
  /** A token is rejected this long after it was issued, even if it has not expired. */
  max_age_seconds: number;
  /** Each token can be exchanged for at most one access token. */
  single_use: boolean;
  /** Which workload or person is mapped to which client. */
  rules: IssuerRule[];
}

export interface TrustedIssuerBody {
  key: string;
  /** The iss of its tokens; spiffe:// and the trust domain for JWT-SVIDs that have no iss. */
  issuer: string;
  jwks?: JwkSet | null;
  jwks_uri?: string | null;
  audience?: string | null;
  /** A token is rejected this long after it was issued, even if it has not expired. */
  max_age_seconds?: number;
  /** Each token can be exchanged for at most one access token. */
  single_use?: boolean;
  /** Which workload or person is mapped to which client. */
  rules: IssuerRule[];
}

export interface AuthorizationDetailsType {
  /** What elements of authorization_details name as their type: a word, or a URI. */
  type: string;
  description?: string | null;
  /** JSON Schema of one element as a whole, its `type` among it. One tree: no references, no formats; patterns are plain sequences from `^` to `$` without groups. */
  schema: Record<string, unknown>;
}

export interface ClientPolicy {
  name: string;
  description?: string | null;
  scope?: string | null;
  max_access_token_ttl_seconds?: number | null;
  min_rsa_bits?: number | null;
  min_ec_bits?: number | null;
  signing_algs?: ('ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'Ed25519' | 'PS256' | 'PS384' | 'PS512' | 'RS256')[] | null;
  token_endpoint_auth_methods?:
    | (
        | 'client_secret_basic'
        | 'client_secret_post'
        | 'private_key_jwt'
        | 'tls_client_auth'
        | 'self_signed_tls_client_auth'
        | 'spiffe_jwt'
        | 'spiffe_x509'
        | 'none'
      )[]
    | null;
  sender_constraint?: 'dpop' | 'tls_client_certificate' | 'any' | null;
  max_secret_ttl_seconds?: number | null;
}

export interface StorageDetails {
  /** How files are named. Default: request_id. */
  naming?: 'request_id';
  /** Required for s3. */
  bucket?: string;
  /** For s3: the name of the objects. */
  object_name?: string;
  /** For s3. */
  max_retries?: number;
  /** For s3: how the program that uploads authenticates. Credentials must not be sent. */
  auth_method?: 'automatic' | 'secret_keys';
}

export interface StorageConfig {
  key: string;
  name: string;
  type: 'local' | 's3';
  format: 'json' | 'csv';
  details: StorageDetails;
}

export interface Target {
  key: string;
  name: string;
  data_category: string;
}

export interface Rule {
  key: string;
  name: string;
  action_type: 'access' | 'erasure';
  storage_destination: StorageConfig | null;
  masking_strategy: {
    strategy: 'aes_encrypt' | 'hash' | 'hmac' | 'null_rewrite' | 'random_string_rewrite' | 'string_rewrite';
  } | null;
  targets: Target[];
}

export interface Policy {
  key: string;
  name: string;
  drp_action: 'access' | 'deletion' | null;
  rules: Rule[];
}

export interface PolicyElement {
  key?: string | null;
  name?: string;
  drp_action?: 'access' | 'deletion' | null;
}

export interface MaskingStrategy {
  strategy: 'aes_encrypt' | 'hash' | 'hmac' | 'null_rewrite' | 'random_string_rewrite' | 'string_rewrite';
  /** Is replaced as a whole and never answered. Without it, that of the same strategy stays. */
  configuration?: {
    /** For hash and hmac. */
    algorithm?: 'SHA-256' | 'SHA-512';
    /** For aes_encrypt. */
    mode?: 'GCM';
    /** For random_string_rewrite: characters. */
    length?: number;
    /** Required for string_rewrite. */
    rewrite_value?: string;
    /** For all but null_rewrite. */
    format_preservation?: {
      /** Appended to the masked value, such as @example.com. */
      suffix: string;
    };
  };
}

export interface RuleElement {
  key?: string | null;
  name?: string;
  action_type?: 'access' | 'erasure';
  storage_destination_key?: string | null;
  masking_strategy?: MaskingStrategy | null;
}

export interface TargetElement {
  key?: string | null;
  name?: string | null;
  /** A key of the Fides taxonomy; the target includes everything below it. */
  data_category?: string;
}

export interface StorageElement {
  key?: string | null;
  name?: string;
  type?: 'local' | 's3';
  /** Format of the uploaded data. Default: json. */
  format?: 'json' | 'csv';
  details?: StorageDetails;
}

export interface BatchResult {
  status: number;
  /** The answer to the call; not after a dry run. */
  body?: unknown;
}

export interface BatchAnswer {
  /** false after a dry run. */
  applied: boolean;
  /** One per operation, in order. */
  results: BatchResult[];
}

export interface BatchOperation {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Same as for a single call. */
  path: string;
  /** JSON, same as for a single call. */
  body?: unknown;
  /** The If-Match of a single call. It is about what there was before the batch. */
  if_match?: string;
  /** The If-None-Match of a single call, likewise. */
  if_none_match?: string;
}

export interface BatchBody {
  operations: BatchOperation[];
  /** Tells whether all would be done, and does nothing. */
  dry_run?: boolean;
}

export interface QuotaUse {
  per: 'minute' | 'day' | 'month';
  most: number;
  used: number;
  /** When it begins again: the end of the period, in UTC. */
  ends_at: string;
}

export interface ScopeUsage {
  scope: string;
  /** Since the client was created. */
  tokens_issued: number;
  last_issued_at: string | null;
}

export interface ClientUsage {
  /** Since the client was created. */
  tokens_issued: number;
  last_issued_at: string | null;
  /** Each quota of the client, and how many tokens it has got in the present period. */
  quotas: QuotaUse[];
  /** Every scope of the client, and how many tokens had it. */
  scopes: ScopeUsage[];
}

export interface UnusedScopes {
  client_id: string;
  name: string | null;
  created_at: string;
  last_issued_at: string | null;
  /** The client was created within these days, so that it is too early to withdraw its scopes. */
  too_young: boolean;
  /** Scopes that none of its tokens has had for these days. */
  scopes: string[];
}

export interface UnusedScopesQuery {
  page?: number;
  size?: number;
  /** Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists all the while is listed once, whatever is created or deleted meanwhile. */
  cursor?: string;
  /** Days without a token. */
  days?: number;
}

export interface HourStatistics {
  /** The start of the hour. */
  from: string;
  issued: number;
  /** Those of the issued tokens whose client proved who it is by a shared secret. */
  issued_by_secret: number;
  refused: number;
  /** Refused requests by the reason in the log, or by the error code if there is no reason. */
  refused_by: Record<string, number>;
}

export interface SecretClient {
  client_id: string;
  name: string | null;
  tokens_issued: number;
}

export interface Statistics {
  /** Every hour, oldest first. The last one is not over yet. */
  buckets: HourStatistics[];
  clients: {
    total: number;
    enabled: number;
    /** Enabled clients that have expired, or expire within 14 days. */
    expiring: number;
    /** Clients that got a token within these hours. */
    active: number;
  };
  /** The clients with a secret that were issued the most tokens so far, among the 2,000 clients that got one last, within these hours: those to move next to a key or a token of their platform. At most five. */
  busiest_secret_clients: SecretClient[];
}

export interface StatisticsQuery {
  hours?: number;
}

export interface Failure {
  client_id: string | null;
  name: string | null;
  address: string | null;
  /** The reason in the log, or the error code if there is no reason. */
  reason: string;
  remedy: string | null;
  /** How many failed so since then. */
  requests: number;
  since: string;
  last_at: string;
  last_issued_at: string | null;
}

export interface FailureQuery {
  page?: number;
  size?: number;
  /** Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists all the while is listed once, whatever is created or deleted meanwhile. */
  cursor?: string;
  /** Only failures of this client. */
  client_id?: string;
  /** Only failures with this reason. */
  reason?: string;
  /** With `-`, in descending order. */
  sort?: 'last_at' | '-last_at' | 'since' | '-since' | 'requests' | '-requests';
}

export interface Person {
  /** As the audit trail names the person. */
  id: string;
  name: string;
  email: string | null;
  /** The OpenID provider at which the person signs in. */
  issuer: string;
  /** How the provider calls the person. */
  sub: string;
  role: string | null;
  first_signed_in_at: string;
  last_signed_in_at: string;
  /** Sessions of the console and the command that have not ended. */
  open_sessions: number;
}

export interface SigningKey {
  kid: string;
  alg: string;
  /** `next`: published, not yet signing. `signing`. `retired`: only verifies earlier tokens. */
  status: string;
  created_at: string;
  signs_from: string;
  signs_until: string | null;
  verifies_until: string | null;
}

export interface KeyRotation {
  /** An algorithm in use; by default that of the configuration. */
  alg?: 'ES256' | 'EdDSA' | 'RS256' | 'PS256';
}

export interface RevokedToken {
  type: 'token';
  jti: string;
  /** Seconds since 1970. */
  exp: number;
  /** Its client. Missing, with `gen`, for tokens of root. */
  client_id?: string;
  /** Its generation. The entry is no longer needed once its client has a greater one. */
  gen?: number;
}

export interface RevokedTokens {
  type: 'all_tokens';
  gen: number;
}

export interface RevokedKey {
  type: 'signing_key';
  kid: string;
}

export interface InactiveClient {
  type: 'client';
  client_id: string;
  active: false;
}

export interface ChangedClient {
  type: 'client';
  client_id: string;
  active: true;
  /** Tokens with a smaller `gen` are not valid. */
  gen: number;
  /** If true, tokens with a greater `gen` are not valid either. */
  gen_exact: boolean;
  scopes?: string[];
  resources?: string[];
  authorization_details_types?: string[];
}

export interface RevocationFeed {
  /** The cursor to continue from. */
  cursor: string;
  /** The entries start from the beginning: drop those that you have. */
  snapshot: boolean;
  /** The server has lost changes that you know, or never had them: keep the revoked tokens that you have until they expire. */
  history_changed: boolean;
  /** There are more entries: request them at once. */
  more: boolean;
  /** Seconds since this node last read the changes of other nodes. */
  lag_seconds: number;
  entries: (RevokedToken | RevokedTokens | RevokedKey | InactiveClient | ChangedClient)[];
}

export interface RevocationQuery {
  /** From the last answer. Without it, the answer starts from the beginning. */
  cursor?: string;
  /** Seconds to wait if there are no new entries. */
  wait?: number;
  /** Signed with the answer, which proves that it is new, whatever the clocks say. Such an answer is signed for one follower alone. */
  nonce?: string;
}

export interface AuditEvent {
  /** Counts from 1, without gaps. */
  sequence: number;
  occurred_at: string;
  /** Id of a client; `postern` for the server; `initial_access_token` if there was no client yet. */
  actor: string;
  kind:
    | 'client.created'
    | 'client.updated'
    | 'client.revoked'
    | 'client.deleted'
    | 'client_document.requested'
    | 'client_document.approved'
    | 'client_document.rejected'
    | 'client_document.changed'
    | 'client_policy.saved'
    | 'client_policy.deleted'
    | 'root.changed'
    | 'root.disabled'
    | 'root.replaced'
    | 'secret.created'
    | 'secret.rehashed'
    | 'secret.deleted'
    | 'token.revoked'
    | 'all_tokens.revoked'
    | 'role.saved'
    | 'role.deleted'
    | 'person.saved'
    | 'session.started'
    | 'session.ended'
    | 'history.lost'
    | 'scope.saved'
    | 'scope.deleted'
    | 'resource.saved'
    | 'resource.deleted'
    | 'issuer.saved'
    | 'issuer.deleted'
    | 'authorization_details_type.saved'
    | 'authorization_details_type.deleted'
    | 'initial_access_token.created'
    | 'initial_access_token.deleted'
    | 'registration_access_token.rotated'
    | 'registration_access_token.ended'
    | 'master_key.added'
    | 'master_key.removed'
    | 'key.created'
    | 'key.deleted'
    | 'key.revoked'
    | 'key.resumed'
    | 'stream.saved'
    | 'stream.paused'
    | 'stream.verification_requested'
    | 'stream.deleted'
    | 'policy.saved'
    | 'policy.deleted'
    | 'rule.saved'
    | 'rule.deleted'
    | 'rule_target.saved'
    | 'rule_target.deleted'
    | 'storage_config.saved'
    | 'storage_config.deleted';
  /** Id of what was changed. */
  subject: string;
  /** Never a secret, a digest of one or a token. */
  data: Record<string, unknown>;
  /** The hash of this event and of the hash before it. */
  hash: string;
}

export interface AuditName {
  name: string | null;
  deleted: boolean;
}

export interface AuditPage {
  items: AuditEvent[];
  next: number | null;
  /** Sequence number of the last event of the log. */
  head: number;
  /** By their ids, the clients and people that are the actor or the subject of an item; with names=true only. */
  names?: Record<string, AuditName>;
}

export interface EventQuery {
  /** Events with a greater sequence number only. */
  after?: number;
  /** Events with a smaller sequence number only. */
  before?: number;
  size?: number;
  /** Oldest first, or newest first. */
  order?: 'asc' | 'desc';
  /** A kind, or a prefix that ends with a dot, such as `client.`. Kinds: client.created, client.updated, client.revoked, client.deleted, client_document.requested, client_document.approved, client_document.rejected, client_document.changed, client_policy.saved, client_policy.deleted, root.changed, root.disabled, root.replaced, secret.created, secret.rehashed, secret.deleted, token.revoked, all_tokens.revoked, role.saved, role.deleted, person.saved, session.started, session.ended, history.lost, scope.saved, scope.deleted, resource.saved, resource.deleted, issuer.saved, issuer.deleted, authorization_details_type.saved, authorization_details_type.deleted, initial_access_token.created, initial_access_token.deleted, registration_access_token.rotated, registration_access_token.ended, master_key.added, master_key.removed, key.created, key.deleted, key.revoked, key.resumed, stream.saved, stream.paused, stream.verification_requested, stream.deleted, policy.saved, policy.deleted, rule.saved, rule.deleted, rule_target.saved, rule_target.deleted, storage_config.saved, storage_config.deleted. */
  kind?: string;
  /** Id of the client that made the change. */
  actor?: string;
  /** Id of what was changed. */
  subject?: string;
  /** Events of that time or later only, such as `2026-11-01T00:00:00Z`. */
  from?: string;
  /** Events before that time only. */
  until?: string;
  /** Whether the answer has the names of the clients and people that the events name by their ids. */
  names?: 'true' | 'false';
  /** Seconds to wait for an event if there is none; with order=asc only. */
  wait?: number;
}

export interface AuditHead {
  /** The hash before the first event. */
  log_id: string;
  /** Of the last event; 0 if there is none. */
  sequence: number;
  hash: string;
}

export interface Checkpoint {
  log_id: string;
  sequence: number;
  hash: string;
  signed_at: string;
  /** JWK; it follows from the master key. */
  public_key: {
    kty: 'OKP';
    crv: 'Ed25519';
    x: string;
  };
  /** Ed25519, base64url, over JSON.stringify([log_id, sequence, hash, signed_at]). */
  signature: string;
}

export interface TokenCheck {
  name: 'form' | 'issuer' | 'signature' | 'claims' | 'time' | 'audience' | 'binding' | 'status' | 'scope';
  /** `unknown`: the caller may not learn it. */
  result: 'ok' | 'failed' | 'unknown';
  /** Why it failed, as in the log of the server. */
  reason?: string;
  /** What is true, for people. */
  detail: string;
  /** What to do about it, for people. */
  advice?: string;
}

export interface TokenExplanation {
  /** `passes` if no check failed; some may be unknown. */
  verdict: 'passes' | 'refused';
  reason: string | null;
  /** In the order of a guard. A token that is not genuine has only those up to `time`. */
  checks: TokenCheck[];
  header: {
    [name: string]: unknown;
  } | null;
  claims: {
    [name: string]: unknown;
  } | null;
  /** The clients on whose status a genuine token depends. */
  clients: string[];
  /** The time by which the token was judged. */
  server_time: string;
}

export interface TokenQuestion {
  /** The access token. It is neither logged nor stored. */
  token: string;
  /** Scopes that the call needs, with spaces between them. */
  scope?: string;
  /** The API that is called: the identifier of its resource, or the issuer. Default: any. */
  audience?: string;
  /** Whether the caller proves that a bound token is its own, with a DPoP proof or its certificate. */
  proof?: boolean;
}

export interface DescendantCount {
  /** The client that got the tokens. */
  client_id: string;
  /** What the tokens are for. */
  resource: string;
  tokens_issued: number;
  /** When the last of them expires. */
  last_expires_at: string;
}

export interface Descendants {
  /** Tokens that were exchanged for it, directly or indirectly, whether or not they were revoked since, by clients and for resources of which some may still be active. Those that other nodes issued in the last seconds may be missing. */
  tokens_issued: number;
  /** False if there were too many to count: then there may be more. Whatever is not counted ends too. */
  is_complete: boolean;
  /** The clients and resources with the most tokens, at most 50. */
  issued_to: DescendantCount[];
}

export interface TokenTree {
  /** What is meant: one token, one of which only the id is known, or all tokens of a client that were issued so far. A client with 1,000 revoked tokens that have not expired loses all, whichever of its tokens is revoked. */
  kind: 'token' | 'jti' | 'client';
  jti: string | null;
  client_id: string | null;
  expires_at: string | null;
  /** `unknown`: Postern keeps no list of the tokens that it issued, so of an id it can only say whether it was revoked. */
  status: 'active' | 'inactive' | 'unknown';
  descendants: Descendants;
}

export interface TokenTreeRoot {
  /** The access token. It is not logged. */
  token?: string;
  /** The id of an access token, as the log of the server and the token have it: a UUID. */
  jti?: string;
  /** The client, or the person, as the audit trail has it. */
  client_id?: string;
}

export interface Whoami {
  /** As the audit trail names them. */
  client_id: string;
  kind: 'person' | 'client' | 'root';
  name: string | null;
  email: string | null;
  role: string | null;
  /** Those of the token. */
  scopes: string[];
  /** When the token expires. */
  expires_at: string;
}

export interface ReceiverStream {
  id: string;
  /** The receiver. */
  client_id: string;
  description: string | null;
  delivery: {
    method: string;
    endpoint_url: string;
  };
  events_delivered: string[];
  default_subjects: 'ALL' | 'NONE';
  status: 'enabled' | 'paused' | 'disabled';
  reason: string | null;
  fault: string | null;
  created_at: string;
}

/** The scopes that the operations require. */
export const managementScopes: readonly string[] = [
  'audit:read',
  'authorization_details_type:create_or_update',
  'authorization_details_type:delete',
  'authorization_details_type:read',
  'batch:apply',
  'client:choose_id',
  'client:create',
  'client:delete',
  'client:read',
  'client:update',
  'client_document:approve',
  'client_document:read',
  'client_policy:create_or_update',
  'client_policy:delete',
  'client_policy:read',
  'initial_access_token:create',
  'initial_access_token:delete',
  'initial_access_token:read',
  'issuer:create_or_update',
  'issuer:delete',
  'issuer:read',
  'key:delete',
  'key:read',
  'key:revoke',
  'key:rotate',
  'person:read',
  'policy:create_or_update',
  'policy:delete',
  'policy:read',
  'resource:create_or_update',
  'resource:delete',
  'resource:read',
  'revocation:read',
  'role:create_or_update',
  'role:delete',
  'role:read',
  'rule:create_or_update',
  'rule:delete',
  'rule:read',
  'scope:create_or_update',
  'scope:delete',
  'scope:read',
  'storage:create_or_update',
  'storage:delete',
  'storage:read',
  'stream:delete',
  'stream:read',
  'token:revoke',
];

/** One function for each operation. It sends nothing: it returns the call as a value, for `send` or for a batch. */
export const operations = {
  clients: {
    /**
     * Create a client.
     * The body is an object, or a bare array of scopes, or empty for a client without scopes.
     * Requires the scope `client:create`.
     */
    create: (body: NewClientBody) => change<CreatedClient>('POST', path`/api/v1/oauth/client`, body),
    /**
     * List clients.
     * Requires the scope `client:read`.
     */
    list: (query?: ClientQuery) => read<Page<ListedClient>>(path`/api/v1/oauth/client`, query),
    /**
     * Read a client.
     * Requires the scope `client:read`.
     */
    get: (clientId: string) => read<Client>(path`/api/v1/oauth/client/${clientId}`),
    /**
     * Change a client.
     * Changes the members that are sent. Tokens with a withdrawn scope are revoked at once.
     * Requires the scope `client:update`.
     */
    update: (clientId: string, body: ClientBody) =>
      change<Client>('PATCH', path`/api/v1/oauth/client/${clientId}`, body),
    /**
     * Delete a client and revoke its tokens at once.
     * Requires the scope `client:delete`.
     */
    delete: (clientId: string) => change<void>('DELETE', path`/api/v1/oauth/client/${clientId}`),
    /**
     * Revoke all tokens of a client that were issued so far.
     * Its sessions end too. With the id of a person, as the audit trail has it, all sessions of that person end.
     * Requires the scope `token:revoke`.
     */
    revokeTokens: (clientId: string) => change<void>('POST', path`/api/v1/oauth/client/${clientId}/revoke`),
    /**
     * Read the scopes of a client.
     * Requires the scope `client:read`.
     */
    getScopes: (clientId: string) => read<string[]>(path`/api/v1/oauth/client/${clientId}/scope`),
    /**
     * Set the scopes of a client.
     * The body is an object, or a bare array of scopes. They replace its present scopes.
     * Requires the scope `client:update`.
     */
    setScopes: (clientId: string, body: ScopesBody) =>
      change<string[]>('PUT', path`/api/v1/oauth/client/${clientId}/scope`, body),
    /**
     * Read how many tokens a client got, by scope.
     * Tokens that other nodes issued within the last minute may be missing.
     * Requires the scope `client:read`.
     */
    getUsage: (clientId: string) => read<ClientUsage>(path`/api/v1/oauth/client/${clientId}/usage`),
  },
  secrets: {
    /**
     * Create a new secret for a client.
     * Requires the scope `client:update`.
     */
    rotate: (clientId: string, body: SecretRotation) =>
      change<RotatedSecret>('POST', path`/api/v1/oauth/client/${clientId}/secret`, body),
    /**
     * List the secrets of a client, oldest first; never the secrets themselves.
     * Requires the scope `client:read`.
     */
    list: (clientId: string, query?: PageQuery) =>
      read<Page<ClientSecret>>(path`/api/v1/oauth/client/${clientId}/secret`, query),
    /**
     * Delete a secret, which can no longer be used.
     * Requires the scope `client:update`.
     */
    delete: (clientId: string, secretId: string) =>
      change<void>('DELETE', path`/api/v1/oauth/client/${clientId}/secret/${secretId}`),
  },
  clientDocuments: {
    /**
     * List client ID metadata documents, the oldest request first.
     * Requires the scope `client_document:read`.
     */
    list: (query?: ClientDocumentQuery) => read<Page<ClientDocument>>(path`/api/v1/oauth/client-document`, query),
    /**
     * Read what the client ID metadata document of a client said last.
     * Requires the scope `client_document:read`.
     */
    get: (clientId: string) => read<ClientDocument>(path`/api/v1/oauth/client-document/${clientId}`),
    /**
     * Reject a client that waits for approval.
     * For 30 days. A client that was approved is disabled or deleted instead.
     * Requires the scope `client_document:approve`.
     */
    reject: (clientId: string) =>
      change<ClientDocument>('POST', path`/api/v1/oauth/client-document/${clientId}/reject`),
  },
  scopes: {
    /**
     * List the scopes that a client can hold.
     * Also at `/api/v1/oauth/scopes`. With a cursor it is answered in pages, with descriptions and ETags.
     * Requires the scope `scope:read`.
     */
    list: (query?: ScopeQuery) => read<Page<Scope>>(path`/api/v1/oauth/scope`, { ...{ cursor: '' }, ...query }),
    /**
     * Add scopes of your own, or change their descriptions.
     * The body is an array of scopes, or one alone: all are saved, or none. Built-in ones stay.
     * Requires the scope `scope:create_or_update`.
     */
    save: (body: ScopeBody[]) => change<Scope[]>('PUT', path`/api/v1/oauth/scope`, body),
    /**
     * Read a scope.
     * Requires the scope `scope:read`.
     */
    get: (name: string) => read<Scope>(path`/api/v1/oauth/scope/${name}`),
    /**
     * Delete a scope of your own that no client and no resource has any more.
     * Requires the scope `scope:delete`.
     */
    delete: (name: string) => change<void>('DELETE', path`/api/v1/oauth/scope/${name}`),
  },
  roles: {
    /**
     * List the roles that people can have.
     * Requires the scope `role:read`.
     */
    list: (query?: PageQuery) => read<Page<Role>>(path`/api/v1/oauth/role`, query),
    /**
     * Create a role, or change the one with that name.
     * Whoever saves a role must be able to give all that it can do, before and after. People who have the role can do at once what it says now.
     * Requires the scope `role:create_or_update`.
     */
    save: (body: RoleBody) => change<Role>('PUT', path`/api/v1/oauth/role`, body),
    /**
     * Read a role.
     * Requires the scope `role:read`.
     */
    get: (name: string) => read<Role>(path`/api/v1/oauth/role/${name}`),
    /**
     * Delete a role: people who have it can do nothing any more.
     * Requires the scope `role:delete`.
     */
    delete: (name: string) => change<void>('DELETE', path`/api/v1/oauth/role/${name}`),
  },
  initialAccessTokens: {
    /**
     * Create an initial access token, with which clients can be registered.
     * Requires the scope `initial_access_token:create`.
     */
    create: (body: InitialAccessTokenBody) =>
      change<CreatedInitialAccessToken>('POST', path`/api/v1/oauth/initial-access-token`, body),
    /**
     * List initial access tokens, oldest first; never the tokens themselves.
     * Requires the scope `initial_access_token:read`.
     */
    list: (query?: PageQuery) => read<Page<InitialAccessToken>>(path`/api/v1/oauth/initial-access-token`, query),
    /**
     * Read an initial access token.
     * Requires the scope `initial_access_token:read`.
     */
    get: (id: string) => read<InitialAccessToken>(path`/api/v1/oauth/initial-access-token/${id}`),
    /**
     * Delete an initial access token; the clients that were registered with it stay.
     * Requires the scope `initial_access_token:delete`.
     */
    delete: (id: string) => change<void>('DELETE', path`/api/v1/oauth/initial-access-token/${id}`),
  },
  resources: {
    /**
     * List the resources that tokens can be for, by key.
     * Requires the scope `resource:read`.
     */
    list: (query?: PageQuery) => read<Page<Resource>>(path`/api/v1/oauth/resource`, query),
    /**
     * Create a resource, or change the one with that key.
     * Requires the scope `resource:create_or_update`.
     */
    save: (body: Resource) => change<Resource>('PUT', path`/api/v1/oauth/resource`, body),
    /**
     * Read a resource.
     * Requires the scope `resource:read`.
     */
    get: (resourceKey: string) => read<Resource>(path`/api/v1/oauth/resource/${resourceKey}`),
    /**
     * Delete a resource; no more tokens are issued for it.
     * Requires the scope `resource:delete`.
     */
    delete: (resourceKey: string) => change<void>('DELETE', path`/api/v1/oauth/resource/${resourceKey}`),
  },
  issuers: {
    /**
     * List the trusted issuers of tokens of workloads and people, by key.
     * Requires the scope `issuer:read`.
     */
    list: (query?: PageQuery) => read<Page<TrustedIssuer>>(path`/api/v1/oauth/issuer`, query),
    /**
     * Create a trusted issuer, or change the one with that key.
     * Requires the right to give all that the clients of its rules can do. Revokes the tokens of the clients of rules that it deletes or changes.
     * Requires the scope `issuer:create_or_update`.
     */
    save: (body: TrustedIssuerBody) => change<TrustedIssuer>('PUT', path`/api/v1/oauth/issuer`, body),
    /**
     * Read a trusted issuer.
     * Requires the scope `issuer:read`.
     */
    get: (issuerKey: string) => read<TrustedIssuer>(path`/api/v1/oauth/issuer/${issuerKey}`),
    /**
     * Trust an issuer no longer; the clients of its rules lose their tokens.
     * Requires the scope `issuer:delete`.
     */
    delete: (issuerKey: string) => change<void>('DELETE', path`/api/v1/oauth/issuer/${issuerKey}`),
  },
  authorizationDetailsTypes: {
    /**
     * List the types of authorization details, by name.
     * Requires the scope `authorization_details_type:read`.
     */
    list: (query?: PageQuery) =>
      read<Page<AuthorizationDetailsType>>(path`/api/v1/oauth/authorization-details-type`, query),
    /**
     * Create a type of authorization details, or change the one with that name.
     * Tokens that were issued before a change stay as they are.
     * Requires the scope `authorization_details_type:create_or_update`.
     */
    save: (body: AuthorizationDetailsType) =>
      change<AuthorizationDetailsType>('PUT', path`/api/v1/oauth/authorization-details-type`, body),
    /**
     * Read a type of authorization details.
     * Requires the scope `authorization_details_type:read`.
     */
    get: (type: string) => read<AuthorizationDetailsType>(path`/api/v1/oauth/authorization-details-type/${type}`),
    /**
     * Delete a type of authorization details; no more tokens are issued with it.
     * Requires the scope `authorization_details_type:delete`.
     */
    delete: (type: string) => change<void>('DELETE', path`/api/v1/oauth/authorization-details-type/${type}`),
  },
  clientPolicies: {
    /**
     * List the client policies, by name.
     * Requires the scope `client_policy:read`.
     */
    list: (query?: PageQuery) => read<Page<ClientPolicy>>(path`/api/v1/oauth/client-policy`, query),
    /**
     * Create a client policy, or change the one with that name.
     * It holds at once for every call that creates or changes a client, and for all tokens that are issued from then on, also to clients from before. Tokens that were issued earlier stay as they are.
     * Requires the scope `client_policy:create_or_update`.
     */
    save: (body: ClientPolicy) => change<ClientPolicy>('PUT', path`/api/v1/oauth/client-policy`, body),
    /**
     * Read a client policy.
     * Requires the scope `client_policy:read`.
     */
    get: (name: string) => read<ClientPolicy>(path`/api/v1/oauth/client-policy/${name}`),
    /**
     * Delete a client policy.
     * Requires the scope `client_policy:delete`.
     */
    delete: (name: string) => change<void>('DELETE', path`/api/v1/oauth/client-policy/${name}`),
  },
  policies: {
    /**
     * List policies with their rules, oldest first.
     * Requires the scope `policy:read`.
     */
    list: (query?: PageQuery) => read<Page<Policy>>(path`/api/v1/policy`, query),
    /**
     * Create or update policies.
     * An element with the key of an existing policy updates the members that it sends. Any other element creates a policy and requires `name`; without `key`, the key is derived from the name. PUT and PATCH do the same.
     * Requires the scope `policy:create_or_update`.
     */
    save: (body: PolicyElement[]) => change<BulkAnswer<Policy>>('PUT', path`/api/v1/policy`, body),
    /**
     * Read a policy with its rules.
     * Requires the scope `policy:read`.
     */
    get: (policyKey: string) => read<Policy>(path`/api/v1/policy/${policyKey}`),
    /**
     * Delete a policy with its rules and their targets.
     * Requires the scope `policy:delete`.
     */
    delete: (policyKey: string) => change<void>('DELETE', path`/api/v1/policy/${policyKey}`),
  },
  rules: {
    /**
     * List the rules of a policy, oldest first.
     * Requires the scope `rule:read`.
     */
    list: (policyKey: string, query?: PageQuery) => read<Page<Rule>>(path`/api/v1/policy/${policyKey}/rule`, query),
    /**
     * Create or update rules of a policy.
     * An element with the key of an existing rule updates the members that it sends. Any other element creates a rule and requires `name` and `action_type`; without `key`, the key is derived from the name. PUT and PATCH do the same. No two erasure rules of a policy may target the same data.
     * Requires the scope `rule:create_or_update`.
     */
    save: (policyKey: string, body: RuleElement[]) =>
      change<BulkAnswer<Rule>>('PUT', path`/api/v1/policy/${policyKey}/rule`, body),
    /**
     * Read a rule with its targets.
     * Requires the scope `rule:read`.
     */
    get: (policyKey: string, ruleKey: string) => read<Rule>(path`/api/v1/policy/${policyKey}/rule/${ruleKey}`),
    /**
     * Delete a rule with its targets.
     * Requires the scope `rule:delete`.
     */
    delete: (policyKey: string, ruleKey: string) =>
      change<void>('DELETE', path`/api/v1/policy/${policyKey}/rule/${ruleKey}`),
  },
  targets: {
    /**
     * Create or update targets of a rule.
     * An element with the key of an existing target updates the members that it sends. Any other element creates a target and requires `data_category`; without `key`, the key is derived from the name, or from rule and category. PUT and PATCH do the same. No erasure target of a policy may equal or include another.
     * Requires the scope `rule:create_or_update`.
     */
    save: (policyKey: string, ruleKey: string, body: TargetElement[]) =>
      change<BulkAnswer<Target>>('PUT', path`/api/v1/policy/${policyKey}/rule/${ruleKey}/target`, body),
    /**
     * Delete a target.
     * Requires the scope `rule:delete`.
     */
    delete: (policyKey: string, ruleKey: string, targetKey: string) =>
      change<void>('DELETE', path`/api/v1/policy/${policyKey}/rule/${ruleKey}/target/${targetKey}`),
  },
  storage: {
    /**
     * List storage destinations, oldest first.
     * Requires the scope `storage:read`.
     */
    list: (query?: PageQuery) => read<Page<StorageConfig>>(path`/api/v1/storage/config`, query),
    /**
     * Create or update storage destinations.
     * An element with the key of an existing destination updates the members that it sends; `details` are replaced as a whole. Any other element creates a destination and requires `name` and `type`; without `key`, the key is derived from the name. PUT and PATCH do the same.
     * Requires the scope `storage:create_or_update`.
     */
    save: (body: StorageElement[]) => change<BulkAnswer<StorageConfig>>('PUT', path`/api/v1/storage/config`, body),
    /**
     * Read a storage destination.
     * Requires the scope `storage:read`.
     */
    get: (configKey: string) => read<StorageConfig>(path`/api/v1/storage/config/${configKey}`),
    /**
     * Delete a storage destination that no rule uses.
     * Requires the scope `storage:delete`.
     */
    delete: (configKey: string) => change<void>('DELETE', path`/api/v1/storage/config/${configKey}`),
  },
  batch: {
    /**
     * Make many changes at once, all or none.
     * The token also needs the scopes of all the operations. One batch runs at a time; other changes go on meanwhile.
     * Requires the scope `batch:apply`.
     */
    apply: (body: BatchBody) => change<BatchAnswer>('POST', path`/api/v1/batch`, body),
  },
  usage: {
    /**
     * List the clients with scopes that they do not use, oldest first.
     * Requires the scope `client:read`.
     */
    listUnusedScopes: (query?: UnusedScopesQuery) => read<Page<UnusedScopes>>(path`/api/v1/oauth/usage/unused`, query),
  },
  statistics: {
    /**
     * Read how many token requests succeeded and failed, by hour.
     * Tokens that other nodes issued within the last minute may be missing.
     * Requires the scope `audit:read`.
     */
    get: (query?: StatisticsQuery) => read<Statistics>(path`/api/v1/oauth/statistics`, query),
  },
  failures: {
    /**
     * List which clients fail to get tokens, from where and why.
     * Of all nodes; those of other nodes are known after five seconds. A failure is listed until it has been over for 7 days. For one client and reason the latest twenty addresses are kept, and more of them at the same time are put together.
     * Requires the scope `audit:read`.
     */
    list: (query?: FailureQuery) => read<Page<Failure>>(path`/api/v1/oauth/failures`, query),
  },
  people: {
    /**
     * List the people who sign in, in the order of their first sign-in.
     * Whoever has not signed in for 400 days is not listed any more. The sessions of a person end if you revoke their tokens, as those of a client, by their id.
     * Requires the scope `person:read`.
     */
    list: (query?: PageQuery) => read<Page<Person>>(path`/api/v1/oauth/person`, query),
  },
  keys: {
    /**
     * List the signing keys, oldest first.
     * Requires the scope `key:read`.
     */
    list: (query?: PageQuery) => read<Page<SigningKey>>(path`/api/v1/oauth/key`, query),
    /**
     * Create the next signing key.
     * It is published at once and signs POSTERN_KEY_LEAD_MINUTES later, when every cached JWKS has it. The previous key stays published until its last token has expired. While the next key of an algorithm does not sign yet, or 20 keys are published, the answer is 409, with the time from which it can be rotated.
     * Requires the scope `key:rotate`.
     */
    rotate: (body: KeyRotation) => change<SigningKey>('POST', path`/api/v1/oauth/key/rotate`, body),
    /**
     * Delete a signing key that has not signed yet.
     * The key before it continues to sign. A key that may have signed is not deleted (409), but revoked.
     * Requires the scope `key:delete`.
     */
    delete: (kid: string) => change<void>('DELETE', path`/api/v1/oauth/key/${kid}`),
    /**
     * Revoke a signing key that has leaked, and all tokens that it signed.
     * It is no longer published, and the tokens that it signed are refused at once, as are those that were exchanged for them. If it signs, another key does so at once; APIs that keep a copy of the JWKS may refuse its tokens until they fetch the JWKS again. A key of the revocation feed can be revoked too: another one signs the feed at once, and no token is lost.
     * Requires the scope `key:revoke`.
     */
    revoke: (kid: string) => change<void>('POST', path`/api/v1/oauth/key/${kid}/revoke`),
  },
  revocations: {
    /**
     * Stream token revocations.
     * For APIs that verify tokens locally. An answer has at most 1000 entries, each with the current state of a token or client. With an unknown cursor, the answer starts from the beginning. The header `Revocations-Signature` has a JWT over the answer, by a key of `/.well-known/revocation-feed-jwks.json`.
     * Requires the scope `revocation:read`.
     */
    read: (query?: RevocationQuery) => read<RevocationFeed>(path`/api/v1/oauth/revocations`, query),
  },
  events: {
    /**
     * Read the audit trail: who changed what and when.
     * Requires the scope `audit:read`.
     */
    list: (query?: EventQuery) => read<AuditPage>(path`/api/v1/oauth/events`, query),
    /**
     * Read where the audit trail ends, by what the database says.
     * Requires the scope `audit:read`.
     */
    getHead: () => read<AuditHead>(path`/api/v1/oauth/events/head`),
    /**
     * Read a signed checkpoint of the audit trail, to keep elsewhere.
     * Verifies the whole trail first; if it was changed, the answer is 409 and says where.
     * Requires the scope `audit:read`.
     */
    getCheckpoint: () => read<Checkpoint>(path`/api/v1/oauth/events/checkpoint`),
  },
  tokens: {
    /**
     * Explain why an access token is accepted or refused.
     * Every check of a guard with its result, and what to do about it. It can be called without an access token; with one, the answer says more. Whether a token is active, and why not, is disclosed to its own client and to holders of `revocation:read`; what the settings of its client show, to holders of `client:read`. A client that may introspect the token learns only whether it is active.
     */
    explain: (body: TokenQuestion) => change<TokenExplanation>('POST', path`/api/v1/oauth/explain`, body),
    /**
     * Revoke a token of any client, with all that was exchanged for it.
     * As `POST /api/v1/oauth/revoke`, with an access token instead of the credentials of a client. It names exactly one of a token, the `jti` of one, and a client, whose tokens that were issued so far are all meant. A token that is not of this server, or has expired, is an error (422). Of a client with 1,000 revoked tokens that have not expired, the next call revokes all tokens.
     * Requires the scope `token:revoke`.
     */
    revoke: (body: TokenTreeRoot) => change<TokenTree>('POST', path`/api/v1/oauth/revoke_one`, body),
    /**
     * Read what would be revoked with a token or client.
     * Takes what `POST /api/v1/oauth/revoke_one` takes, answers what that would answer now, and changes nothing. It is a POST so that no token is in a URL.
     * Requires the scope `token:revoke`.
     */
    previewRevocation: (body: TokenTreeRoot) => change<TokenTree>('POST', path`/api/v1/oauth/revoke_one/preview`, body),
    /**
     * Read who holds the access token.
     * It requires no scope.
     */
    whoami: () => read<Whoami>(path`/api/v1/whoami`),
    /**
     * Revoke every token that was issued so far.
     * Of all clients and of root, the token of this call among them. Clients may request new tokens at once. For emergencies: after a backup was restored, whose revocations of tokens are incomplete, or after a theft of tokens.
     * Requires the scope `token:revoke`.
     */
    revokeAll: () => change<void>('POST', path`/api/v1/oauth/revoke_all`),
  },
  streams: {
    /**
     * List the event streams of all receivers.
     * Oldest first. Receivers create and change their streams themselves, at /api/v1/ssf/stream.
     * Requires the scope `stream:read`.
     */
    list: (query?: PageQuery) => read<Page<ReceiverStream>>(path`/api/v1/oauth/stream`, query),
    /**
     * Read an event stream of any receiver.
     * Requires the scope `stream:read`.
     */
    get: (id: string) => read<ReceiverStream>(path`/api/v1/oauth/stream/${id}`),
    /**
     * Delete an event stream of any receiver.
     * Requires the scope `stream:delete`.
     */
    delete: (id: string) => change<void>('DELETE', path`/api/v1/oauth/stream/${id}`),
  },
} as const;
