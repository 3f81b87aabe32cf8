/** Client credentials grant. RFC 6749 §4.4. */
import { OAuthError } from '@postern/protocol';
import type { Grant } from './grant.ts';

export interface ClientCredentialsOptions {
  /** The audience of every token: Postern's own APIs. */
  readonly audience: string;
  /** Lifetime of tokens of clients that have none of their own. */
  readonly accessTokenTtlSeconds: number;
}

/** A client gets the scopes it asks for, or all of its own; never fewer than it asked for without a word. */
export function clientCredentials({ audience, accessTokenTtlSeconds }: ClientCredentialsOptions): Grant {
  return {
    grantType: 'client_credentials',
    authorize({ client, scopes }) {
      const beyond = scopes?.find((scope) => !client.scopes.has(scope));
      if (beyond !== undefined) {
        throw new OAuthError('invalid_scope', `The client does not hold the scope ${beyond.slice(0, 100)}.`);
      }
      return {
        client,
        scopes: scopes ?? [...client.scopes],
        audience,
        ttlSeconds: client.accessTokenTtlSeconds ?? accessTokenTtlSeconds,
      };
    },
  };
}
