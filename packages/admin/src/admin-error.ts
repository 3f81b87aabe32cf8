/** Why a call of the management API failed. */

export interface AdminErrorOptions {
  /** HTTP status of the answer; undefined without one. */
  readonly status?: number | undefined;
  /** How long the server asks callers to wait before they retry. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds?: number | undefined;
  /** The JSON object that the server answered. */
  readonly answer?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * `code` is the `error` of the server's answer. Without such an answer it is one of: `unreachable` (no connection, or it
 * broke; `cause` says why), `timeout`, `redirected`, `invalid_response` (not an answer of Postern), `invalid_id` (nothing
 * was sent), `rejected` (one element of a bulk write). `detail` is for people and is the message too. Never contains a token.
 */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: string;
  readonly detail: string;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly answer: Readonly<Record<string, unknown>> | undefined;

  constructor(code: string, detail: string, options: AdminErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.answer = options.answer;
  }
}
