/** The public signing keys. RFC 7517 §5. */

import { publish } from '../http/caching.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import type { KeyRing } from '../keys/key-ring.ts';

/** `maxAgeSeconds`: how long a verifier may keep its copy. */
export function jwksEndpoint(keys: KeyRing, maxAgeSeconds: number): ProtocolPlugin {
  return async (app) => {
    app.get(
      '/.well-known/jwks.json',
      {
        config: { neverShed: true, readableBy: '*' },
        schema: { tags: ['Discovery'], operationId: 'read_jwks', summary: 'Public keys that verify access tokens' },
      },
      async (_request, reply) => {
        publish(reply, maxAgeSeconds);
        return { keys: keys.keys().map((key) => key.publicJwk) };
      },
    );
  };
}
