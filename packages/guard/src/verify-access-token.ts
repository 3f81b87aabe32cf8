/**
 * Verifies one access token: form, algorithm, key, signature, type, issuer, audience, times. RFC 9068 §4.
 * Does not check whether the token was revoked since it was issued: see `guard.ts`.
 */
import { type KeyObject, verify } from 'node:crypto';
import { type DecodedJws, decodeJws, decodeJwsPart, type ErrorReason, OAuthError, readScope } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { digestOf, keyInput, type SigningAlgorithm } from './algorithms.ts';
import { type Confirmation, parseCnf } from './confirmation.ts';

export interface VerificationKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicKey: KeyObject;
}

export interface VerifyAccessTokenOptions extends VerifyIssuedTokenOptions {
  /** The token's `aud` must name this. */
  readonly audience: string;
}

export interface VerifyIssuedTokenOptions {
  /** The only issuer whose tokens pass, compared character by character. */
  readonly issuer: string;
  /** The algorithms that may sign; a key of any other is not used, whatever the token's header says. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** Seconds by which this machine's clock may differ from the issuer's, applied to `exp` and `nbf`. */
  readonly clockSkewSeconds: number;
  /** The issuer's key of that id, or undefined if it has none. */
  readonly findKey: (kid: string) => VerificationKey | undefined;
}

/** Characters. A token of Postern with every scope there is stays far below this; longer ones are not even decoded. */
export const longestToken = 16_384;

/**
 * The token's claims, verified. `nowSeconds` is the time to judge by, in seconds since 1970.
 * Throws `invalid_token`, with the reason for the log.
 *
 * Does not check: required scopes, revocation, the status of the client, sender constraints.
 */
export function verifyAccessToken(token: string, nowSeconds: number, options: VerifyAccessTokenOptions): AccessToken {
  return requireAudience(verifyIssuedToken(token, nowSeconds, options), options.audience);
}

/** A token that is for `audience`. Throws `invalid_token` for any other. */
export function requireAudience(token: AccessToken, audience: string): AccessToken {
  if (!token.audience.includes(audience)) {
    throw refuseToken('audience_wrong');
  }
  return token;
}

/**
 * The same for the issuer itself, which accepts tokens of any audience. Does not check the audience either.
 */
export function verifyIssuedToken(token: string, nowSeconds: number, options: VerifyIssuedTokenOptions): AccessToken {
  const signed = decodeAccessToken(token);
  return verifyDecodedToken(signed, options.findKey(signed.kid), nowSeconds, options);
}

/** Headers by their text: an issuer writes the same one for as long as a key signs. Others come from strangers. */
const headers = new Map<string, Readonly<Record<string, unknown>>>();
const mostHeaders = 100;
const longestHeader = 256;

function decodeHeader(text: string): Readonly<Record<string, unknown>> | undefined {
  const header = headers.get(text) ?? decodeJwsPart(text);
  if (header !== undefined && text.length <= longestHeader && !headers.has(text)) {
    if (headers.size >= mostHeaders) {
      headers.clear();
    }
    headers.set(text, header);
  }
  return header;
}

/** An access token in form, of which nothing is verified. */
export interface SignedToken extends DecodedJws {
  /** Of the key that it says it is signed with. */
  readonly kid: string;
}

/** The parts of an access token. Throws `invalid_token` for what is no JWT of that type. Does not check anything else. */
export function decodeAccessToken(token: string): SignedToken {
  const jws = token.length > longestToken ? undefined : decodeJws(token, decodeHeader);
  if (jws === undefined) {
    throw refuseToken('token_malformed');
  }
  const { typ, crit, kid } = jws.header;
  if (typ !== 'at+jwt' && typ !== 'application/at+jwt') {
    throw refuseToken('token_type_wrong');
  }
  // Postern uses no header extension, so a critical one is by definition not understood (RFC 7515 §4.1.11).
  if (crit !== undefined || typeof kid !== 'string') {
    throw refuseToken('token_malformed');
  }
  const { header, payload, signingInput, signature } = jws;
  return { header, payload, signingInput, signature, kid };
}

