/**
 * Decides whether a request may pass: has it a token (RFC 6750 §2.1, RFC 9449 §7.1), is the token genuine (RFC 9068
 * §4), does its bearer hold what it is bound to (RFC 7800), does it still stand, and does it hold the scope that the
 * call needs (RFC 6750 §3.1)?
 */
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { verifyDpopProof } from './dpop-proof.ts';
import { refuseToken, type VerifyAccessTokenOptions, verifyAccessToken } from './verify-access-token.ts';

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

export interface GuardOptions extends VerifyAccessTokenOptions {
  /** What callers put before the path to reach the API, without a slash at the end. DPoP proofs name it. */
  readonly baseUrl: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Why a genuine token is no longer good, or undefined while its ground holds. Asked on every call. */
  readonly findFault: (token: AccessToken) => Promise<ErrorReason | undefined>;
  readonly dpop: DpopPolicy;
  /** URL of the API's own metadata, which its challenges then name. RFC 9728 §5.1. Undefined: it has none. */
  readonly resourceMetadata?: string;
}

export interface Guard {
  /**
   * The token of a request, if it may do what `scope` names. Throws `missing_token`, `invalid_token`,
   * `insufficient_scope`, `invalid_dpop_proof` or `use_dpop_nonce`.
   */
  authorize(request: GuardedRequest, scope: string): Promise<AccessToken>;
  /** Throws `invalid_token` where a token that passed a while ago is no longer good. Does not look at its expiry. */
  requireStanding(token: AccessToken): Promise<void>;
}

/** Makes a guard. It keeps no state of its own. */
export function createGuard(options: GuardOptions): Guard {
  const { findFault, now, resourceMetadata } = options;

  const requireStanding = async (token: AccessToken) => {
    const fault = await findFault(token);
    if (fault !== undefined) {
      throw refuseToken(fault);
    }
  };

  const authorize = async (request: GuardedRequest, scope: string) => {
    const { scheme, text } = readAuthorization(request.authorization);
    const nowSeconds = now() / 1000;
    const token = verifyAccessToken(text, nowSeconds, options);
    if (scheme === 'DPoP' || token.confirmation?.jkt !== undefined) {
      await requireProof(request, scheme, text, token, nowSeconds, options);
    }
    if (token.confirmation?.x5tS256 !== undefined) {
      requireCertificate(request.certificateThumbprint, token.confirmation.x5tS256);
    }
    await requireStanding(token);
    if (!token.scopes.has(scope)) {
      throw new OAuthError('insufficient_scope', `This call needs the scope ${scope}, which the token lacks.`, {
        reason: 'scope_missing',
        scope,
        scheme,
      });
    }
    return token;
  };

  return {
    requireStanding: (token) => withMetadata(resourceMetadata, requireStanding(token)),
    authorize: (request, scope) => withMetadata(resourceMetadata, authorize(request, scope)),
  };
}

/** What `pending` throws, with the URL of the API's metadata for its challenge. */
async function withMetadata<T>(resourceMetadata: string | undefined, pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof OAuthError && resourceMetadata !== undefined) {
      throw new OAuthError(error.code, error.message, { ...error, cause: error.cause, resourceMetadata });
    }
    throw error;
  }
}

/** RFC 9449 §7.1 and §7.2: a bound token only with a proof of its key, and never as a plain Bearer token. */
async function requireProof(
  request: GuardedRequest,
  scheme: Scheme,
  text: string,
  token: AccessToken,
  nowSeconds: number,
  { baseUrl, dpop }: GuardOptions,
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

const credentials = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*) *$/i;

/** Another scheme is no token at all; a Bearer or DPoP header that cannot be read is a bad one. */
function readAuthorization(authorization: string | undefined): { scheme: Scheme; text: string } {
  if (authorization === undefined || !/^(bearer|dpop)\b/i.test(authorization)) {
    throw new OAuthError('missing_token', 'This call needs an access token: Authorization: Bearer <token>.');
  }
  const [, scheme, text] = credentials.exec(authorization) ?? [];
  if (scheme === undefined || text === undefined) {
    throw refuseToken('token_malformed');
  }
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', text };
}
