/** Client metadata by its registered names, as JSON Schema. RFC 7591 §2, RFC 8693 §4.4, RFC 8705, RFC 9396 §10, RFC 9449, draft-ietf-oauth-spiffe-client-auth-02 §5.1. */
import { visibleText } from '@postern/http-api';
import { clientCredentialsGrant, jwtBearerGrant, tokenExchangeGrant } from '@postern/protocol';
import { type TSchema, Type } from 'typebox';
import { SpiffeBundle } from '../spiffe/bundle.ts';
import { JwkSet } from './jwk-set.ts';
import { securityProfileNames } from './security-profile.ts';

export const clientAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'spiffe_jwt',
  'spiffe_x509',
] as const;

/** The method of clients that do not authenticate: only assertions of trusted issuers identify them. */
export const noClientAuth = 'none';

/** All supported grant types. */
export const grantTypes = [clientCredentialsGrant, jwtBearerGrant, tokenExchangeGrant] as const;

export type GrantType = (typeof grantTypes)[number];

export type ClientAuthMethod = (typeof clientAuthMethods)[number];

/** The longest lifetime of an access token that can be set: a year. */
export const longestTokenTtlSeconds = 31_536_000;

/** The most networks from which a client may authenticate. */
const mostNetworks = 100;

/** The most claims that an administrator gives to the tokens of a client. */
const mostFixedClaims = 20;

const Url = Type.String({ maxLength: 2_000, pattern: '^[\\x21-\\x7e]+$' });

/** Null goes back to the default. */
const member = <T extends TSchema>(schema: T, description: string, options: object = {}) =>
  Type.Optional(Type.Union([schema, Type.Null()], { description, ...options }));

const switchedOn = (description: string) => Type.Optional(Type.Boolean({ description }));

const subject = (description: string) =>
  member(visibleText(1_000), `tls_client_auth: ${description} of the certificate of the client.`);

const quota = (maximum: number, period: string) =>
  member(Type.Integer({ minimum: 1, maximum }), `The most tokens that it may get per ${period}; null: no limit.`);

/** The members that management API and registration share, as JSON Schema. */
export const clientMetadataMembers = {
  token_endpoint_auth_method: member(
    Type.Enum([...clientAuthMethods, noClientAuth]),
    'The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: it ' +
      'uses only tokens of a trusted issuer, by jwt-bearer or token exchange. client_secret_jwt is not offered: secrets are kept ' +
      'only as digests, which verify no HMAC.',
  ),
  jwks: member(JwkSet, 'Public keys of the client, by value.'),
  jwks_uri: member(Url, 'https URL of the public keys of the client.'),
  client_id_metadata_document: switchedOn(
    'private_key_jwt: the client publishes its keys in the document at its client_id, an https URL at one of the hosts in ' +
      'POSTERN_CLIENT_METADATA_HOSTS.',
  ),
  spiffe_id: member(
    visibleText(2_048),
    'spiffe_jwt and spiffe_x509: the SPIFFE ID of the client. One that ends with /* stands for all below it.',
  ),
  spiffe_bundle_endpoint: member(Url, 'https URL of the SPIFFE bundle that verifies its SVIDs.'),
  spiffe_bundle: member(SpiffeBundle, 'The SPIFFE bundle that verifies its SVIDs, by value.'),
  spiffe_jwt_reuse_allowed: switchedOn(
    'spiffe_jwt: a JWT-SVID may be used until it expires, as agents need that give the same one to all workloads; otherwise once.',
  ),
  token_endpoint_audience_allowed: switchedOn(
    'private_key_jwt may name the URL of the token endpoint as its audience instead of the issuer.',
  ),
  grant_types: member(
    Type.Array(Type.Enum([...grantTypes]), { minItems: 1, maxItems: 10 }),
    'Grants that it may use; null: client_credentials.',
  ),
  resources: member(
    Type.Array(Type.String({ maxLength: 1_000 }), { maxItems: 100 }),
    'Identifiers of the registered resources that it may ask tokens for.',
  ),
  default_resource: member(
    Type.String({ maxLength: 1_000 }),
    'The one of its resources that a token is for if the request names none; null: the APIs of Postern.',
  ),
  authorization_details_types: member(
    Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 }),
    'Registered types of authorization details that it may ask for.',
  ),
  may_act: member(
    Type.String({ minLength: 1, maxLength: 128 }),
    'Id of the one client that may act for this one by token exchange; its tokens carry it as the claim may_act.',
  ),
  dpop_bound_access_tokens: switchedOn('Every token of the client is bound to a DPoP key.'),
  tls_client_certificate_bound_access_tokens: switchedOn(
    'Every token of the client is bound to the certificate of its TLS connection.',
  ),
  tls_client_auth_subject_dn: subject('the subject, as in RFC 4514,'),
  tls_client_auth_san_dns: subject('a dNSName'),
  tls_client_auth_san_uri: subject('a uniformResourceIdentifier'),
  tls_client_auth_san_ip: subject('an iPAddress'),
  tls_client_auth_san_email: subject('an rfc822Name'),
  contact: member(
    visibleText(320),
    'Who answers for the client: an e-mail address or an https URL. It is in no token.',
  ),
  fixed_claims: member(
    Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, maxProperties: mostFixedClaims }),
    'Claims that each of its access tokens has, none with a registered name; at most 2,048 bytes of JSON. They replace the ' +
      'present ones; if one is changed or missing, all tokens of the client are revoked.',
    { examples: [{ tenant: 'acme', 'https://example.com/region': 'eu' }] },
  ),
  allowed_networks: member(
    Type.Array(Type.String({ maxLength: 49 }), { minItems: 1, maxItems: mostNetworks }),
    'The networks, in CIDR notation, from which it may authenticate: `203.0.113.7/32` is one address. null: from anywhere. ' +
      'Tokens that it has got are valid everywhere.',
  ),
  token_quota_per_minute: quota(1_000_000, 'minute'),
  token_quota_per_day: quota(1_000_000_000, 'day, in UTC'),
  token_quota_per_month: quota(1_000_000_000, 'month of the calendar, in UTC'),
  security_profile: member(
    Type.Enum([...securityProfileNames]),
    'fapi2: the client must meet the requirements of the FAPI 2.0 Security Profile.',
  ),
};
