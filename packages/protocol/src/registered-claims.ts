/**
 * Names of claims with a registered meaning, which nobody sets at will: the IANA registry "JSON Web Token Claims" (RFC 7519 §10.1),
 * the members of an introspection response (RFC 7662 §2.2, RFC 9701), what Postern has in its tokens, and what others call it.
 */

/** Of the IANA registry, https://www.iana.org/assignments/jwt, by who registered them, in lower case. */
const registered = [
  // JSON Web Token
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'],
  // OpenID Connect Core, Front-Channel Logout and Identity Assurance
  ...[
    'name',
    'given_name',
    'family_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
  ],
  ...['email', 'email_verified', 'gender', 'birthdate', 'zoneinfo', 'locale', 'phone_number', 'phone_number_verified'],
  ...[
    'address',
    'updated_at',
    'azp',
    'nonce',
    'auth_time',
    'at_hash',
    'c_hash',
    's_hash',
    'acr',
    'amr',
    'sub_jwk',
    'sid',
  ],
  ...[
    'verified_claims',
    'place_of_birth',
    'nationalities',
    'birth_family_name',
    'birth_given_name',
    'birth_middle_name',
  ],
  ...['salutation', 'title', 'msisdn', 'also_known_as', '_claim_names', '_claim_sources', 'vot', 'vtm'],
  // Proof of possession, token exchange, access tokens, DPoP and security events
  ...['cnf', 'act', 'scope', 'client_id', 'may_act', 'roles', 'groups', 'entitlements', 'authorization_details'],
  ...['htm', 'htu', 'ath', 'sub_id', 'events', 'toe', 'txn', 'token_introspection'],
  // Selective disclosure and status lists
  ...['_sd', '_sd_alg', '...', 'sd_hash', 'vct', 'vc', 'vp', 'status', 'status_list', 'ttl'],
  // Attestation, constrained devices and content delivery
  ...[
    'ace_profile',
    'cnonce',
    'exi',
    'eat_nonce',
    'ueid',
    'sueids',
    'oemid',
    'hwmodel',
    'hwversion',
    'oemboot',
    'dbgstat',
  ],
  ...[
    'location',
    'eat_profile',
    'submods',
    'uptime',
    'bootcount',
    'bootseed',
    'dloas',
    'swname',
    'swversion',
    'manifests',
  ],
  ...[
    'measurements',
    'measres',
    'intuse',
    'geohash',
    'cdniv',
    'cdnicrit',
    'cdniip',
    'cdniuc',
    'cdniets',
    'cdnistt',
    'cdnistd',
  ],
  // Telephony, such as STIR
  ...[
    'sip_from_tag',
    'sip_date',
    'sip_callid',
    'sip_cseq_num',
    'sip_via_branch',
    'orig',
    'dest',
    'mky',
    'rph',
    'attest',
  ],
  ...[
    'origid',
    'jcard',
    'at_use_nbr',
    'div',
    'opt',
    'sph',
    'mustinclude',
    'mustexclude',
    'permittedvalues',
    'rcd',
    'rcdi',
  ],
  ...['crn', 'msgi', 'stpl', 'atc', 'sig_val_claims', 'rdap_allowed_purposes', 'rdap_dnt_allowed', 'cmw'],
  // 3GPP
  ...['consumerplmnid', 'consumersnpnid', 'producerplmnid', 'producersnpnid', 'producersnssailist', 'producernsilist'],
  ...['producernfsetid', 'producernfservicesetid', 'sourcenfinstanceid', 'analyticsidlist', 'resownerid'],
  // OpenID Federation
  ...['jwks', 'metadata', 'metadata_policy', 'metadata_policy_crit', 'constraints', 'crit', 'ref', 'delegation'],
  ...['logo_uri', 'authority_hints', 'source_endpoint', 'keys', 'trust_chain', 'trust_anchor', 'trust_anchor_hints'],
  ...['trust_marks', 'trust_mark_issuers', 'trust_mark_owners', 'trust_mark_type'],
];

const ofIntrospection = ['active', 'username', 'token_type'];

const ofPostern = ['gen', 'parent_tokens', 'resource'];

/** Parameters of the header of a JWT, which some programs look for among the claims. RFC 7515 §4.1. */
const ofHeaders = ['typ', 'alg', 'kid', 'jku', 'jwk', 'x5u', 'x5c', 'x5t', 'crit', 'cty'];

/** What others call scopes, client and subject in their access tokens, and libraries of APIs take for them. */
const ofOtherServers = ['scp', 'scopes', 'cid', 'appid', 'oid', 'upn', 'unique_name'];

export const registeredClaims: ReadonlySet<string> = new Set([
  ...registered,
  ...ofIntrospection,
  ...ofPostern,
  ...ofHeaders,
  ...ofOtherServers,
]);

/** Whether the name is registered, in upper or lower case: some parsers of JSON, such as Go's, take `SUB` for `sub`. */
export function isRegisteredClaim(name: string): boolean {
  return registeredClaims.has(name.toLowerCase());
}
