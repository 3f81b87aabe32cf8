/** What lets its holder register clients, so many and within these limits. RFC 7591 §1.2. */
import type { ErrorReason } from '@postern/protocol';

export interface InitialAccessToken {
  readonly id: string;
  readonly name: string | null;
  /** The scopes that clients may get with it, and get where they ask for none. */
  readonly scopes: readonly string[];
  /** The identifiers of the resources, likewise. */
  readonly resources: readonly string[];
  /** Clients that can be registered with it at the most. */
  readonly maxUses: number;
  readonly uses: number;
  /** Times in milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Id of the client that made it. It gives no more than that one could still assign. */
  readonly createdBy: string;
}

/** Why nobody can register with it, or undefined. `now` is in milliseconds since 1970. Does not look at its maker. */
export function findInitialAccessTokenFault(
  token: InitialAccessToken | undefined,
  now: number,
): ErrorReason | undefined {
  if (token === undefined) {
    return 'token_unknown';
  }
  if (token.expiresAt <= now) {
    return 'token_expired';
  }
  return token.uses < token.maxUses ? undefined : 'token_used_up';
}
