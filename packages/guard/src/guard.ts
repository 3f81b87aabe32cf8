/**
 * Authorizes requests: finds the token (RFC 6750 §2.1, RFC 9449 §7.1), verifies it (RFC 9068 §4), checks what it is bound
 * to (RFC 7800), whether it is still active, and whether it has the scope that the call requires (RFC 6750 §3.1).
 */
import { type ErrorCode, type ErrorReason, OAuthError } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import type { SigningAlgorithm } from './crypto/algorithms.ts';
import { type DpopProof, verifyDpopProof } from './dpop-proof.ts';
import {
  decodeAccessToken,
  findVerified,
  invalidTokenError,
  requireAudience,
  type VerificationKey,
  type VerifyAccessTokenOptions,
  verifyDecodedToken,
} from './verify-access-token.ts';

/** The parts of a request that a guard reads. */
export interface GuardedRequest {
  readonly method: string;
  /** The path of the request, with or without its query. */
  readonly path: string;
  /** The header `Authorization`. */
  readonly authorization: string | undefined;
  /** The header `DPoP`. */
  readonly dpop: string | undefined;
  /**
   * `certificateThumbprint` of the client certificate of the request; undefined without one. Read only for a token that is
   * bound to a certificate.
   */
  readonly certificateThumbprint: string | undefined;
  /** The URL before the path, if the caller used another than `baseUrl` of the guard. */
  readonly baseUrl?: string;
}

