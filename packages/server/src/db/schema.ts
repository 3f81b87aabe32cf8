/** The server's tables as Kysely types: text and integers only, so that one schema fits both databases. */
import type { ColumnType } from 'kysely';

export interface ClientTable {
  id: string;
  name: string | null;
  description: string | null;
  /** JSON array of scope names. */
  scopes: string;
  /** JSON array of scope names. Null: POSTERN_DELEGATION decides. */
  grantable_scopes: string | null;
  /** 1 or 0. */
  enabled: number;
  access_token_ttl_seconds: number | null;
  /** RFC 3339, UTC. Null: never. */
  expires_at: string | null;
  generation: number;
  /** JSON object: the metadata of RFC 7591 and related RFCs that differs from the default. */
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
  /** Keyed digest, base64url. The secret itself is not stored. Null: see `imported_digest`. */
  digest: string | null;
  /** How another server computed `imported_digest`, with the cost of a check: see `imported-digest.ts`. */
  imported_form: string | null;
  /** The digest of another server, encrypted under the root secret, until the first use of the secret replaces it. */
  imported_digest: string | null;
  /** Null if it is unknown, or too large a part of the secret. */
  last_four: string | null;
  created_at: string;
  /** Null: never. */
  expires_at: string | null;
  /** Null: never used, as far as was recorded. */
  last_used_at: string | null;
}

export interface MasterKeyTable {
  id: string;
  /** What all other keys derive from, encrypted with the master key. */
  sealed_root_secret: string;
  added_at: string;
}

export interface SigningKeyTable {
  kid: string;
  alg: string;
  /** PKCS #8, encrypted under the root secret. */
  sealed_private_key: string;
  created_at: string;
  signs_from: string;
  /** Null as long as it has no successor. */
  signs_until: string | null;
  /** The longest lifetime of a token that it may have signed. */
  longest_ttl_seconds: number;
}

export interface EventTable {
  sequence: number;
  occurred_at: string;
  /** The client that made the change, `postern` itself, or `initial_access_token` for a caller that is no client yet. */
  actor: string;
  kind: string;
  /** The id of the thing that changed. */
  subject: string;
  /** What has a new version: kind and id, as `thingOf` has them. Null: nothing has. */
  thing: string | null;
  /** JSON object. */
  data: ColumnType<string, string, never>;
  hash: string;
  /** Of the hash, base64url, under a key from the root secret. */
  mac: string;
}

/** Always has one row. */
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
  access_token_typ: string;
  /** JSON array of client ids. */
  introspection_clients: string;
}

/** Finds the resources that name a client: `introspection_clients` of each, one by one. */
export interface ResourceClientTable {
  client_id: string;
  resource_key: string;
}

export interface AuthorizationDetailsTypeTable {
  type: string;
  description: string | null;
  /** JSON Schema. */
  schema: string;
}

export interface ClientPolicyTable {
  name: string;
  /** JSON object: its other members. */
  policy: string;
}

export interface RevokedTokenTable {
  jti: string;
  client_id: string;
  /** Null for a token of root. */
  generation: number | null;
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
  /** JSON object. Null: the keys are at `jwks_uri`, or discovered. */
  jwks: string | null;
  jwks_uri: string | null;
  /** Null: the issuer identifier of this server. */
  audience: string | null;
  max_age_seconds: number;
  /** 1 or 0. */
  single_use: number;
  /** JSON array. */
  rules: string;
}

/** Finds the trusted issuers with a rule for a client: the clients of the `rules` of each, one by one. */
export interface IssuerClientTable {
  client_id: string;
  issuer_key: string;
}

export interface ClientDocumentTable {
  /** The URL of the document. There is a client with this id if the status is `approved`. */
  client_id: string;
  host: string;
  status: 'pending' | 'rejected' | 'approved';
  /** JSON of what it said last. */
  document: string;
  /** JSON of what it said when its client was approved. */
  approved: string | null;
  requested_at: string;
  changed_at: string;
  expires_at: string | null;
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
  /** Id of the client that created it. */
  created_by: string;
  expires_at: string;
}

export interface RegistrationTable {
  client_id: string;
  /** Keyed digest of the registration access token, base64url. */
  digest: string;
  /** JSON object: for each member of reach that the client can register, an array of names, or null for no limit. */
  limits: string;
}

export interface KeptAnswerTable {
  /** Keyed digest of client, Idempotency-Key and number of the change, base64url. */
  id: string;
  client_id: string;
  /** Keyed digest of the call, base64url. */
  request: string;
  /** Encrypted under a key that takes the Idempotency-Key. */
  answer: string;
  /** The length of `answer`. */
  bytes: number;
  /** Seconds since 1970. */
  expires_at: number;
}

export interface PeriodCounterTable {
  /** Keyed digest of what is counted, base64url. */
  key: string;
  /** When the period ends, in milliseconds since 1970. */
  ends_at: number;
  /** The process that counted. */
  node: string;
  count: number;
}

export interface OwnScopeTable {
  name: string;
  description: string;
}

/** Always has one row. */
export interface OwnScopesVersionTable {
  /** Random; another after each change of the table of scopes. */
  version: string;
}

