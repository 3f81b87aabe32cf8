/**
 * Decides whether a request may pass: has it a token (RFC 6750 §2.1), is the token genuine (RFC 9068 §4), does it
 * still stand, and does it hold the scope that the call needs (RFC 6750 §3.1)?
 */
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { refuseToken, type VerifyAccessTokenOptions, verifyAccessToken } from './verify-access-token.ts';

export interface GuardOptions extends VerifyAccessTokenOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Why a genuine token is no longer good, or undefined while its ground holds. Asked on every call. */
  readonly findFault: (token: AccessToken) => Promise<ErrorReason | undefined>;
}

export interface Guard {
  /**
   * The token of a request, given its `Authorization` header, if it may do what `scope` names.
   * Throws `missing_token`, `invalid_token` or `insufficient_scope`.
   */
  authorize(authorization: string | undefined, scope: string): Promise<AccessToken>;
  /** Throws `invalid_token` where a token that passed a while ago is no longer good. Does not look at its expiry. */
  requireStanding(token: AccessToken): Promise<void>;
}

/** Makes a guard. It keeps no state of its own. Does not check sender constraints (DPoP, certificates). */
export function createGuard(options: GuardOptions): Guard {
  const requireStanding = async (token: AccessToken) => {
    const fault = await options.findFault(token);
    if (fault !== undefined) {
      throw refuseToken(fault);
    }
  };
  return {
    requireStanding,
    async authorize(authorization, scope) {
      const text = readBearer(authorization);
      const token = verifyAccessToken(text, options.now() / 1000, options);
      await requireStanding(token);
      if (!token.scopes.has(scope)) {
        throw new OAuthError('insufficient_scope', `This call needs the scope ${scope}, which the token lacks.`, {
          reason: 'scope_missing',
          scope,
        });
      }
      return token;
    },
  };
}

const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

/** Another scheme than Bearer is no token at all; a Bearer header that cannot be read is a bad one. */
function readBearer(authorization: string | undefined): string {
  if (authorization === undefined || !/^bearer\b/i.test(authorization)) {
    throw new OAuthError('missing_token', 'This call needs an access token: Authorization: Bearer <token>.');
  }
  const token = bearer.exec(authorization)?.[1];
  if (token === undefined) {
    throw refuseToken('token_malformed');
  }
  return token;
}
