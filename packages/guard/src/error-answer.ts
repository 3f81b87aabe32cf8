/** The answer of an API to a request that its guard rejected. RFC 6750 §3, RFC 9449 §7.1 and §8, RFC 9110 §10.2.3. */
import { challengeFor, type OAuthError } from '@postern/protocol';

/** An HTTP answer, independent of frameworks. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** Seconds after which a caller may retry after `temporarily_unavailable`. */
const unavailableSeconds = 1;

/** Returns status, headers with the challenge, and the JSON body for an error. */
export function toErrorAnswer(error: OAuthError): Answer {
  return {
    status: error.status,
    headers: { ...errorHeaders(error), 'content-type': 'application/json' },
    body: JSON.stringify({ error: error.code, error_description: error.message }),
  };
}

/** Returns the headers only, for frameworks that write status and body themselves. */
export function errorHeaders(error: OAuthError): Readonly<Record<string, string>> {
  const challenge = challengeFor(error);
  const { retryAfterSeconds = error.code === 'temporarily_unavailable' ? unavailableSeconds : undefined } = error;
  return {
    'cache-control': 'no-store',
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
    ...(error.dpopNonce !== undefined && { 'dpop-nonce': error.dpopNonce }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  };
}
