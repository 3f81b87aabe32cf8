/** A verified access token, as an API sees it. RFC 9068 §2.2. */
import type { Confirmation } from './confirmation.ts';

export interface AccessToken {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  /** Whom it is for: at least one, and exactly one in tokens of Postern. */
  readonly audience: readonly string[];
  readonly jti: string;
  readonly scopes: ReadonlySet<string>;
  /** The client's generation when the token was issued; a client's tokens all die when its generation rises. */
  readonly generation: number;
  /** Undefined for a plain bearer token. */
  readonly confirmation: Confirmation | undefined;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** All claims as they stand in the token, verified, for those that only its API knows. */
  readonly claims: Readonly<Record<string, unknown>>;
}
