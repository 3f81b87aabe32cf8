/** What an API answers to a request that its guard refused. RFC 6750 §3, RFC 9449 §7.1 and §8, RFC 9110 §10.2.3. */
import { challengeFor, type OAuthError } from '@postern/protocol';

/** An answer in no framework's terms. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** Seconds after which a caller may try again what could not be decided for now. */
const retryAfterSeconds = 1;

export function toRefusal(error: OAuthError): Answer {
  return {
    status: error.status,
    headers: { ...refusalHeaders(error), 'content-type': 'application/json' },
    body: JSON.stringify({ error: error.code, error_description: error.message }),
  };
}

/** The headers alone, for a framework that writes the rest. */
export function refusalHeaders(error: OAuthError): Readonly<Record<string, string>> {
  const challenge = challengeFor(error);
  return {
    'cache-control': 'no-store',
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
    ...(error.dpopNonce !== undefined && { 'dpop-nonce': error.dpopNonce }),
    ...(error.code === 'temporarily_unavailable' && { 'retry-after': String(retryAfterSeconds) }),
  };
}
