/**
 * Decides whether a request may pass: has it a token (RFC 6750 §2.1, RFC 9449 §7.1), is the token genuine (RFC 9068
 * §4), does its bearer hold what it is bound to (RFC 7800), does it still stand, and does it hold the scope that the
 * call needs (RFC 6750 §3.1)?
 */
import { type ErrorCode, type ErrorReason, OAuthError } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import type { SigningAlgorithm } from './algorithms.ts';
import { verifyDpopProof } from './dpop-proof.ts';
import type { VerifiedTokens } from './verified-tokens.ts';
import {
  decodeAccessToken,
  refuseToken,
  requireAudience,
  type VerificationKey,
  type VerifyAccessTokenOptions,
  verifyDecodedToken,
} from './verify-access-token.ts';

/** What a guard looks at in a request. */
export interface GuardedRequest {
  readonly method: string;
  /** Path of the request, with or without its query. */
  readonly path: string;
  /** The header of that name. */
  readonly authorization: string | undefined;
  /** The header of that name. */
  readonly dpop: string | undefined;
  /**
   * `certificateThumbprint` of the client certificate that came with the request; undefined where none did. Read only
   * for a token that is bound to one.
   */
  readonly certificateThumbprint: string | undefined;
}

/** One-time use of DPoP proofs, and nonces where the API wants them. */
export interface DpopPolicy {
  /** True for the first use of a proof, false for every other. `expiresAt` is in seconds since 1970. */
  readonly useProof: (jkt: string, jti: string, expiresAt: number) => Promise<boolean>;
  /** Undefined: proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
}

/** Nonces that this side makes and proofs carry back. RFC 9449 §8 and §9. */
export interface DpopNonces {
  current(): string;
  isValid(nonce: string): boolean;
}

/** What became of one request. */
export interface Decision {
  /** `passed`, or the code of the refusal. */
  readonly outcome: 'passed' | ErrorCode;
  /** Why it was refused, for the operator. */
  readonly reason: ErrorReason | undefined;
  /** True where the signature of the token was verified earlier. */
  readonly isCached: boolean;
  readonly durationMs: number;
}

export interface GuardOptions extends VerifyAccessTokenOptions {
  /** Asks the issuer for a key that `findKey` does not know. Undefined: there is nobody to ask. */
  readonly seekKey?: (kid: string) => Promise<VerificationKey | undefined>;
  /** What callers put before the path to reach the API, without a slash at the end. DPoP proofs name it. */
  readonly baseUrl: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Why a genuine token is no longer good, or undefined while its ground holds. Asked on every call. */
  readonly findFault: (token: AccessToken) => ErrorReason | undefined | Promise<ErrorReason | undefined>;
  readonly dpop: DpopPolicy;
  /** Whether the client of a token may sign its proofs by `alg`. Undefined: by every one that is known here. */
  readonly mayProveBy?: ((clientId: string, alg: SigningAlgorithm) => Promise<boolean>) | undefined;
  /** URL of the API's own metadata, which its challenges then name. RFC 9728 §5.1. Undefined: it has none. */
  readonly resourceMetadata?: string | undefined;
  /** Undefined: the signature of every token is verified on every call. */
  readonly verifiedTokens?: VerifiedTokens | undefined;
  /** Hears of every decision. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
}

export interface Guard {
  /**
   * The token of a request, if it may do what `scope` names: one scope, several with spaces between them, which it
   * must hold all, or '' where any token will do. Throws `missing_token`, `invalid_token`, `insufficient_scope`,
   * `invalid_dpop_proof`, `use_dpop_nonce` or `temporarily_unavailable`.
   */
  authorize(request: GuardedRequest, scope: string): Promise<AccessToken>;
  /** Throws `invalid_token` where a token that passed a while ago is no longer good. Does not look at its expiry. */
  requireActive(token: AccessToken): Promise<void>;
}

/** Makes a guard. It keeps no state of its own. */
export function createGuard(options: GuardOptions): Guard {
  const { findFault, now, onDecision, resourceMetadata } = options;

  const requireActive = async (token: AccessToken) => {
    refuseFault(await findFault(token));
  };

  // All in one function, and waiting only where there is something to wait for: each `await` costs as much as all the
  // looking up for a token that was verified before.
  const authorize = async (request: GuardedRequest, scope: string, progress: Progress) => {
    const { scheme, text } = readAuthorization(request.authorization);
    const nowSeconds = now() / 1000;
    let token = recall(text, nowSeconds, options);
    progress.isCached = token !== undefined;
    if (token === undefined) {
      const signed = decodeAccessToken(text);
      const key = options.findKey(signed.kid) ?? (await options.seekKey?.(signed.kid));
      token = requireAudience(verifyDecodedToken(signed, key, nowSeconds, options), options.audience);
      options.verifiedTokens?.add(text, { token, key: key as VerificationKey });
    }
    if (scheme === 'DPoP' || token.confirmation?.jkt !== undefined) {
      await requireProof(request, scheme, text, token, nowSeconds, options);
    }
    if (token.confirmation?.x5tS256 !== undefined) {
      requireCertificate(request.certificateThumbprint, token.confirmation.x5tS256);
    }
    const fault = findFault(token);
    refuseFault(fault instanceof Promise ? await fault : fault);
    requireScope(token, scope, scheme);
    return token;
  };

  return {
    requireActive: (token) =>
      requireActive(token).catch((error) => Promise.reject(withMetadata(error, resourceMetadata))),
    async authorize(request, scope) {
      const startedAt = onDecision === undefined ? 0 : performance.now();
      const progress = { isCached: false };
      try {
        const token = await authorize(request, scope, progress);
        onDecision?.({ outcome: 'passed', reason: undefined, ...progress, durationMs: performance.now() - startedAt });
        return token;
      } catch (error) {
        if (error instanceof OAuthError) {
          const { code, reason } = error;
          onDecision?.({ outcome: code, reason, ...progress, durationMs: performance.now() - startedAt });
        }
        throw withMetadata(error, resourceMetadata);
      }
    },
  };
}

interface Progress {
  isCached: boolean;
}

/** A token that was verified earlier, has not expired since, and whose key the issuer still has. */
function recall(text: string, nowSeconds: number, options: GuardOptions): AccessToken | undefined {
  const verified = options.verifiedTokens?.find(text);
  return verified !== undefined &&
    nowSeconds < verified.token.expiresAt + options.clockSkewSeconds &&
    options.findKey(verified.key.kid) === verified.key
    ? verified.token
    : undefined;
}

function refuseFault(fault: ErrorReason | undefined): void {
  if (fault !== undefined) {
    throw refuseToken(fault);
  }
}

/**
 * Throws `insufficient_scope` unless the token holds all that `scope` names, as of `authorize`. RFC 6750 §3.1. The
 * challenge names all that the call needs, the text what is lacking. Does not check anything else of the token.
 */
export function requireScope(token: AccessToken, scope: string, scheme: Scheme): void {
  if (token.scopes.has(scope)) {
    return;
  }
  const missing = scope.split(' ').filter((name) => name !== '' && !token.scopes.has(name));
  if (missing.length > 0) {
    throw new OAuthError(
      'insufficient_scope',
      `This call needs the scope ${missing.join(' ')}, which the token lacks.`,
      {
        reason: 'scope_missing',
        scope,
        scheme,
      },
    );
  }
}

/** What was thrown, with the URL of the API's metadata for its challenge. */
function withMetadata(error: unknown, resourceMetadata: string | undefined): unknown {
  return error instanceof OAuthError && resourceMetadata !== undefined
    ? new OAuthError(error.code, error.message, { ...error, cause: error.cause, resourceMetadata })
    : error;
}

/** RFC 9449 §7.1 and §7.2: a bound token only with a proof of its key, and never as a plain Bearer token. */
async function requireProof(
  request: GuardedRequest,
  scheme: Scheme,
  text: string,
  token: AccessToken,
  nowSeconds: number,
  { baseUrl, dpop, mayProveBy }: GuardOptions,
): Promise<void> {
  if (scheme !== 'DPoP' || request.dpop === undefined || token.confirmation?.jkt === undefined) {
    throw refuseToken('proof_missing', 'DPoP');
  }
  const proof = verifyDpopProof(request.dpop, {
    method: request.method,
    url: baseUrl + request.path,
    nowSeconds,
    accessToken: text,
    scheme,
  });
  if (proof.jkt !== token.confirmation.jkt) {
    throw refuseToken('proof_wrong', 'DPoP');
  }
  if (mayProveBy !== undefined && !(await mayProveBy(token.clientId, proof.alg))) {
    throw new OAuthError('invalid_dpop_proof', `The client of the token may not sign DPoP proofs by ${proof.alg}.`, {
      reason: 'algorithm_not_allowed',
      scheme,
    });
  }
  if (dpop.nonces !== undefined) {
    requireDpopNonce(proof.nonce, dpop.nonces, scheme);
  }
  if (!(await dpop.useProof(proof.jkt, proof.jti, proof.expiresAt))) {
    throw new OAuthError('invalid_dpop_proof', 'The DPoP proof was used before.', { reason: 'token_replayed', scheme });
  }
}

/**
 * RFC 8705 §3: a token that is bound to a certificate only with that one. Holding its private key was proved in the TLS
 * handshake; who issued it does not matter here.
 */
function requireCertificate(presented: string | undefined, bound: string): void {
  if (presented !== bound) {
    throw refuseToken(presented === undefined ? 'certificate_missing' : 'certificate_wrong');
  }
}

/** Throws `use_dpop_nonce`, with a nonce for the next try. RFC 9449 §8. `scheme`: set where an API asks for it. */
export function requireDpopNonce(nonce: string | undefined, nonces: DpopNonces, scheme?: 'DPoP'): void {
  if (nonce === undefined || !nonces.isValid(nonce)) {
    throw new OAuthError('use_dpop_nonce', 'The DPoP proof must carry the nonce of the DPoP-Nonce header.', {
      reason: 'proof_wrong',
      dpopNonce: nonces.current(),
      scheme,
    });
  }
}

type Scheme = 'Bearer' | 'DPoP';

/** Another scheme is no token at all. What comes after the right one may be anything: it must prove to be a token. */
function readAuthorization(authorization: string | undefined): { scheme: Scheme; text: string } {
  const [prefix, scheme] = /^(bearer|dpop)\b */i.exec(authorization ?? '') ?? [];
  if (authorization === undefined || prefix === undefined || scheme === undefined) {
    throw new OAuthError('missing_token', 'This call needs an access token: Authorization: Bearer <token>.');
  }
  const text = authorization.slice(prefix.length);
  return { scheme: scheme.length === 4 ? 'DPoP' : 'Bearer', text: text.endsWith(' ') ? text.trimEnd() : text };
}
