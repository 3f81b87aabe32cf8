/** What the token endpoint says. RFC 6749 §5.1 and §5.2, RFC 8693 §2.2.1, RFC 9449 §5. */
import { readRetryAfter } from './retry.ts';
import { TokenError } from './token-error.ts';

export interface IssuedToken {
  readonly accessToken: string;
  /** `N_A` for an ID-JAG, which is no access token. */
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A';
  /** Seconds since 1970, by this machine's clock. */
  readonly expiresAt: number;
  /** Space-separated: what the server says, else what was asked for, else empty. */
  readonly scope: string;
}

/** The assumed lifetime of a token if the server does not state it, in seconds. */
const assumedLifetimeSeconds = 300;

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined: no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

export interface Expectation {
  /** What was asked for. */
  readonly scope: string | undefined;
  /** What was asked for is an ID-JAG. */
  readonly isIdJag: boolean;
  /** The token must be bound to the key of the proof that was sent. */
  readonly isBound: boolean;
  /** When the request was sent, in milliseconds since 1970: the token's life is counted from then. */
  readonly sentAtMs: number;
}

/** Throws `TokenError` for a refusal, and for an answer that a client must not accept. */
export function readTokenAnswer({ status, headers, body }: TokenAnswer, expected: Expectation): IssuedToken {
  if (status !== 200) {
    throw readRefusal({ status, headers, body }, expected.sentAtMs);
  }
  const { access_token, token_type, expires_in = assumedLifetimeSeconds, scope = expected.scope ?? '' } = body ?? {};
  const tokenType = typeof token_type === 'string' ? knownTypes[token_type.toLowerCase()] : undefined;
  // Some servers send the number as text.
  const lifetimeSeconds = typeof expires_in === 'string' ? Number.parseFloat(expires_in) : expires_in;
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token)) {
    throw invalid('no access_token', status);
  }
  if (tokenType === undefined) {
    throw invalid('a token_type other than Bearer, DPoP and N_A', status);
  }
  if ((tokenType === 'N_A') !== expected.isIdJag) {
    throw invalid(expected.isIdJag ? 'an access token instead of an ID-JAG' : 'no access token', status);
  }
  if (typeof lifetimeSeconds !== 'number' || !Number.isFinite(lifetimeSeconds) || typeof scope !== 'string') {
    throw invalid('an expires_in that is no number, or a scope that is no text', status);
  }
  // RFC 9449 §5: a token that is not bound is not what was asked for; one that is bound to no key of ours is useless.
  if (!expected.isIdJag && (tokenType === 'DPoP') !== expected.isBound) {
    throw invalid(
      expected.isBound ? 'a token that is not bound to the DPoP key' : 'a token bound to a DPoP key',
      status,
    );
  }
  return {
    accessToken: access_token,
    tokenType,
    expiresAt: Math.floor(expected.sentAtMs / 1000 + lifetimeSeconds),
    scope,
  };
}

const knownTypes: Readonly<Record<string, IssuedToken['tokenType']>> = {
  bearer: 'Bearer',
  dpop: 'DPoP',
  n_a: 'N_A',
};

function readRefusal({ status, headers, body }: TokenAnswer, nowMs: number): TokenError {
  const retryAfterSeconds = readRetryAfter(headers, nowMs);
  const { error, error_description } = body ?? {};
  if (typeof error !== 'string' || !/^[\x20-\x7e]{1,100}$/.test(error)) {
    const description = `The token endpoint answered ${status} without an OAuth error.`;
    return new TokenError('invalid_response', description, { status, retryAfterSeconds });
  }
  const description =
    typeof error_description === 'string'
      ? error_description.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 1_000)
      : `The token endpoint answered ${status}.`;
  return new TokenError(error, description, { status, retryAfterSeconds });
}

function invalid(what: string, status: number): TokenError {
  return new TokenError('invalid_response', `The token endpoint answered with ${what}.`, { status });
}
