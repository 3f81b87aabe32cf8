/** An initial access token: its holder may register clients, up to a number and within limits. RFC 7591 §1.2. */
import type { ErrorReason } from '@postern/protocol';

export interface InitialAccessToken {
  readonly id: string;
  readonly name: string | null;
  /** The scopes that clients may register for, and get if they ask for none. */
  readonly scopes: readonly string[];
  /** The identifiers of the resources that clients may register for, and get if they ask for none. */
  readonly resources: readonly string[];
  /** The most clients that can be registered with it. */
  readonly maxUses: number;
  readonly uses: number;
  /** Times in milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Id of the client that created it. It allows only the scopes that this client may still assign. */
  readonly createdBy: string;
}

/** Why no client can be registered with it, or undefined. `now` is in milliseconds since 1970. Does not check its creator. */
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