/** Every client has a row. */
export interface ClientUsageTable {
  client_id: string;
  tokens_issued: number;
  /** RFC 3339, UTC; empty: it has never got a token. */
  last_issued_at: string;
}

export interface ScopeUsageTable extends ClientUsageTable {
  scope: string;
}

export interface TokenFailureTable {
  /** The client, the address and the reason. */
  key: string;
  /** Null: none that exists. */
  client_id: string | null;
  /** Null: many. */
  address: string | null;
  reason: string;
  requests: number;
  /** RFC 3339, UTC. */
  since: string;
  last_at: string;
}

/** Tokens of one client for one resource that were exchanged for a token, directly or indirectly. */
export interface TokenDescendantTable {
  /** Of the token behind them. Empty: such that are not counted below all tokens behind them. */
  jti: string;
  /** The client that the token behind them was issued to. */
  ancestor_client_id: string;
  client_id: string;
  resource: string;
  tokens_issued: number;
  /** Those that are below no earlier token of the same ancestor client. */
  tokens_below_client: number;
  /** Seconds since 1970. */
  last_expires_at: number;
}

export interface TokenStatisticsTable {
  /** Hours since 1970. */
  hour: number;
  /** `issued`, or the reason for which the request was rejected. */
  outcome: string;
  requests: number;
}

export interface SessionTable {
  id: string;
  /** Keyed digest of its secret, base64url. */
  digest: string;
  client_id: string;
  generation: number;
  kind: string;
  /** RFC 3339, UTC. */
  created_at: string;
  /** Moves while the session is used. */
  expires_at: string;
  ends_at: string;
}

export interface SessionCodeTable {
  /** Keyed digest, base64url. */
  digest: string;
  client_id: string;
  generation: number;
  /** Of the session that it begins. */
  kind: string;
  /** The session of whoever asked for it. Null: they were authenticated just then. */
  parent_id: string | null;
  /** RFC 7636 §4.2, for `S256`. Null: whoever has the code may use it. */
  challenge: string | null;
  /** RFC 3339, UTC. */
  expires_at: string;
}

export interface RoleTable {
  name: string;
  description: string;
  /** JSON array of scope names. */
  scopes: string;
  /** JSON array of scope names. Null: POSTERN_DELEGATION decides. */
  grantable_scopes: string | null;
}

export interface PersonTable {
  id: string;
  /** The provider at which the person signs in, and how it calls them. */
  issuer: string;
  subject: string;
  name: string;
  email: string | null;
  /** The name of a role. Null: none. */
  role: string | null;
  /** RFC 3339, UTC. */
  first_signed_in_at: string;
  last_signed_in_at: string;
}

export interface StreamTable {
  id: string;
  client_id: string;
  /** `poll` or `push`. */
  method: string;
  /** Null: the receiver polls. */
  endpoint_url: string | null;
  /** Sealed with the master key. Null: the receiver wants none. */
  authorization_header: string | null;
  /** JSON array of URIs. Null: all. */
  events_requested: string | null;
  description: string | null;
  /** `ALL` or `NONE`. */
  default_subjects: string;
  status: string;
  reason: string | null;
  /** RFC 3339, UTC. */
  created_at: string;
  /** The last event of the log that needs no delivery any more. */
  position: number;
  /** JSON array of the ids of SETs after it that were received. */
  received: string;
  fault: string | null;
}

export interface StreamSubjectTable {
  stream_id: string;
  /** Removed from a stream about all subjects, or added to one about none. */
  subject: string;
}

/** Has one row while a process pushes events. */
export interface PushLeaseTable {
  id: number;
  holder: string;
  /** Milliseconds since 1970. */
  expires_at: number;
}

export interface HeartbeatTable {
  id: number;
  /** RFC 3339, UTC. */
  written_at: string;
}

export interface Database {
  heartbeat: HeartbeatTable;
  own_scopes: OwnScopeTable;
  own_scopes_version: OwnScopesVersionTable;
  client_usage: ClientUsageTable;
  scope_usage: ScopeUsageTable;
  token_descendants: TokenDescendantTable;
  token_statistics: TokenStatisticsTable;
  token_failures: TokenFailureTable;
  trusted_issuers: TrustedIssuerTable;
  client_documents: ClientDocumentTable;
  initial_access_tokens: InitialAccessTokenTable;
  registrations: RegistrationTable;
  resources: ResourceTable;
  resource_clients: ResourceClientTable;
  issuer_clients: IssuerClientTable;
  authorization_details_types: AuthorizationDetailsTypeTable;
  client_policies: ClientPolicyTable;
  revoked_tokens: RevokedTokenTable;
  used_tokens: UsedTokenTable;
  clients: ClientTable;
  client_secrets: ClientSecretTable;
  signing_keys: SigningKeyTable;
  master_keys: MasterKeyTable;
  events: EventTable;
  event_head: EventHeadTable;
  period_counters: PeriodCounterTable;
  kept_answers: KeptAnswerTable;
  sessions: SessionTable;
  session_codes: SessionCodeTable;
  roles: RoleTable;
  people: PersonTable;
  streams: StreamTable;
  stream_subjects: StreamSubjectTable;
  push_lease: PushLeaseTable;
}
