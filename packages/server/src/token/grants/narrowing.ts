/**
 * What a token got by exchange can do: never more than the subject token, nor than the client that asks may have, in scope, audience and lifetime. RFC 8693 §5 and §2.2.1.
 */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Target } from '../target.ts';

export interface NarrowingRequest {
  /** Verified and active. */
  readonly subjectToken: AccessToken;
  /** Verified, active and the client's own; undefined if there is none. */
  readonly actorToken: AccessToken | undefined;
  /** For the client that asks; its audience is one of the subject token's. */
  readonly target: Pick<Target, 'audience' | 'scopes' | 'ttlSeconds'>;
  /** The scopes asked for; undefined: all that remain. */
  readonly scopes: readonly string[] | undefined;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

export interface Narrowed {
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly ttlSeconds: number;
}

/** Throws `invalid_scope` for a scope that is asked for and does not remain, `invalid_target` for another audience. */
export function narrow(request: NarrowingRequest): Narrowed {
  const { subjectToken, actorToken, target, scopes, nowSeconds } = request;
  if (!subjectToken.audience.includes(target.audience)) {
    throw new OAuthError('invalid_target', 'The new token can only be for what the subject_token is for.');
  }
  const remaining = subjectToken.scopes.intersection(target.scopes);
  const excessScope = scopes?.find((scope) => !remaining.has(scope));
  if (excessScope !== undefined) {
    throw new OAuthError(
      'invalid_scope',
      subjectToken.scopes.has(excessScope)
        ? `The client may not have the scope ${excessScope} there.`
        : `The subject_token does not hold the scope ${excessScope}.`,
    );
  }
  const expiresAt = Math.min(subjectToken.expiresAt, actorToken?.expiresAt ?? subjectToken.expiresAt);
  return {
    scopes: scopes ?? [...remaining],
    audience: target.audience,
    // Counted from the second in which the new token is issued, so that it never outlives the older ones.
    ttlSeconds: Math.min(target.ttlSeconds, Math.floor(expiresAt) - Math.floor(nowSeconds)),
  };
}
