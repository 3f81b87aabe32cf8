/** The public keys: those that sign tokens, and those that sign the revocation feed. RFC 7517 §5. */

import { publish } from '../http/caching.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { FeedKeys } from '../revocation/feed-keys.ts';
import { feedJwksPath, jwksPath } from './well-known.ts';

/** `maxAgeSeconds`: how long a verifier may keep its copy. */
export function jwksEndpoint(keys: KeyRing, feedKeys: FeedKeys, maxAgeSeconds: number): ProtocolPlugin {
  return async (app) => {
    app.get(
      jwksPath,
      {
        config: { neverShed: true, readableBy: '*' },
        schema: { tags: ['Discovery'], operationId: 'read_jwks', summary: 'Public keys that verify access tokens' },
      },
      async (_request, reply) => {
        publish(reply, maxAgeSeconds);
        return { keys: keys.keys().map((key) => key.publicJwk) };
      },
    );

    app.get(
      feedJwksPath,
      {
        config: { neverShed: true, readableBy: '*' },
        schema: {
          tags: ['Discovery'],
          operationId: 'read_revocation_feed_jwks',
          summary: 'Public keys that verify the revocation feed',
          description: 'They sign nothing else: verifiers of tokens must not use them.',
        },
      },
      async (_request, reply) => {
        publish(reply, maxAgeSeconds);
        return { keys: feedKeys.published().map((key) => key.publicJwk) };
      },
    );
  };
}
