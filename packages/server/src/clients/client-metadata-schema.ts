/** Client metadata by its registered names, as JSON Schema. RFC 7591 §2, RFC 8693 §4.4, RFC 8705, RFC 9396 §10, RFC 9449, draft-ietf-oauth-spiffe-client-auth-02 §5.1. */
import { visibleText } from '@postern/http-api';
import { Type } from 'typebox';
import { SpiffeBundle } from '../spiffe/bundle.ts';
import { clientAuthMethods, grantTypes, noClientAuth } from './client-metadata.ts';
import { JwkSet } from './jwk-set.ts';
import { securityProfileNames } from './security-profile.ts';

/** The longest lifetime of an access token that can be set: a year. */
export const longestTokenTtlSeconds = 31_536_000;

/** The most networks from which a client may authenticate. */
const mostNetworks = 100;

/** The most claims that an administrator gives to the tokens of a client. */
const mostFixedClaims = 20;

const Url = Type.String({ maxLength: 2_000, pattern: '^[\\x21-\\x7e]+$' });

const subject = (description: string) =>
  Type.Optional(
    Type.Union([visibleText(1_000), Type.Null()], {
      description: `tls_client_auth: ${description} of the certificate of the client.`,
    }),
  );

const quota = (maximum: number, period: string) =>
  Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum }), Type.Null()], {
      description: `The most tokens that it may get per ${period}; null: no limit.`,
    }),
  );

/** The members that management API and registration share, as JSON Schema. Null goes back to the default. */
export const clientMetadataMembers = {
  token_endpoint_auth_method: Type.Optional(
    Type.Union([Type.Enum([...clientAuthMethods, noClientAuth]), Type.Null()], {
      description:
        'The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: it ' +
        'uses only tokens of a trusted issuer, by jwt-bearer or token exchange. client_secret_jwt is not offered: secrets are kept ' +
        'only as digests, which verify no HMAC.',
    }),
  ),
  jwks: Type.Optional(Type.Union([JwkSet, Type.Null()], { description: 'Public keys of the client, by value.' })),
  jwks_uri: Type.Optional(
    Type.Union([Url, Type.Null()], { description: 'https URL of the public keys of the client.' }),
  ),
  client_id_metadata_document: Type.Optional(
    Type.Boolean({
      description:
        'private_key_jwt: the client publishes its keys in the document at its client_id, an https URL at one of the hosts in ' +
        'POSTERN_CLIENT_METADATA_HOSTS.',
    }),
  ),
  spiffe_id: Type.Optional(
    Type.Union([visibleText(2_048), Type.Null()], {
      description:
        'spiffe_jwt and spiffe_x509: the SPIFFE ID of the client. One that ends with /* stands for all below it.',
    }),
  ),
  spiffe_bundle_endpoint: Type.Optional(
    Type.Union([Url, Type.Null()], { description: 'https URL of the SPIFFE bundle that verifies its SVIDs.' }),
  ),
  spiffe_bundle: Type.Optional(
    Type.Union([SpiffeBundle, Type.Null()], { description: 'The SPIFFE bundle that verifies its SVIDs, by value.' }),
  ),
  spiffe_jwt_reuse_allowed: Type.Optional(
    Type.Boolean({
      description:
        'spiffe_jwt: a JWT-SVID may be used until it expires, as agents need that give the same one to all workloads; otherwise once.',
    }),
  ),
  token_endpoint_audience_allowed: Type.Optional(
    Type.Boolean({
      description: 'private_key_jwt may name the URL of the token endpoint as its audience instead of the issuer.',
    }),
  ),
  grant_types: Type.Optional(
    Type.Union([Type.Array(Type.Enum([...grantTypes]), { minItems: 1, maxItems: 10 }), Type.Null()], {
      description: 'Grants that it may use; null: client_credentials.',
    }),
  ),
  resources: Type.Optional(
    Type.Union([Type.Array(Type.String({ maxLength: 1_000 }), { maxItems: 100 }), Type.Null()], {
      description: 'Identifiers of the registered resources that it may ask tokens for.',
    }),
  ),
  default_resource: Type.Optional(
    Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()], {
      description: 'The one of its resources that a token is for if the request names none; null: the APIs of Postern.',
    }),
  ),
  authorization_details_types: Type.Optional(
    Type.Union([Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 }), Type.Null()], {
      description: 'Registered types of authorization details that it may ask for.',
    }),
  ),
  may_act: Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 128 }), Type.Null()], {
      description:
        'Id of the one client that may act for this one by token exchange; its tokens carry it as the claim may_act.',
    }),
  ),
  dpop_bound_access_tokens: Type.Optional(
    Type.Boolean({ description: 'Every token of the client is bound to a DPoP key.' }),
  ),
  tls_client_certificate_bound_access_tokens: Type.Optional(
    Type.Boolean({ description: 'Every token of the client is bound to the certificate of its TLS connection.' }),
  ),
  tls_client_auth_subject_dn: subject('the subject, as in RFC 4514,'),
  tls_client_auth_san_dns: subject('a dNSName'),
  tls_client_auth_san_uri: subject('a uniformResourceIdentifier'),
  tls_client_auth_san_ip: subject('an iPAddress'),
  tls_client_auth_san_email: subject('an rfc822Name'),
  contact: Type.Optional(
    Type.Union([visibleText(320), Type.Null()], {
      description: 'Who answers for the client: an e-mail address or an https URL. It is in no token.',
    }),
  ),
  fixed_claims: Type.Optional(
    Type.Union(
      [Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, maxProperties: mostFixedClaims }), Type.Null()],
      {
        description:
          'Claims that each of its access tokens has, none with a registered name; at most 2,048 bytes of JSON. They replace the ' +
          'present ones; if one is changed or missing, all tokens of the client are revoked.',
        examples: [{ tenant: 'acme', 'https://example.com/region': 'eu' }],
      },
    ),
  ),
  allowed_networks: Type.Optional(
    Type.Union([Type.Array(Type.String({ maxLength: 49 }), { minItems: 1, maxItems: mostNetworks }), Type.Null()], {
      description:
        'The networks, in CIDR notation, from which it may authenticate: `203.0.113.7/32` is one address. null: from anywhere. ' +
        'Tokens that it has got are valid everywhere.',
    }),
  ),
  token_quota_per_minute: quota(1_000_000, 'minute'),
  token_quota_per_day: quota(1_000_000_000, 'day, in UTC'),
  token_quota_per_month: quota(1_000_000_000, 'month of the calendar, in UTC'),
  security_profile: Type.Optional(
    Type.Union([Type.Enum([...securityProfileNames]), Type.Null()], {
      description: 'fapi2: the client must meet the requirements of the FAPI 2.0 Security Profile.',
    }),
  ),
};
