/**
 * The one table of errors: the status of each code, and for each code and each reason the line that tells the operator what to
 * do. It goes to the log, never to the caller, who has the description. RFC 6749 §5.2, RFC 6750 §3.1.
 */

interface ErrorDefinition {
  readonly status: number;
  /** What the operator does about an error of this code that has no reason. */
  readonly operator: string;
}

const fixRequest =
  'The caller sent a request that cannot be carried out, and detail says why: whoever maintains the caller must change it.';
const fixMetadata =
  'A client tried to register with metadata that are not accepted here, and detail says which: its owner must change them.';
const getToken =
  'The caller needs an access token: whoever maintains it must get one from the token endpoint and send it as a Bearer token.';

/** Error codes: the RFCs' own first, then those of the management APIs. */
export const errorDefinitions = {
  invalid_request: { status: 400, operator: fixRequest },
  invalid_client: {
    status: 401,
    operator: 'Compare how the client authenticates with what it is registered for: postern client show CLIENT_ID.',
  },
  invalid_grant: {
    status: 400,
    operator: 'Compare the grant with the client that asks, and with the trusted issuers: postern issuer list.',
  },
  unauthorized_client: {
    status: 400,
    operator:
      'The client may not do this, and detail says what: change its registration if it should, with postern client update.',
  },
  /** RFC 8628 §3.5. */
  authorization_pending: {
    status: 400,
    operator: 'Nothing to do: the person has not signed in on their other device yet, and the caller asks again.',
  },
  /** RFC 8628 §3.5. */
  slow_down: {
    status: 400,
    operator:
      'Nothing to do: the identity provider wants to be asked less often, and the caller waits five seconds longer from then on.',
  },
  unsupported_grant_type: { status: 400, operator: fixRequest },
  unsupported_response_type: { status: 400, operator: fixRequest },
  invalid_target: {
    status: 400,
    operator:
      'The client asked for a resource that it may not use or that does not exist: see postern resource list, and resources of the client.',
  },
  invalid_authorization_details: { status: 400, operator: fixRequest },
  invalid_dpop_proof: {
    status: 400,
    operator:
      'The caller signs its DPoP proofs in a way that is not accepted, and detail says why: its maintainer must change that.',
  },
  use_dpop_nonce: {
    status: 400,
    operator: 'Nothing to do: the caller repeats the request with the nonce that it was sent.',
  },
  invalid_scope: {
    status: 400,
    operator:
      'The caller asked for a scope that does not exist or that its client lacks: give it with postern client update --add-scope, or correct the caller.',
  },
  invalid_redirect_uri: { status: 400, operator: fixMetadata },
  invalid_client_metadata: { status: 400, operator: fixMetadata },
  invalid_software_statement: { status: 400, operator: fixMetadata },
  unapproved_software_statement: { status: 400, operator: fixMetadata },
  /** The call needs a token and has none: the challenge then carries no error code (RFC 6750 §3.1). */
  missing_token: { status: 401, operator: getToken },
  invalid_token: { status: 401, operator: 'See why with postern explain; the caller must get a new token.' },
  insufficient_scope: {
    status: 403,
    operator:
      'The token lacks a scope, which detail names: give it to the client with postern client update --add-scope if it should have it.',
  },
  access_denied: {
    status: 403,
    operator:
      'The caller may not give to others what it asked for, and detail says what: widen its own grantable scopes, or use a client that may.',
  },
  not_found: {
    status: 404,
    operator: 'The caller named something that does not exist: it was deleted, or the name or path is wrong.',
  },
  method_not_allowed: { status: 405, operator: fixRequest },
  conflict: {
    status: 409,
    operator:
      'The change contradicts something that exists, and detail says what: change that first, or wait as long as it says.',
  },
  precondition_failed: {
    status: 412,
    operator:
      'Somebody else changed the same thing in between: the caller reads it again, and repeats its change on what it finds.',
  },
  content_too_large: { status: 413, operator: fixRequest },
  unsupported_media_type: { status: 415, operator: fixRequest },
  invalid_parameter: { status: 422, operator: fixRequest },
  too_many_requests: { status: 429, operator: 'The caller must wait for as many seconds as Retry-After says.' },
  header_too_large: {
    status: 431,
    operator: 'The header of the request is too large: the caller should use a token with fewer scopes.',
  },
  server_error: {
    status: 500,
    operator: 'Postern did not expect this: err has the details. Please report it, with them.',
  },
  temporarily_unavailable: {
    status: 503,
    operator:
      'Something that the request needs is not available, and detail says what: restore it, and the caller retries.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof errorDefinitions;

const renewToken = 'The caller must get a new token.';
const fixProof =
  'Whoever maintains the caller must send a DPoP proof of the key that the token is bound to (RFC 9449), for this request and only once.';
const fixIssuer = 'Compare the token of the platform with the trusted issuer and its rules: postern issuer show KEY.';
const replaceCertificate = 'The client needs another certificate; its owner must replace it.';

/** Why a credential, token or request was refused, and what the operator does about it. A caller only ever sees the code. */
export const operatorLines = {
  credentials_missing: 'The caller sent no credentials: whoever maintains it must set them.',
  credentials_malformed:
    'The Authorization header of the caller is not HTTP Basic as RFC 6749 §2.3.1 has it: its maintainer must correct that.',
  client_unknown:
    'There is no client with this id: it was deleted, or the caller has the id of another server. Create one with postern client create.',
  client_unapproved:
    'A client that is known by its metadata document waits for an administrator: postern client-document approve URL, or reject it.',
  client_rejected:
    'An administrator has rejected this client: approve it with postern client-document approve URL if it should work, or ask its contacts to stop it.',
  client_document_invalid:
    'The metadata document at the URL that is the client_id cannot be used, and detail says why: its owner must correct it.',
  address_not_allowed:
    'Somebody authenticates as the client from an address outside its allowed_networks: add its network with postern client update --allowed-network if it is the client, or find out who has its credentials.',
  client_disabled: 'The client is disabled: enable it with postern client enable CLIENT_ID if it should work.',
  client_expired:
    'The client has reached its expires_at: set a later one with postern client update CLIENT_ID --expires-at TIME if it should work, or ask its contact.',
  root_disabled:
    'Somebody uses the root client, which OAUTH_ROOT_DISABLED switches off: find out who, and give them a client of their own.',
  secret_wrong:
    'The caller has another secret than the client: give it the present one, or create one with postern client rotate-secret CLIENT_ID.',
  secret_expired:
    'The secret of the client has expired: create another one with postern client rotate-secret CLIENT_ID.',
  token_malformed:
    'The caller sent no access token of this server: whoever maintains it must send the access_token of the token endpoint, whole.',
  token_type_wrong:
    'The caller sent another kind of token, such as an ID token or an assertion: it must send the access_token of the token endpoint.',
  algorithm_not_allowed:
    'The signature has an algorithm that is not allowed for this client, issuer or API: its owner must use another key, or you change its security_profile.',
  key_unknown:
    'It is signed with a key that is not published: its issuer or client must publish the key, or the token is of another server.',
  key_revoked: 'It depends on a signing key that was revoked with all of its tokens: the caller must get a new token.',
  key_weak: 'The key is too weak to be accepted: its owner must replace it.',
  signature_wrong:
    'The signature is wrong: it was changed after it was signed, or its signer has another key than it publishes. If nobody changed a key, somebody forges.',
  issuer_wrong:
    'Its issuer is not trusted here: get the token from this server, or add the issuer with postern issuer set.',
  audience_wrong:
    'It is meant for somebody else: the caller must ask for the audience of this API. An assertion must be for the issuer; token_endpoint_audience_allowed of its client allows the URL of the token endpoint.',
  token_expired: 'It has expired: the caller must get a new one. If it is new, compare the clocks.',
  token_not_yet_valid: 'It is not valid yet: compare the clocks of its issuer and of this machine.',
  claims_malformed:
    'Its claims are not those of an access token: the caller must get a new token from the token endpoint.',
  token_revoked: `It was revoked; the audit trail has by whom. ${renewToken}`,
  token_unknown:
    'There is no such initial or registration access token: it was used up, replaced or deleted. Create another one.',
  token_used_up: 'The initial access token was used as often as it may be: create another one.',
  generation_old: `All tokens of its client were revoked after it was issued. ${renewToken}`,
  scope_withdrawn:
    'Its client has lost a scope that it has: the caller must get a new token, or give the scope back with postern client update --add-scope.',
  resource_withdrawn:
    'Its client may no longer get tokens for this resource: give it back with postern client update, or stop the caller.',
  details_type_withdrawn:
    'Its client has lost a type of authorization details that it has: give it back, or the caller must get a new token.',
  scope_missing:
    'The token lacks the scope that the call needs: the caller must request it, and its client must have it: postern client update --add-scope.',
  grant_exceeded:
    'The caller tried to give more than it has: it needs wider grantable scopes, or somebody else must do it.',
  session_ended:
    'The person was not signed in any more: they signed out, were idle for too long, or their client or role was changed. They sign in again.',
  code_unknown:
    'The code for a session was used before, is older than a minute, or its client was changed: the person asks for another one.',
  code_verifier_wrong:
    'Somebody used a code for a session who has not asked for it: find out how they got it. The person asks for another one.',
  role_missing:
    'The person has proved who they are, and no rule of POSTERN_SIGN_IN_ROLES gives them a role that exists: add a rule or the role if they should have one.',
  sign_in_lost:
    'The person came back from the provider without the cookie of their sign-in, late, twice, or with an answer to another one: they sign in again.',
  provider_unavailable:
    'The OpenID provider in POSTERN_SIGN_IN_ISSUER does not answer, and cause says why: restore it. Until then administrators sign in with a secret.',
  provider_refused:
    'The OpenID provider refused, or its answer is not valid, and cause says why: compare the POSTERN_SIGN_IN_ variables with what is registered there.',
  session_not_allowed:
    'The client may get no plain bearer token by client_credentials, so that nobody signs in with it: use another client, or an access token.',
  request_cross_site:
    'A page of another origin made the browser of somebody send a request about their session: find out which page, and who runs it.',
  exchange_not_allowed:
    'The client may not exchange this token: add it to introspection_clients of the resource, or to may_act of the token.',
  method_not_registered:
    'The client authenticates by another method than it is registered for: change token_endpoint_auth_method, or the caller.',
  assertion_malformed:
    'The assertion is not as RFC 7523 §3 has it, and detail says why: whoever maintains the caller must correct it.',
  lifetime_too_long:
    'The assertion is valid for longer than is accepted, which detail or max_age_seconds of the issuer has: its lifetime must be shorter.',
  no_rule_matches: `No rule of the issuer fits the claims, so that nobody knows which client it is. ${fixIssuer}`,
  rules_ambiguous: `Rules for several clients fit the claims: the caller must send a client_id, or make the rules narrower. ${fixIssuer}`,
  keys_unavailable:
    'The keys cannot be fetched, and cause has the address and why: check that it answers, and that POSTERN_OUTBOUND_HOSTS and POSTERN_FETCH_ALLOWED_NETWORKS allow it. Nothing was counted as a failure.',
  revocations_stale:
    'The guard has not heard of revocations for too long: check that it reaches the authorization server, and its own token.',
  database_unavailable:
    'The database is unreachable, busy, full or read-only, and cause says which: restore it; nothing that was acknowledged is lost.',
  database_lost:
    'The file of the database was deleted or replaced under the process: put it back, or restore a backup, and start Postern again.',
  changes_not_followed:
    'This node cannot read what other nodes changed, and refuses rather than to accept what they revoked: check its way to the database.',
  changes_interfere:
    'Other changes came between, again and again: the caller retries. If it happens often, make batches smaller.',
  use_budget_spent:
    'The client uses more one-time proofs or assertions than are remembered: it should reuse its tokens instead of getting new ones.',
  self_service_limit_reached:
    'Somebody registers, revokes or manages itself more often than a minute allows: find out why it does.',
  token_replayed:
    'An assertion, proof or token that may be used once was used again: the caller must make a new one each time. If it does, somebody replays.',
  proof_missing: fixProof,
  proof_malformed: fixProof,
  proof_wrong: fixProof,
  certificate_missing:
    'The request has no client certificate: the caller must present it, or your proxy must pass it on in POSTERN_CLIENT_CERTIFICATE_HEADER.',
  certificate_malformed:
    'The client certificate cannot be read: compare the format of your proxy with POSTERN_CLIENT_CERTIFICATE_HEADER.',
  certificate_expired: replaceCertificate,
  certificate_revoked: `Its authority has revoked the certificate. ${replaceCertificate}`,
  revocation_list_unusable:
    'The revocation list in POSTERN_TLS_CLIENT_CRL_FILE has expired or is not of its authority: fetch the present one. Nothing was counted as a failure.',
  certificate_unverified:
    'The client certificate does not lead to an authority in POSTERN_TLS_CLIENT_CA_FILE: add the authority, or the client needs another one.',
  certificate_wrong:
    'The client certificate is not the one that the client is registered with: compare its subject or key with postern client show CLIENT_ID.',
  trust_domain_wrong:
    'The SVID is of another trust domain than that of spiffe_id of the client: the caller has the wrong agent or client_id, or somebody tries.',
  spiffe_id_wrong:
    'The SVID is of another workload of the trust domain than spiffe_id of the client says: register that one, or correct the client_id of the caller.',
  svid_malformed:
    'The certificate is no X.509-SVID: it must have exactly one URI, its SPIFFE ID, and a key for digital signatures, and be no authority.',
  svid_unverified:
    'The X.509-SVID does not lead to an authority in the bundle of the client: compare it with spiffe_bundle_endpoint or spiffe_bundle, and send its intermediate certificates.',
  gate_rule_missing:
    'No rule of postern gate allows the request: add one for its host, method and path to the file if it should pass.',
  path_ambiguous:
    'APIs read the path of the request in too many or in forbidden ways: the caller must send it without encoded dots, slashes or control characters.',
  header_not_allowed:
    'The caller sent a header by which some APIs learn who calls or what is called, which is for your gateway alone: find out who does so, and why.',
  failure_budget_spent:
    'Somebody fails to authenticate again and again at this address or as this client: find it by ip and client_id in the lines before, and give it the right credentials or stop it.',
  token_quota_spent:
    'The client gets more tokens than its token_quota_per_minute, token_quota_per_day or token_quota_per_month: it should reuse them, or raise the quota.',
  overloaded: 'This process has more to do than it can: add nodes or workers, or find who calls so much by ip.',
  stopping: 'This node stops and answers no new requests: nothing to do if you stopped it.',
} as const satisfies Record<string, string>;

export type ErrorReason = keyof typeof operatorLines;

/** What the operator does about an error by the name of its reason, or of its code if it has none. Undefined: there is no such name. */
export function findOperatorLine(name: string): string | undefined {
  const lines: Readonly<Record<string, string>> = operatorLines;
  const definitions: Readonly<Record<string, ErrorDefinition>> = errorDefinitions;
  return Object.hasOwn(lines, name)
    ? lines[name]
    : Object.hasOwn(definitions, name)
      ? definitions[name]?.operator
      : undefined;
}

/** What the operator does about an error. */
export function operatorLineOf({ code, reason }: { code: ErrorCode; reason: ErrorReason | undefined }): string {
  return reason === undefined ? errorDefinitions[code].operator : operatorLines[reason];
}
