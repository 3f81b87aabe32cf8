/** The server's tables as Kysely types. Text and integers only, so that one schema serves every database. */
import type { ColumnType } from 'kysely';

export interface ClientTable {
  id: string;
  name: string | null;
  description: string | null;
  /** JSON array of scope names. */
  scopes: string;
  /** JSON array of scope names; null leaves it to POSTERN_DELEGATION. */
  grantable_scopes: string | null;
  /** 1 or 0. */
  enabled: number;
  access_token_ttl_seconds: number | null;
  generation: number;
  /** JSON object: what RFC 7591 and its relatives name, where it differs from the default. */
  metadata: string;
  /** RFC 3339, UTC. */
  created_at: string;
  updated_at: string;
  /** See `client-search-store.ts`. */
  search_text: string;
  sort_name: string;
}

export interface ClientSecretTable {
  id: string;
  client_id: string;
  /** Keyed digest, base64url. The secret itself is nowhere. */
  digest: string;
  last_four: string;
  created_at: string;
  /** Null: never. */
  expires_at: string | null;
  /** Null: never used, as far as was written down. */
  last_used_at: string | null;
}

export interface SigningKeyTable {
  kid: string;
  alg: string;
  /** PKCS #8, encrypted with the master key. */
  sealed_private_key: string;
  created_at: string;
  signs_from: string;
  /** Null while it has no successor. */
  signs_until: string | null;
  /** The longest lifetime of any token that it may have signed. */
  longest_ttl_seconds: number;
}

export interface EventTable {
  sequence: number;
  occurred_at: string;
  /** The client that made the change, `postern` itself, or `initial_access_token` for who is no client yet. */
  actor: string;
  kind: string;
  /** The id of what changed. */
  subject: string;
  /** JSON object. */
  data: ColumnType<string, string, never>;
  hash: string;
}

/** Has one row for ever. */
export interface EventHeadTable {
  log_id: string;
  sequence: number;
  hash: string;
}

export interface ResourceTable {
  key: string;
  identifier: string;
  /** JSON array of scope names. */
  scopes: string;
  access_token_ttl_seconds: number | null;
  signing_alg: string | null;
  /** JSON array of client ids. */
  introspection_clients: string;
}

export interface AuthorizationDetailsTypeTable {
  type: string;
  description: string | null;
  /** JSON Schema. */
  schema: string;
}

export interface RevokedTokenTable {
  jti: string;
  client_id: string;
  /** Seconds since 1970. */
  expires_at: number;
}

export interface UsedTokenTable {
  /** SHA-256 of kind, issuer and jti, base64url. */
  id: string;
  /** Seconds since 1970. */
  expires_at: number;
}

export interface TrustedIssuerTable {
  key: string;
  issuer: string;
  /** JSON object; null: at `jwks_uri`, or to be discovered. */
  jwks: string | null;
  jwks_uri: string | null;
  /** Null: Postern's issuer. */
  audience: string | null;
  max_age_seconds: number;
  /** 1 or 0. */
  single_use: number;
  /** JSON array. */
  rules: string;
}

export interface InitialAccessTokenTable {
  id: string;
  name: string | null;
  /** Keyed digest, base64url. */
  digest: string;
  /** JSON array of scope names. */
  scopes: string;
  /** JSON array of resource identifiers. */
  resources: string;
  max_uses: number;
  uses: number;
  created_at: string;
  /** Id of the client that made it. */
  created_by: string;
  expires_at: string;
}

export interface RegistrationTable {
  client_id: string;
  /** Keyed digest of the registration access token, base64url. */
  digest: string;
  /** JSON array of scope names, the most that the client may give itself. */
  scopes: string;
  /** JSON array of resource identifiers, likewise. */
  resources: string;
}

export interface MinuteCounterTable {
  /** What is counted. */
  key: string;
  /** Minutes since 1970. */
  minute: number;
  count: number;
}

export interface OwnScopeTable {
  name: string;
  description: string;
}

export interface ClientUsageTable {
  client_id: string;
  tokens_issued: number;
  last_issued_at: string;
}

export interface ScopeUsageTable extends ClientUsageTable {
  scope: string;
}

export interface TokenStatisticsTable {
  /** Hours since 1970. */
  hour: number;
  /** `issued`, or why the request was refused. */
  outcome: string;
  requests: number;
}

export interface Database {
  own_scopes: OwnScopeTable;
  client_usage: ClientUsageTable;
  scope_usage: ScopeUsageTable;
  token_statistics: TokenStatisticsTable;
  trusted_issuers: TrustedIssuerTable;
  initial_access_tokens: InitialAccessTokenTable;
  registrations: RegistrationTable;
  resources: ResourceTable;
  authorization_details_types: AuthorizationDetailsTypeTable;
  revoked_tokens: RevokedTokenTable;
  used_tokens: UsedTokenTable;
  clients: ClientTable;
  client_secrets: ClientSecretTable;
  signing_keys: SigningKeyTable;
  events: EventTable;
  event_head: EventHeadTable;
  minute_counters: MinuteCounterTable;
}
