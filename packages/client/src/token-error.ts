/** Why there is no token. RFC 6749 §5.2. */

export interface TokenErrorOptions {
  /** HTTP status of the answer; undefined if there was none. */
  readonly status?: number | undefined;
  /** What the server asks to wait before the next try, in seconds. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * `code` is the `error` of the server's answer, or, if there is no such answer, one of: `unreachable` (no connection, or
 * it broke), `timeout`, `invalid_response` (an answer that violates the RFC), `discovery_failed`. Never contains a secret or a token.
 */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: string;
  readonly description: string;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, description: string, options: TokenErrorOptions = {}) {
    super(`${code}: ${description}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.description = description;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
