/**
 * Names of grant types, token types, assertions and parameters in the IANA OAuth registry, and those that
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §7 and §10 adds. RFC 6749 §4.4, RFC 7523 §2, RFC 8693 §3.
 */

export const clientCredentialsGrant = 'client_credentials';
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
export const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
export const idJagTokenType = 'urn:ietf:params:oauth:token-type:id-jag';
export const jwtTokenType = 'urn:ietf:params:oauth:token-type:jwt';

/** The profile of the JWT bearer grant whose assertion is an ID-JAG. */
export const idJagProfile = 'urn:ietf:params:oauth:grant-profile:id-jag';

export const jwtBearerAssertion = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** draft-ietf-oauth-spiffe-client-auth-02 §3.1. */
export const jwtSpiffeAssertion = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';

/** The parameters of the forms that clients send. */
export const formParameters: ReadonlySet<string> = new Set([
  'actor_token',
  'actor_token_type',
  'assertion',
  'audience',
  'authorization_details',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'grant_type',
  'requested_token_type',
  'resource',
  'scope',
  'subject_token',
  'subject_token_type',
  'token',
  'token_type_hint',
]);
