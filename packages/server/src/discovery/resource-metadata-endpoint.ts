/** What the APIs that are hosted here say of themselves, as one protected resource. RFC 9728 §3. */
import { dpopAlgorithms, type ProtectedResourceMetadata } from '@postern/protocol';
import { publish } from '../http/caching.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import { wellKnownPaths } from './well-known.ts';

export const resourceMetadataName = 'oauth-protected-resource';

/**
 * Names no scopes: there are clients that ask for all that are named, instead of those that they were set up with,
 * and hold only some of them.
 */
export function resourceMetadataEndpoint(issuer: string): ProtocolPlugin {
  return async (app) => {
    for (const path of wellKnownPaths(resourceMetadataName, issuer)) {
      app.get(
        path,
        {
          config: { neverShed: true, readableBy: '*' },
          schema: {
            hide: path !== `/.well-known/${resourceMetadataName}`,
            tags: ['Discovery'],
            operationId: 'read_resource_metadata',
            summary: "Metadata of Postern's own APIs as a protected resource",
          },
        },
        async (_request, reply): Promise<ProtectedResourceMetadata> => {
          publish(reply, 300);
          return {
            resource: issuer,
            authorization_servers: [issuer],
            bearer_methods_supported: ['header'],
            dpop_signing_alg_values_supported: dpopAlgorithms,
            resource_name: 'Postern',
            resource_documentation: `${issuer}/api`,
          };
        },
      );
    }
  };
}