/** `verifyIssuedToken` for a token that was decoded, with the key of its `kid`. Each step throws `invalid_token`. */
export function verifyDecodedToken(
  signed: SignedToken,
  key: VerificationKey | undefined,
  nowSeconds: number,
  options: Omit<VerifyIssuedTokenOptions, 'findKey'>,
): AccessToken {
  requireIssuer(signed, options.issuer);
  requireSignature(signed, key, options.algorithms);
  const token = parseClaims(signed);
  requireTime(token, nowSeconds, options.clockSkewSeconds);
  return token;
}

export function requireIssuer({ payload }: SignedToken, issuer: string): void {
  if (payload['iss'] !== issuer) {
    throw refuseToken('issuer_wrong');
  }
}

/** `key`: the issuer's key of the token's `kid`, or undefined if the issuer has none. */
export function requireSignature(
  { header, signingInput, signature }: SignedToken,
  key: VerificationKey | undefined,
  algorithms: readonly SigningAlgorithm[],
): void {
  if (key === undefined) {
    throw refuseToken('key_unknown');
  }
  if (header['alg'] !== key.alg || !algorithms.includes(key.alg)) {
    throw refuseToken('algorithm_not_allowed');
  }
  if (!verify(digestOf(key.alg), signingInput, keyInput(key.alg, key.publicKey), signature)) {
    throw refuseToken('signature_wrong');
  }
}

export function requireTime({ expiresAt, claims }: AccessToken, nowSeconds: number, clockSkewSeconds: number): void {
  if (nowSeconds >= expiresAt + clockSkewSeconds) {
    throw refuseToken('token_expired');
  }
  const notBefore = claims['nbf'];
  if (notBefore !== undefined && !(isTime(notBefore) && notBefore <= nowSeconds + clockSkewSeconds)) {
    throw refuseToken('token_not_yet_valid');
  }
}

/** The claims that every access token has. RFC 9068 §2.2. Does not check what they say. */
export function parseClaims({ payload }: SignedToken): AccessToken {
  const { iss, sub, client_id, jti, scope, gen, iat, exp } = payload;
  const { aud } = payload;
  const audience: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (
    typeof iss !== 'string' ||
    typeof sub !== 'string' ||
    typeof client_id !== 'string' ||
    typeof jti !== 'string' ||
    typeof scope !== 'string' ||
    !Number.isSafeInteger(gen) ||
    !isTime(iat) ||
    !isTime(exp)
  ) {
    throw refuseToken('claims_malformed');
  }
  if (!audience.every((one) => typeof one === 'string') || audience.length === 0) {
    throw refuseToken('audience_wrong');
  }
  const scopes = readScope(scope);
  if (scopes === undefined) {
    throw refuseToken('claims_malformed');
  }
  return {
    issuer: iss,
    subject: sub,
    clientId: client_id,
    audience,
    jti,
    scopes: new Set(scopes),
    generation: gen as number,
    confirmation: readConfirmation(payload['cnf']),
    issuedAt: iat,
    expiresAt: exp,
    claims: payload,
  };
}

/** A binding that is not understood here cannot be checked here, so its token is refused. */
function readConfirmation(cnf: unknown): Confirmation | undefined {
  if (cnf === undefined) {
    return undefined;
  }
  const confirmation = parseCnf(cnf);
  if (confirmation === undefined) {
    throw refuseToken('claims_malformed');
  }
  return confirmation;
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value);
}

/** Callers learn one thing only: RFC 6750 §3.1 has a single code for expired, revoked and malformed tokens. */
export function refuseToken(reason: ErrorReason, scheme?: 'DPoP'): OAuthError {
  return new OAuthError('invalid_token', 'The access token is expired, revoked or not valid here.', { reason, scheme });
}
