/** A verified access token, as an API sees it. RFC 9068 §2.2. */
import type { Confirmation } from './confirmation.ts';

export interface AccessToken {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  /** The audience: at least one, and exactly one in tokens of Postern. */
  readonly audience: readonly string[];
  readonly jti: string;
  /** The id of the key that signed it. */
  readonly kid: string;
  readonly scopes: ReadonlySet<string>;
  /** The generation of the client when the token was issued. All its tokens are revoked when its generation rises. */
  readonly generation: number;
  /** What the token is bound to; undefined for a plain bearer token. */
  readonly confirmation: Confirmation | undefined;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** All verified claims, as they are in the token, for those that only the API knows. */
  readonly claims: Readonly<Record<string, unknown>>;
}
