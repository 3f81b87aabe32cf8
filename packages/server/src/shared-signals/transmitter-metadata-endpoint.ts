/** What receivers discover of the transmitter of event streams. SSF 1.0 §7. */
import { wellKnownPaths } from '../discovery/well-known.ts';
import { publish } from '../http/caching.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import { ssfPaths } from './ssf-paths.ts';
import { deliveryMethods } from './stream.ts';

const name = 'ssf-configuration';

export function transmitterMetadataEndpoint(issuer: string): ProtocolPlugin {
  return async (app) => {
    for (const path of wellKnownPaths(name, issuer)) {
      app.get(
        path,
        {
          config: { neverShed: true, readableBy: '*' },
          schema: {
            hide: path !== `/.well-known/${name}`,
            tags: ['Discovery'],
            operationId: 'read_transmitter_metadata',
            summary: 'Metadata of the transmitter of event streams',
            description: 'SSF 1.0 §7.1.',
          },
        },
        async (_request, reply) => {
          publish(reply, 300);
          return {
            spec_version: '1_0',
            issuer,
            jwks_uri: `${issuer}/.well-known/jwks.json`,
            delivery_methods_supported: [deliveryMethods.push, deliveryMethods.poll],
            configuration_endpoint: issuer + ssfPaths.configuration,
            status_endpoint: issuer + ssfPaths.status,
            add_subject_endpoint: issuer + ssfPaths.addSubject,
            remove_subject_endpoint: issuer + ssfPaths.removeSubject,
            verification_endpoint: issuer + ssfPaths.verification,
            // OAuth 2.0, with any grant that gets an access token for this server.
            authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
            default_subjects: 'ALL',
          };
        },
      );
    }
  };
}