/** One-time use of DPoP proofs, and nonces if the API requires them. */
export interface DpopPolicy {
  /**
   * Records a proof and returns true for its first use, false for every later one. `expiresAt` is in seconds since 1970.
   * Called only if nothing else is wrong with the request. `clientId` is the client that the proof counts for, if there is a
   * limit: a client can have any number of keys.
   */
  readonly useProof: (jkt: string, jti: string, expiresAt: number, clientId: string) => Promise<boolean>;
  /** Undefined if proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
}

/** Nonces that this side issues, and that proofs must contain. RFC 9449 §8 and §9. */
export interface DpopNonces {
  current(): string;
  isValid(nonce: string): boolean;
}

/** The result of authorizing one request. */
export interface Decision {
  /** `passed`, or the error code. */
  readonly outcome: 'passed' | ErrorCode;
  /** Why the request was rejected, for the operator; undefined if it passed, or if the code says all. */
  readonly reason: ErrorReason | undefined;
  /** Whether the signature of the token was verified earlier, and not again. */
  readonly isCached: boolean;
  readonly durationMs: number;
}

export interface GuardOptions extends VerifyAccessTokenOptions {
  /** Fetches a key that `findKey` does not know from the issuer. Undefined if `findKey` knows all keys. */
  readonly fetchKey?: (kid: string) => Promise<VerificationKey | undefined>;
  /** The URL before the path of a request, as callers see it, without a slash at the end. DPoP proofs contain it. */
  readonly baseUrl: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Returns why a verified token is no longer active, or undefined if it is active. Called for every request. */
  readonly findInactiveReason: (token: AccessToken) => ErrorReason | undefined | Promise<ErrorReason | undefined>;
  readonly dpop: DpopPolicy;
  /** Whether the client of a token may sign its proofs with `alg`. Undefined if every supported algorithm is allowed. */
  readonly isProofAlgorithmAllowed?: ((clientId: string, alg: SigningAlgorithm) => Promise<boolean>) | undefined;
  /** URL of the API's own metadata, which its challenges name. RFC 9728 §5.1. Undefined if it has none. */
  readonly resourceMetadata?: string | undefined;
  /** Called with every decision. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
}

export interface Guard {
  /**
   * Returns the token of a request if it has the required `scope`: one scope, several separated by spaces, which it must
   * all have, or '' to accept every valid token. Throws `OAuthError` with the code `missing_token`, `invalid_token`,
   * `insufficient_scope`, `invalid_dpop_proof`, `use_dpop_nonce`, `too_many_requests` or `temporarily_unavailable`.
   */
  authorize(request: GuardedRequest, scope: string): Promise<AccessToken>;
  /** Throws `invalid_token` if a token that was accepted earlier is no longer active. Does not check its expiry. */
  requireActive(token: AccessToken): Promise<void>;
}

/** Creates a guard, which has no state of its own. */
export function createGuard(options: GuardOptions): Guard {
  const { findInactiveReason, now, onDecision, resourceMetadata } = options;

  // One function that awaits only if there is something to wait for: each `await` costs as much as everything else that
  // a token takes whose signature was verified earlier.
  const authorize = async (request: GuardedRequest, scope: string, progress: Progress) => {
    const { scheme, text } = readAuthorization(request.authorization);
    const nowSeconds = now() / 1000;
    let token = findVerified(text, nowSeconds, options);
    progress.isCached = token !== undefined;
    if (token === undefined) {
      const signed = decodeAccessToken(text, options.acceptTyp);
      const key = options.findKey(signed.kid) ?? (await options.fetchKey?.(signed.kid));
      const verifying = verifyDecodedToken(signed, key, nowSeconds, options);
      token = requireAudience(verifying instanceof Promise ? await verifying : verifying, options.audience);
      options.verifiedTokens?.add(text, { token, key: key as VerificationKey });
    }
    const proof =
      scheme === 'DPoP' || token.confirmation?.jkt !== undefined
        ? await requireProof(request, scheme, text, token, nowSeconds, options)
        : undefined;
    if (token.confirmation?.x5tS256 !== undefined) {
      requireCertificate(request.certificateThumbprint, token.confirmation.x5tS256);
    }
    const found = findInactiveReason(token);
    const reason = found instanceof Promise ? await found : found;
    if (reason !== undefined) {
      throw invalidTokenError(reason);
    }
    requireScope(token, scope, scheme);
    // Last, so that nobody fills the memory of used proofs with requests that are refused anyway.
    if (proof !== undefined) {
      await requireFirstUse(proof, token, options);
    }
    return token;
  };

  return {
    async requireActive(token) {
      try {
        const reason = await findInactiveReason(token);
        if (reason !== undefined) {
          throw invalidTokenError(reason);
        }
      } catch (error) {
        throw withMetadata(error, resourceMetadata);
      }
    },
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

/**
 * Throws `insufficient_scope` unless the token has the required `scope`, with the same meaning as for `authorize`. RFC 6750
 * §3.1. The challenge names all required scopes, the text those that are missing. Does not check anything else.
 */
export function requireScope(token: AccessToken, scope: string, scheme: Scheme): void {
  if (token.scopes.has(scope)) {
    return;
  }
  const missing = scope.split(' ').filter((name) => name !== '' && !token.scopes.has(name));
  if (missing.length > 0) {
    throw new OAuthError(
      'insufficient_scope',
      `This call needs the scope ${missing.join(' ')}, which the token lacks: request a token that has it.`,
      {
        reason: 'scope_missing',
        scope,
        scheme,
      },
    );
  }
}

/** Adds the URL of the API's metadata to an error, for its challenge. */
function withMetadata(error: unknown, resourceMetadata: string | undefined): unknown {
  return error instanceof OAuthError && resourceMetadata !== undefined
    ? new OAuthError(error.code, error.message, { ...error, cause: error.cause, resourceMetadata })
    : error;
}

/**
 * RFC 9449 §7.1 and §7.2: a bound token requires a proof of its key, and is never accepted as a plain Bearer token. Returns
 * the proof. Does not check whether it was used before.
 */
async function requireProof(
  request: GuardedRequest,
  scheme: Scheme,
  text: string,
  token: AccessToken,
  nowSeconds: number,
  { baseUrl, dpop, isProofAlgorithmAllowed }: GuardOptions,
): Promise<DpopProof> {
  if (scheme !== 'DPoP' || request.dpop === undefined || token.confirmation?.jkt === undefined) {
    throw invalidTokenError('proof_missing', 'DPoP');
  }
  const proof = await verifyDpopProof(request.dpop, {
    method: request.method,
    url: (request.baseUrl ?? baseUrl) + request.path,
    nowSeconds,
    accessToken: text,
    scheme,
  });
  if (proof.jkt !== token.confirmation.jkt) {
    throw invalidTokenError('proof_wrong', 'DPoP');
  }
  if (isProofAlgorithmAllowed !== undefined && !(await isProofAlgorithmAllowed(token.clientId, proof.alg))) {
    throw new OAuthError('invalid_dpop_proof', `The client of the token may not sign DPoP proofs with ${proof.alg}.`, {
      reason: 'algorithm_not_allowed',
      scheme,
    });
  }
  if (dpop.nonces !== undefined) {
    requireDpopNonce(proof.nonce, dpop.nonces, scheme);
  }
  return proof;
}

async function requireFirstUse(
  { jkt, jti, expiresAt }: DpopProof,
  { clientId }: AccessToken,
  { dpop }: GuardOptions,
): Promise<void> {
  if (!(await dpop.useProof(jkt, jti, expiresAt, clientId))) {
    throw new OAuthError('invalid_dpop_proof', 'The DPoP proof was used before.', {
      reason: 'token_replayed',
      scheme: 'DPoP',
    });
  }
}

/**
 * RFC 8705 §3: a token that is bound to a certificate requires that certificate. The TLS handshake proved possession of its
 * private key. Does not check who issued the certificate.
 */
function requireCertificate(presented: string | undefined, bound: string): void {
  if (presented !== bound) {
    throw invalidTokenError(presented === undefined ? 'certificate_missing' : 'certificate_wrong');
  }
}

/** Throws `use_dpop_nonce` with a nonce for the next attempt. RFC 9449 §8. `scheme` is set if an API requires the nonce. */
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

/** A request with another scheme has no token. The text after the scheme is not validated yet. */
function readAuthorization(authorization: string | undefined): { scheme: Scheme; text: string } {
  const [prefix, scheme] = /^(bearer|dpop)\b */i.exec(authorization ?? '') ?? [];
  if (authorization === undefined || prefix === undefined || scheme === undefined) {
    throw new OAuthError('missing_token', 'This call needs an access token: Authorization: Bearer <token>.');
  }
  const text = authorization.slice(prefix.length);
  return { scheme: scheme.length === 4 ? 'DPoP' : 'Bearer', text: text.endsWith(' ') ? text.trimEnd() : text };
}
