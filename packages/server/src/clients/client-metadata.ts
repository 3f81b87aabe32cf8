/**
 * Client metadata by its registered names, and the rules among its members. RFC 7591 §2, RFC 8693 §4.4, RFC 8705,
 * RFC 9396 §10, RFC 9449.
 * The document keeps its wire names everywhere, as a JWK or a set of claims does.
 */
import { clientCredentialsGrant, jwtBearerGrant, OAuthError, tokenExchangeGrant } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { certificateSubjectMembers, checkCertificateSubject, checkCertificatesInKeys } from './certificate-metadata.ts';
import { checkSecurityProfile, securityProfileNames } from './security-profile.ts';

export const clientAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const;

/** Of clients that authenticate nowhere: the assertions of others alone say who they are. */
export const noClientAuth = 'none';

export const grantTypes = [clientCredentialsGrant, jwtBearerGrant, tokenExchangeGrant] as const;

export type GrantType = (typeof grantTypes)[number];

export type ClientAuthMethod = (typeof clientAuthMethods)[number];

const Url = Type.String({ maxLength: 2_000, pattern: '^[\\x21-\\x7e]+$' });

/** A public key. Private members are unknown here, so that a private key sent by mistake is refused. */
const PublicJwk = Type.Object(
  {
    kty: Type.Union([Type.Literal('EC'), Type.Literal('OKP'), Type.Literal('RSA')]),
    kid: Type.Optional(Type.String({ maxLength: 200 })),
    use: Type.Optional(Type.Literal('sig')),
    alg: Type.Optional(Type.String({ maxLength: 20 })),
    key_ops: Type.Optional(Type.Array(Type.Literal('verify'), { maxItems: 1 })),
    /** Web Crypto says so of every key that it exports. */
    ext: Type.Optional(Type.Boolean()),
    crv: Type.Optional(Type.String({ maxLength: 20 })),
    x: Type.Optional(Type.String({ maxLength: 200 })),
    y: Type.Optional(Type.String({ maxLength: 200 })),
    n: Type.Optional(Type.String({ maxLength: 1_400 })),
    e: Type.Optional(Type.String({ maxLength: 20 })),
    x5c: Type.Optional(Type.Array(Type.String({ maxLength: 8_000 }), { maxItems: 5 })),
    'x5t#S256': Type.Optional(Type.String({ maxLength: 50 })),
  },
  { additionalProperties: false },
);

export const JwkSet = Type.Object(
  { keys: Type.Array(PublicJwk, { minItems: 1, maxItems: 20 }) },
  { additionalProperties: false },
);

/** The members that management API and registration share, as JSON Schema. Null goes back to the default. */
export const clientMetadataMembers = {
  token_endpoint_auth_method: Type.Optional(
    Type.Union([Type.Enum([...clientAuthMethods, noClientAuth]), Type.Null()], {
      description:
        'The one way in which the client authenticates. null: client_secret_basic and client_secret_post. none: only ' +
        'the tokens of a trusted issuer stand for it, by jwt-bearer. client_secret_jwt is not offered: secrets are ' +
        'kept only as digests, which verify no HMAC.',
    }),
  ),
  jwks: Type.Optional(Type.Union([JwkSet, Type.Null()], { description: 'Public keys of the client, by value.' })),
  jwks_uri: Type.Optional(
    Type.Union([Url, Type.Null()], { description: 'https URL of the public keys of the client.' }),
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
  ...certificateSubjectMembers,
  token_quota_per_minute: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Null()], {
      description: 'Tokens that it may get within a minute of the clock; null: as many as it asks for.',
    }),
  ),
  security_profile: Type.Optional(
    Type.Union([Type.Enum([...securityProfileNames]), Type.Null()], {
      description: 'fapi2: what the FAPI 2.0 Security Profile asks of a client holds for this one.',
    }),
  ),
};

const ClientMetadataObject = Type.Object(clientMetadataMembers, { additionalProperties: false });

/** Only members that differ from their defaults; null is never kept. */
export type ClientMetadata = {
  readonly [K in keyof Static<typeof ClientMetadataObject>]?: NonNullable<Static<typeof ClientMetadataObject>[K]>;
};

/** A change of it: what is missing stays, null goes. */
export type ClientMetadataChange = Static<typeof ClientMetadataObject>;

/** The metadata after the change. Whether it is consistent is `checkMetadata`'s to say. */
export function changeMetadata(metadata: ClientMetadata, change: ClientMetadataChange): ClientMetadata {
  const members = Object.keys(clientMetadataMembers) as (keyof ClientMetadata)[];
  const entries = members.map((member) => [member, change[member] === undefined ? metadata[member] : change[member]]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null && value !== false));
}

/** Throws `invalid_parameter` where the members contradict each other. */
export function checkMetadata(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method, jwks, jwks_uri } = metadata;
  if (jwks !== undefined && jwks_uri !== undefined) {
    throw wrong('jwks_uri: keys are given by jwks or by jwks_uri, not by both.');
  }
  if (jwks_uri !== undefined && URL.parse(jwks_uri)?.protocol !== 'https:') {
    throw wrong('jwks_uri: must be an https URL.');
  }
  if (token_endpoint_auth_method === 'private_key_jwt' && jwks === undefined && jwks_uri === undefined) {
    throw wrong('jwks: private_key_jwt needs the public keys of the client, in jwks or at jwks_uri.');
  }
  if (token_endpoint_auth_method === noClientAuth && metadata.grant_types?.join() !== jwtBearerGrant) {
    throw wrong(`grant_types: must be ${jwtBearerGrant} alone for a client that does not authenticate.`);
  }
  if (token_endpoint_auth_method === 'self_signed_tls_client_auth' && jwks === undefined && jwks_uri === undefined) {
    throw wrong('jwks: self_signed_tls_client_auth needs the certificates of the client, in jwks or at jwks_uri.');
  }
  if (metadata.dpop_bound_access_tokens === true && metadata.tls_client_certificate_bound_access_tokens === true) {
    throw wrong('tls_client_certificate_bound_access_tokens: a token is bound to a DPoP key or to a certificate.');
  }
  checkCertificateSubject(metadata);
  checkCertificatesInKeys(jwks?.keys ?? []);
  checkSecurityProfile(metadata);
}

/** True where the client authenticates by a secret. */
export function usesSecret({ token_endpoint_auth_method }: ClientMetadata): boolean {
  return (
    token_endpoint_auth_method === undefined ||
    token_endpoint_auth_method === 'client_secret_basic' ||
    token_endpoint_auth_method === 'client_secret_post'
  );
}

function wrong(text: string): OAuthError {
  return new OAuthError('invalid_parameter', text);
}
