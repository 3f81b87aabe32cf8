/** Client credentials grant. RFC 6749 §4.4. */
import { OAuthError } from '@postern/protocol';
import type { Grant } from './grant.ts';

/** A client gets the scopes it asks for, or all that it may have there; never fewer than it asked for without a word. */
export const clientCredentials: Grant = {
  grantType: 'client_credentials',
  authorize({ client, scopes, target, authorizationDetails }) {
    const beyond = scopes?.find((scope) => !target.scopes.has(scope));
    if (beyond !== undefined) {
      throw new OAuthError(
        'invalid_scope',
        client.scopes.has(beyond)
          ? `The resource does not know the scope ${beyond}.`
          : `The client does not hold the scope ${beyond.slice(0, 100)}.`,
      );
    }
    const { may_act } = client.metadata;
    return {
      client,
      scopes: scopes ?? [...target.scopes],
      audience: target.audience,
      ttlSeconds: target.ttlSeconds,
      authorizationDetails,
      // RFC 8693 §4.4.
      ...(may_act !== undefined && { claims: { may_act: { sub: may_act } } }),
    };
  },
};
