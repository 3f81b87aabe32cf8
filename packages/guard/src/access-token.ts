/** A verified access token, as an API sees it. RFC 9068 §2.2. */
export interface AccessToken {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  readonly jti: string;
  readonly scopes: ReadonlySet<string>;
  /** The client's generation when the token was issued; a client's tokens all die when its generation rises. */
  readonly generation: number;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}
