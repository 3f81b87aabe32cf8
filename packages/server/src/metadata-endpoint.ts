/** Authorization server metadata. RFC 8414 §3, and its OpenID Connect alias, which most verifiers ask for. */
import { signingAlgorithms } from '@postern/guard';
import { type AuthorizationServerMetadata, dpopAlgorithms, OAuthError } from '@postern/protocol';
import { assertionAlgorithms } from './client-auth/private-key-jwt.ts';
import type { ClientAuthMethod } from './clients/client-metadata.ts';
import type { ProtocolPlugin } from './http/api.ts';
import type { ScopeRegistry } from './scopes/scope-registry.ts';

export interface MetadataEndpointOptions {
  readonly issuer: string;
  readonly grantTypes: readonly string[];
  readonly authMethods: readonly ClientAuthMethod[];
  /** Whether certificates of clients can arrive. */
  readonly bindsToCertificates: boolean;
  readonly registry: ScopeRegistry;
}

export function metadataEndpoint(options: MetadataEndpointOptions): ProtocolPlugin {
  const { issuer, grantTypes, authMethods, bindsToCertificates, registry } = options;

  return async (app) => {
    const alias = 'openid-configuration';
    for (const name of ['oauth-authorization-server', alias]) {
      app.get(
        `/.well-known/${name}`,
        {
          schema: {
            hide: name === alias,
            tags: ['Discovery'],
            operationId: 'read_metadata',
            summary: 'Authorization server metadata',
            description: `Also at \`/.well-known/${alias}\`.`,
          },
        },
        async (_request, reply): Promise<AuthorizationServerMetadata> => {
          reply.header('cache-control', 'public, max-age=300');
          return {
            issuer,
            token_endpoint: `${issuer}/api/v1/oauth/token`,
            authorization_endpoint: `${issuer}/api/v1/oauth/authorize`,
            introspection_endpoint: `${issuer}/api/v1/oauth/introspect`,
            introspection_endpoint_auth_methods_supported: authMethods,
            introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
            introspection_signing_alg_values_supported: signingAlgorithms,
            revocation_endpoint: `${issuer}/api/v1/oauth/revoke`,
            revocation_endpoint_auth_methods_supported: authMethods,
            revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
            jwks_uri: `${issuer}/.well-known/jwks.json`,
            scopes_supported: [...registry.names],
            response_types_supported: [],
            grant_types_supported: grantTypes,
            token_endpoint_auth_methods_supported: authMethods,
            token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
            dpop_signing_alg_values_supported: dpopAlgorithms,
            tls_client_certificate_bound_access_tokens: bindsToCertificates,
            service_documentation: `${issuer}/api`,
          };
        },
      );
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
