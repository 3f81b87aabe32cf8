/**
 * What a token got by exchange can do: never more than the subject token, nor than the policy of the client that asks
 * and of the actor, in scope, audience and life. RFC 8693 §5 and §2.2.1.
 */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Target } from '../target.ts';

export interface NarrowingRequest {
  /** Verified, standing. */
  readonly subject: AccessToken;
  /** Verified, standing; undefined where the client itself acts, or nobody. */
  readonly actorToken: AccessToken | undefined;
  /** What the client may hold that the actor is. */
  readonly actorScopes: ReadonlySet<string>;
  /** For the client that asks; its audience is one of the subject token's. */
  readonly target: Target;
  /** The scopes asked for; undefined: all that are left. */
  readonly scopes: readonly string[] | undefined;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

export interface Narrowed {
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly ttlSeconds: number;
}

/** Throws `invalid_scope` for a scope that is asked for and not left, `invalid_target` for another audience. */
export function narrow(request: NarrowingRequest): Narrowed {
  const { subject, actorToken, actorScopes, target, scopes, nowSeconds } = request;
  if (!subject.audience.includes(target.audience)) {
    throw new OAuthError('invalid_target', 'The new token can only be for what the subject_token is for.');
  }
  const left = subject.scopes.intersection(target.scopes).intersection(actorScopes);
  const beyond = scopes?.find((scope) => !left.has(scope));
  if (beyond !== undefined) {
    throw new OAuthError(
      'invalid_scope',
      subject.scopes.has(beyond)
        ? `The client or the actor may not have the scope ${beyond} there.`
        : `The subject_token does not hold the scope ${beyond.slice(0, 100)}.`,
    );
  }
  const expiresAt = Math.min(subject.expiresAt, actorToken?.expiresAt ?? subject.expiresAt);
  return {
    scopes: scopes ?? [...left],
    audience: target.audience,
    // From the second in which the new token is issued, so that it ends with the older ones at the latest.
    ttlSeconds: Math.min(target.ttlSeconds, Math.floor(expiresAt) - Math.floor(nowSeconds)),
  };
}
