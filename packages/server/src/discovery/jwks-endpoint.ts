/** The public signing keys. RFC 7517 §5. */

import { publish } from '../http/caching.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { jwksMaxAgeSeconds } from '../keys/key-schedule.ts';

export function jwksEndpoint(keys: KeyRing): ProtocolPlugin {
  return async (app) => {
    app.get(
      '/.well-known/jwks.json',
      {
        config: { neverShed: true },
        schema: { tags: ['Discovery'], operationId: 'read_jwks', summary: 'Public keys that verify access tokens' },
      },
      async (_request, reply) => {
        publish(reply, jwksMaxAgeSeconds);
        return { keys: keys.keys().map((key) => key.publicJwk) };
      },
    );
  };
}
