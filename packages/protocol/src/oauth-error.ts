/** The one error that callers see, and the one table that gives it a status. RFC 6749 §5.2, RFC 6750 §3.1. */

/** Error codes and their HTTP status: the RFCs' own first, then those of the management APIs. */
const statusOf = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_target: 400,
  invalid_authorization_details: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  invalid_scope: 400,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  invalid_software_statement: 400,
  unapproved_software_statement: 400,
  /** The call needs a token and has none: the challenge then carries no error code (RFC 6750 §3.1). */
  missing_token: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  access_denied: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  content_too_large: 413,
  unsupported_media_type: 415,
  invalid_parameter: 422,
  too_many_requests: 429,
  header_too_large: 431,
  server_error: 500,
  temporarily_unavailable: 503,
} as const;

export type ErrorCode = keyof typeof statusOf;

/** Why a credential or token was refused, for the operator's log. A caller only ever sees the code. */
export type ErrorReason =
  | 'credentials_missing'
  | 'credentials_malformed'
  | 'client_unknown'
  | 'client_disabled'
  | 'root_disabled'
  | 'secret_wrong'
  | 'secret_expired'
  | 'token_malformed'
  | 'token_type_wrong'
  | 'algorithm_not_allowed'
  | 'key_unknown'
  | 'key_revoked'
  | 'key_weak'
  | 'signature_wrong'
  | 'issuer_wrong'
  | 'audience_wrong'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'claims_malformed'
  | 'token_revoked'
  | 'token_unknown'
  | 'token_used_up'
  | 'generation_old'
  | 'scope_withdrawn'
  | 'resource_withdrawn'
  | 'details_type_withdrawn'
  | 'scope_missing'
  | 'grant_exceeded'
  | 'exchange_not_allowed'
  | 'method_not_registered'
  | 'assertion_malformed'
  | 'lifetime_too_long'
  | 'no_rule_matches'
  | 'rules_ambiguous'
  | 'keys_unavailable'
  | 'revocations_stale'
  | 'use_budget_spent'
  | 'self_service_limit_reached'
  | 'token_replayed'
  | 'proof_missing'
  | 'proof_malformed'
  | 'proof_wrong'
  | 'certificate_missing'
  | 'certificate_malformed'
  | 'certificate_expired'
  | 'certificate_revoked'
  | 'revocation_list_unusable'
  | 'certificate_unverified'
  | 'certificate_wrong'
  | 'failure_budget_spent'
  | 'token_quota_spent'
  | 'overloaded'
  | 'stopping'
  | 'database_lost';

/** Authentication schemes of the `Authorization` header. */
export type Scheme = 'Basic' | 'Bearer' | 'DPoP';

export interface OAuthErrorOptions {
  /** For the log and the audit trail, never for the caller. */
  readonly reason?: ErrorReason | undefined;
  /** The scope that would have let the call pass; named in the 403 challenge. RFC 6750 §3.1. */
  readonly scope?: string | undefined;
  /** The scheme by which the caller authenticates, so that a 401 challenges for the same one. */
  readonly scheme?: Scheme | undefined;
  /** For the `DPoP-Nonce` header. RFC 9449 §8. */
  readonly dpopNonce?: string | undefined;
  /** Where an API says what it is and whose tokens it takes, for its challenge. RFC 9728 §5.1. */
  readonly resourceMetadata?: string | undefined;
  /** When the caller may try again, for the `Retry-After` header. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * An error that is answered to the caller. `description` is reduced to the characters that RFC 6749 §5.2
 * allows (printable ASCII without `"` and `\`) and to 400 of them, so it may quote untrusted input.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly reason: ErrorReason | undefined;
  readonly scope: string | undefined;
  readonly scheme: Scheme | undefined;
  readonly dpopNonce: string | undefined;
  readonly resourceMetadata: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(toDescription(description), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.scheme === 'DPoP' && isProofCode(code) ? 401 : statusOf[code];
    this.reason = options.reason;
    this.scope = options.scope;
    this.scheme = options.scheme;
    this.dpopNonce = options.dpopNonce;
    this.resourceMetadata = options.resourceMetadata;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Codes that are 400 at the token endpoint and, as a failed authentication, 401 at an API. RFC 9449 §5 and §7.1. */
function isProofCode(code: ErrorCode): boolean {
  return code === 'invalid_dpop_proof' || code === 'use_dpop_nonce';
}

const longestDescription = 400;

function toDescription(text: string): string {
  const clean = text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
  return clean.length <= longestDescription ? clean : `${clean.slice(0, longestDescription - 3)}...`;
}
