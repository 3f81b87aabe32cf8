/** Authorization server metadata. RFC 8414 §3, OpenID Connect Discovery §3, which most verifiers ask for. */
import { signingAlgorithms } from '@postern/guard';
import { dpopAlgorithms, idJagProfile, idJagTokenType, OAuthError, omitEmptyLists } from '@postern/protocol';
import type { AuthorizationDetailsTypeRegistry } from '../authorization-details/authorization-details-type-registry.ts';
import { type ClientAuthMethod, noClientAuth } from '../clients/client-metadata-schema.ts';
import { publish } from '../http/caching.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import { acceptedAlgorithms } from '../jwt/third-party-algorithms.ts';
import { mostScopesListed, type ScopeRegistry } from '../scopes/scope-registry.ts';
import { feedJwksPath, jwksPath, wellKnownPaths } from './well-known.ts';

export interface MetadataEndpointOptions {
  readonly issuer: string;
  readonly grantTypes: readonly string[];
  readonly authMethods: readonly ClientAuthMethod[];
  /** Whether certificates of clients can arrive. */
  readonly bindsToCertificates: boolean;
  readonly registry: ScopeRegistry;
  readonly detailsTypes: AuthorizationDetailsTypeRegistry;
  /** Whether clients may be known by documents that they publish. draft-ietf-oauth-client-id-metadata-document-03 §6. */
  readonly readsClientDocuments: boolean;
  /** Undefined: clients cannot be registered. */
  readonly registrationEndpoint: string | undefined;
}

export function metadataEndpoint(options: MetadataEndpointOptions): ProtocolPlugin {
  const { issuer, grantTypes, authMethods, bindsToCertificates, registry, detailsTypes, registrationEndpoint } =
    options;
  const { readsClientDocuments } = options;

  const describeServer = () =>
    omitEmptyLists(
      {
        issuer,
        token_endpoint: `${issuer}/api/v1/oauth/token`,
        authorization_endpoint: `${issuer}/api/v1/oauth/authorize`,
        introspection_endpoint: `${issuer}/api/v1/oauth/introspect`,
        introspection_endpoint_auth_methods_supported: authMethods,
        introspection_endpoint_auth_signing_alg_values_supported: acceptedAlgorithms,
        introspection_signing_alg_values_supported: signingAlgorithms,
        ...(registrationEndpoint !== undefined && { registration_endpoint: registrationEndpoint }),
        revocation_endpoint: `${issuer}/api/v1/oauth/revoke`,
        revocation_endpoint_auth_methods_supported: authMethods,
        revocation_endpoint_auth_signing_alg_values_supported: acceptedAlgorithms,
        jwks_uri: issuer + jwksPath,
        // docs/revocation-feed.md.
        revocation_feed_jwks_uri: issuer + feedJwksPath,
        scopes_supported: registry.scopes.slice(0, mostScopesListed).map(({ name }) => name),
        response_types_supported: [],
        grant_types_supported: grantTypes,
        // draft-ietf-oauth-identity-assertion-authz-grant-04 §7.1 and §7.2.
        authorization_grant_profiles_supported: [idJagProfile],
        identity_chaining_requested_token_types_supported: [idJagTokenType],
        token_endpoint_auth_methods_supported: [...authMethods, noClientAuth],
        token_endpoint_auth_signing_alg_values_supported: acceptedAlgorithms,
        dpop_signing_alg_values_supported: dpopAlgorithms,
        ...(readsClientDocuments && { client_id_metadata_document_supported: true }),
        tls_client_certificate_bound_access_tokens: bindsToCertificates,
        // RFC 9396 §10.
        authorization_details_types_supported: detailsTypes.list().map(({ type }) => type),
        service_documentation: `${issuer}/api`,
      },
      ['response_types_supported'],
    );

  /** Postern issues no ID tokens; verifiers take the algorithms of the tokens that it does issue from this member. */
  const describeOpenidProvider = () => ({
    ...describeServer(),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: signingAlgorithms,
  });

  return async (app) => {
    const [name, alias] = ['oauth-authorization-server', 'openid-configuration'];
    const serve = (path: string, describe: () => object) =>
      app.get(
        path,
        {
          config: { neverShed: true, readableBy: '*' },
          schema: {
            hide: path !== `/.well-known/${name}`,
            tags: ['Discovery'],
            operationId: 'read_metadata',
            summary: 'Authorization server metadata',
            description: `Also at \`/.well-known/${alias}\`, with the two members that OpenID Connect requires in addition.`,
          },
        },
        async (_request, reply) => {
          publish(reply, 300);
          return describe();
        },
      );
    for (const path of wellKnownPaths(name, issuer)) {
      serve(path, describeServer);
    }
    for (const path of wellKnownPaths(alias, issuer)) {
      serve(path, describeOpenidProvider);
    }

    // Some clients refuse metadata without an authorization endpoint, also when they never use it.
    app.get('/api/v1/oauth/authorize', { config: { oauthErrors: true }, schema: { hide: true } }, async () => {
      throw new OAuthError(
        'unsupported_response_type',
        'Postern issues tokens to machines: there is no login here. Use POST /api/v1/oauth/token.',
      );
    });
  };
}
