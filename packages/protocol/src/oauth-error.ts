/** The one error that callers see. RFC 6749 §5.2, RFC 6750 §3.1. */
import { type ErrorCode, type ErrorReason, errorDefinitions } from './error-table.ts';

/** Authentication schemes of the `Authorization` header. */
export type Scheme = 'Basic' | 'Bearer' | 'DPoP';

export interface OAuthErrorOptions {
  /** For the log and the audit trail, never for the caller. */
  readonly reason?: ErrorReason | undefined;
  /** The scope that would have let the call pass; named in the 403 challenge. RFC 6750 §3.1. */
  readonly scope?: string | undefined;
  /** The scheme by which the caller authenticates, so that a 401 challenges for the same one. */
  readonly scheme?: Scheme | undefined;
  /** For the `DPoP-Nonce` header. RFC 9449 §8. */
  readonly dpopNonce?: string | undefined;
  /** Where an API says what it is and whose tokens it takes, for its challenge. RFC 9728 §5.1. */
  readonly resourceMetadata?: string | undefined;
  /** When the caller may try again, for the `Retry-After` header. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * An error that is answered to the caller. `description` is reduced to the characters that RFC 6749 §5.2
 * allows (printable ASCII without `"` and `\`) and to 400 of them, so it may quote untrusted input.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly reason: ErrorReason | undefined;
  readonly scope: string | undefined;
  readonly scheme: Scheme | undefined;
  readonly dpopNonce: string | undefined;
  readonly resourceMetadata: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(toDescription(description), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.scheme === 'DPoP' && isProofCode(code) ? 401 : errorDefinitions[code].status;
    this.reason = options.reason;
    this.scope = options.scope;
    this.scheme = options.scheme;
    this.dpopNonce = options.dpopNonce;
    this.resourceMetadata = options.resourceMetadata;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Codes that are 400 at the token endpoint and, as a failed authentication, 401 at an API. RFC 9449 §5 and §7.1. */
function isProofCode(code: ErrorCode): boolean {
  return code === 'invalid_dpop_proof' || code === 'use_dpop_nonce';
}

const longestDescription = 400;

function toDescription(text: string): string {
  const clean = text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
  return clean.length <= longestDescription ? clean : `${clean.slice(0, longestDescription - 3)}...`;
}
