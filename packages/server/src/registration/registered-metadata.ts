/**
 * Client metadata as clients register it. RFC 7591 §2.
 *
 * Members that are not known here are ignored, as §2 demands: clients send what describes them to people
 * (`client_uri`, `logo_uri`, `contacts`, `software_id`), and there is no page here that would show it. The members are
 * listed one by one, so that a member that only an administrator may set cannot be registered by mistake. Registered
 * clients use only the client credentials grant.
 */
import { Name, nullable } from '@postern/http-api';
import { clientCredentialsGrant, decodeJws, OAuthError, parseScope, showName, toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import type { Client, ClientChange } from '../clients/client.ts';
import { requireConsistentMetadata } from '../clients/client-metadata.ts';
import { clientAuthMethods, clientMetadataMembers } from '../clients/client-metadata-schema.ts';
import {
  findExcess,
  isRequired,
  type Limit,
  namesOf,
  type Reach,
  type ReachRules,
  reachOf,
  within,
} from '../delegation/reach.ts';
import { type OutboundHosts, requireOutboundHost } from '../http/outbound-hosts.ts';
import type { RegistrationLimits } from './registration-limits.ts';

const { jwks, jwks_uri, spiffe_id, spiffe_bundle_endpoint, token_endpoint_audience_allowed } = clientMetadataMembers;
const { dpop_bound_access_tokens, resources, default_resource } = clientMetadataMembers;

export const RegisteredMetadata = Type.Object(
  {
    client_name: Type.Optional(nullable(Name)),
    scope: Type.Optional(
      nullable(
        Type.String({
          maxLength: 20_000,
          description: 'Names separated by single spaces. Without it: all that the initial access token allows.',
        }),
      ),
    ),
    token_endpoint_auth_method: Type.Optional(
      nullable(
        Type.Enum([...clientAuthMethods], { description: 'Without it: client_secret_basic and client_secret_post.' }),
      ),
    ),
    grant_types: Type.Optional(nullable(Type.Array(Type.Enum([clientCredentialsGrant]), { maxItems: 1 }))),
    redirect_uris: Type.Optional(
      nullable(Type.Array(Type.Unknown(), { description: 'Empty: machines are not redirected.' })),
    ),
    response_types: Type.Optional(
      nullable(Type.Array(Type.Unknown(), { description: 'Empty: there is no authorization endpoint for machines.' })),
    ),
    jwks,
    jwks_uri,
    spiffe_id,
    spiffe_bundle_endpoint,
    token_endpoint_audience_allowed,
    dpop_bound_access_tokens,
    resources: Type.Optional({
      ...resources,
      description: 'Identifiers of resources. Without it: all that the initial access token allows.',
    }),
    default_resource,
    software_statement: Type.Optional(nullable(Type.String({ description: 'None is accepted.' }))),
  },
  { title: 'ClientMetadata', additionalProperties: true },
);

export type RegisteredMetadata = Static<typeof RegisteredMetadata>;

/**
 * Returns a change of the client that replaces all of its metadata: a member that is missing or null gets its default,
 * which for scopes, resources and a required DPoP key is the limit. Does not check the other limits.
 *
 * Throws `invalid_client_metadata`, `invalid_redirect_uri`, `invalid_software_statement` and
 * `unapproved_software_statement`.
 */
export function parseMetadata(wanted: RegisteredMetadata, limits: RegistrationLimits): ClientChange {
  const { software_statement, redirect_uris, response_types } = wanted;
  if (typeof software_statement === 'string') {
    throw decodeJws(software_statement) === undefined
      ? new OAuthError('invalid_software_statement', 'The software statement is not a signed JWT, and none is needed.')
      : new OAuthError('unapproved_software_statement', 'No software statement is approved here: register without.');
  }
  if (redirect_uris && redirect_uris.length > 0) {
    throw new OAuthError(
      'invalid_redirect_uri',
      'redirect_uris: must be empty or missing, since Postern issues tokens to machines and redirects nobody.',
    );
  }
  if (response_types && response_types.length > 0) {
    throw invalid('response_types: must be empty or missing, since there is no login here.');
  }
  const scopes = wanted.scope == null ? namesOf(limits.scopes) : readScope(wanted.scope);
  const resources = wanted.resources ?? namesOf(limits.resources);
  requireWithin('scope', scopes, limits.scopes);
  requireWithin('resources', resources, limits.resources);
  return {
    name: wanted.client_name ?? null,
    scopes,
    resources: resources.length === 0 ? null : [...new Set(resources)],
    defaultResource: wanted.default_resource ?? null,
    tokenEndpointAuthMethod: wanted.token_endpoint_auth_method ?? null,
    jwks: wanted.jwks ?? null,
    jwksUri: wanted.jwks_uri ?? null,
    spiffeId: wanted.spiffe_id ?? null,
    spiffeBundleEndpoint: wanted.spiffe_bundle_endpoint ?? null,
    tokenEndpointAudienceAllowed: wanted.token_endpoint_audience_allowed ?? false,
    dpopBoundAccessTokens: wanted.dpop_bound_access_tokens ?? isRequired(limits.dpopBoundAccessTokens),
  };
}

/** Throws `invalid_client_metadata` if the members contradict each other, the keys may not be fetched, or the client exceeds the limits. */
export function requireValidRegistration(
  client: Client,
  limits: Reach,
  rules: ReachRules,
  outboundHosts: OutboundHosts,
): void {
  const { jwksUri, spiffeBundleEndpoint } = client.metadata;
  asMetadataFault(() => {
    requireConsistentMetadata(client.metadata);
    for (const [member, url] of Object.entries({ jwks_uri: jwksUri, spiffe_bundle_endpoint: spiffeBundleEndpoint })) {
      if (url !== undefined) {
        requireOutboundHost(outboundHosts, member, url);
      }
    }
  });
  const excess = findExcess(reachOf(client, rules), limits);
  if (excess !== undefined) {
    throw invalid(excess);
  }
}

/** Everything that a client registered, by its registered names. RFC 7591 §3.2.1. */
export function describeRegistered({ name, scopes, metadata }: Client) {
  return {
    ...(name !== null && { client_name: name }),
    scope: [...scopes].join(' '),
    // RFC 7591 §2: if these are missing, the defaults are those of the authorization code grant; some clients require them.
    grant_types: [clientCredentialsGrant],
    response_types: [],
    redirect_uris: [],
    ...toWireNames(metadata),
  };
}

function readScope(scope: string): string[] {
  return scope === '' ? [] : asMetadataFault(() => parseScope(scope));
}

function requireWithin(member: string, names: readonly string[], limit: Limit): void {
  const allowed = within(names, limit);
  const excess = names.find((name) => !allowed.includes(name));
  if (excess !== undefined) {
    throw invalid(`${member}: this registration may not ask for ${showName(excess)}.`);
  }
}

function asMetadataFault<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof OAuthError && error.status < 500) {
      throw invalid(error.message);
    }
    throw error;
  }
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_client_metadata', text);
}
