/**
 * Verifies one access token: form, algorithm, key, signature, type, issuer, audience and times. RFC 9068 §4.
 * Does not check whether the token was revoked after it was issued: see `guard.ts`.
 */

import { type DecodedJws, decodeJws, decodeJwsPart, type ErrorReason, OAuthError, readScope } from '@postern/protocol';
import { crypto } from '#crypto';
import type { AccessToken } from './access-token.ts';
import { type Confirmation, parseCnf } from './confirmation.ts';
import type { SigningAlgorithm } from './crypto/algorithms.ts';
import type { Awaitable, PlatformKey } from './crypto/crypto-port.ts';
import { RecentMap } from './recent-map.ts';

export interface VerificationKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicKey: PlatformKey;
}

/**
 * The types of access tokens. `at+jwt` tells them from every other JWT (RFC 9068 §2.1). `JWT` does not, and is for APIs whose
 * verifiers know no other.
 */
export const accessTokenTyps = ['at+jwt', 'JWT'] as const;

export type AccessTokenTyp = (typeof accessTokenTyps)[number];

const defaultTyps: readonly AccessTokenTyp[] = ['at+jwt'];

export interface VerifyAccessTokenOptions extends VerifyIssuedTokenOptions {
  /** The `aud` of the token must contain this. */
  readonly audience: string;
  /** The accepted types. Default: only `at+jwt`. */
  readonly acceptTyp?: readonly AccessTokenTyp[] | undefined;
}

export interface VerifyIssuedTokenOptions {
  /** The only accepted issuer, compared character by character. */
  readonly issuer: string;
  /** The accepted algorithms. Keys of other algorithms are not used, whatever the header of the token says. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** Seconds by which this machine's clock may differ from the issuer's, applied to `exp` and `nbf`. */
  readonly clockSkewSeconds: number;
  /** Returns the key of the issuer with this id, or undefined if it has none. */
  readonly findKey: (kid: string) => VerificationKey | undefined;
  /**
   * Tokens that were accepted earlier, whose signature is not verified again. They were accepted by one audience and `acceptTyp`, so
   * two verifiers that differ in these must not share it. Undefined if every signature is verified on every call.
   */
  readonly verifiedTokens?: RecentMap<VerifiedToken> | undefined;
}

export interface VerifiedToken {
  readonly token: AccessToken;
  /** The key that verified it: the entry is invalid once the issuer no longer publishes the key. */
  readonly key: VerificationKey;
}

/** Characters. A token of Postern with all scopes is far shorter; longer ones are not decoded. */
export const maxTokenLength = 16_384;

/**
 * Returns the verified token. `nowSeconds` is the current time, in seconds since 1970. Throws `invalid_token`, with the
 * reason for the log.
 *
 * Does not check: required scopes, revocation, the status of the client, sender constraints.
 */
export async function verifyAccessToken(
  token: string,
  nowSeconds: number,
  options: VerifyAccessTokenOptions,
): Promise<AccessToken> {
  const signed = decodeAccessToken(token, options.acceptTyp);
  const verified = await verifyDecodedToken(signed, options.findKey(signed.kid), nowSeconds, options);
  return requireAudience(verified, options.audience);
}

/** Returns the token if its audience contains `audience`, or else throws `invalid_token`. */
export function requireAudience(token: AccessToken, audience: string): AccessToken {
  if (!token.audience.includes(audience)) {
    throw invalidTokenError('audience_wrong');
  }
  return token;
}

/**
 * Like `verifyAccessToken`, for the issuer itself, which knows the tokens of both types that it issues. Does not check the
 * audience either.
 */
export async function verifyIssuedToken(
  token: string,
  nowSeconds: number,
  options: VerifyIssuedTokenOptions,
): Promise<AccessToken> {
  const known = findVerified(token, nowSeconds, options);
  if (known !== undefined) {
    return known;
  }
  const signed = decodeIssuedToken(token, options.issuer);
  const key = options.findKey(signed.kid);
  const verified = await verifyDecodedToken(signed, key, nowSeconds, options);
  options.verifiedTokens?.add(token, { token: verified, key: key as VerificationKey });
  return verified;
}

/** Returns a token that was verified earlier, has not expired since, and whose key the issuer still publishes. */
export function findVerified(
  text: string,
  nowSeconds: number,
  { verifiedTokens, clockSkewSeconds, findKey }: VerifyIssuedTokenOptions,
): AccessToken | undefined {
  const verified = verifiedTokens?.find(text);
  return verified !== undefined &&
    nowSeconds < verified.token.expiresAt + clockSkewSeconds &&
    findKey(verified.key.kid) === verified.key
    ? verified.token
    : undefined;
}

/**
 * Decodes an access token as the issuer itself does. Throws `invalid_token` also for one of type JWT that is for the issuer,
 * which issues such tokens only for other APIs. Does not check anything else.
 */
export function decodeIssuedToken(token: string, issuer: string): SignedToken {
  const signed = decodeAccessToken(token, accessTokenTyps);
  if (signed.header['typ'] === 'JWT' && [signed.payload['aud']].flat().includes(issuer)) {
    throw invalidTokenError('token_type_wrong');
  }
  return signed;
}

/** Decoded headers by their text, since an issuer writes the same header for as long as a key signs. */
const headers = new RecentMap<Readonly<Record<string, unknown>>>(100);
const maxHeaderLength = 256;

function decodeHeader(text: string): Readonly<Record<string, unknown>> | undefined {
  const known = headers.find(text);
  if (known !== undefined) {
    return known;
  }
  const header = decodeJwsPart(text);
  if (header !== undefined && text.length <= maxHeaderLength) {
    headers.add(text, header);
  }
  return header;
}

/** A decoded access token, of which nothing is verified. */
export interface SignedToken extends DecodedJws {
  /** The id of the key that its header names. */
  readonly kid: string;
}

/** Decodes an access token. Throws `invalid_token` if it is not a JWT of an accepted type. Does not check anything else. */
export function decodeAccessToken(token: string, acceptTyp: readonly AccessTokenTyp[] = defaultTyps): SignedToken {
  const jws = token.length > maxTokenLength ? undefined : decodeJws(token, decodeHeader);
  if (jws === undefined) {
    throw invalidTokenError('token_malformed');
  }
  const { typ, crit, kid } = jws.header;
  if (!acceptTyp.some((accepted) => typ === accepted || (accepted === 'at+jwt' && typ === 'application/at+jwt'))) {
    throw invalidTokenError('token_type_wrong');
  }
  // No header extension is supported, so a token with a critical one is rejected (RFC 7515 §4.1.11).
  if (crit !== undefined || typeof kid !== 'string') {
    throw invalidTokenError('token_malformed');
  }
  const { header, payload, signingInput, signature } = jws;
  return { header, payload, signingInput, signature, kid };
}

/** `verifyIssuedToken` for a token that was decoded, with the key of its `kid`. Each step throws `invalid_token`, or rejects with it. */
export function verifyDecodedToken(
  signed: SignedToken,
  key: VerificationKey | undefined,
  nowSeconds: number,
  options: Omit<VerifyIssuedTokenOptions, 'findKey'>,
): Awaitable<AccessToken> {
  requireIssuer(signed, options.issuer);
  const readToken = () => {
    const token = parseClaims(signed);
    requireTime(token, nowSeconds, options.clockSkewSeconds);
    return token;
  };
  const verifying = requireSignature(signed, key, options.algorithms);
  return verifying === undefined ? readToken() : verifying.then(readToken);
}

export function requireIssuer({ payload }: SignedToken, issuer: string): void {
  if (payload['iss'] !== issuer) {
    throw invalidTokenError('issuer_wrong');
  }
}

/** `key`: the issuer's key of the token's `kid`, or undefined if the issuer has none. */
export function requireSignature(
  { header, signingInput, signature }: SignedToken,
  key: VerificationKey | undefined,
  algorithms: readonly SigningAlgorithm[],
): undefined | Promise<undefined> {
  if (key === undefined) {
    throw invalidTokenError('key_unknown');
  }
  if (header['alg'] !== key.alg || !algorithms.includes(key.alg)) {
    throw invalidTokenError('algorithm_not_allowed');
  }
  const requireGenuine = (isGenuine: boolean): undefined => {
    if (isGenuine !== true) {
      throw invalidTokenError('signature_wrong');
    }
  };
  const verifying = crypto.verify(key.alg, key.publicKey, signingInput, signature);
  return typeof verifying === 'boolean' ? requireGenuine(verifying) : verifying.then(requireGenuine);
}

export function requireTime({ expiresAt, claims }: AccessToken, nowSeconds: number, clockSkewSeconds: number): void {
  if (nowSeconds >= expiresAt + clockSkewSeconds) {
    throw invalidTokenError('token_expired');
  }
  const notBefore = claims['nbf'];
  if (notBefore !== undefined && !(isTime(notBefore) && notBefore <= nowSeconds + clockSkewSeconds)) {
    throw invalidTokenError('token_not_yet_valid');
  }
}

/** The claims that every access token has. RFC 9068 §2.2. Does not check what they say. */
export function parseClaims({ payload, kid }: SignedToken): AccessToken {
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
    throw invalidTokenError('claims_malformed');
  }
  if (!audience.every((one) => typeof one === 'string') || audience.length === 0) {
    throw invalidTokenError('audience_wrong');
  }
  const scopes = readScope(scope);
  if (scopes === undefined || !isDetails(payload['authorization_details'])) {
    throw invalidTokenError('claims_malformed');
  }
  return {
    issuer: iss,
    subject: sub,
    clientId: client_id,
    audience,
    jti,
    kid,
    scopes: new Set(scopes),
    generation: gen as number,
    confirmation: readConfirmation(payload['cnf']),
    issuedAt: iat,
    expiresAt: exp,
    claims: payload,
  };
}

/** Whether they are absent, or have the members that every type has. RFC 9396 §2. */
function isDetails(details: unknown): boolean {
  return (
    details === undefined ||
    (Array.isArray(details) &&
      details.every((detail) => typeof (detail as { type?: unknown } | null)?.type === 'string'))
  );
}

/** Throws `invalid_token` for an unknown binding, since it cannot be checked. */
function readConfirmation(cnf: unknown): Confirmation | undefined {
  if (cnf === undefined) {
    return undefined;
  }
  const confirmation = parseCnf(cnf);
  if (confirmation === undefined) {
    throw invalidTokenError('claims_malformed');
  }
  return confirmation;
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value);
}

/** The same text for every reason: RFC 6750 §3.1 has a single code for expired, revoked and malformed tokens. */
export function invalidTokenError(reason: ErrorReason, scheme?: 'DPoP'): OAuthError {
  return new OAuthError('invalid_token', 'The access token is expired, revoked or not valid here: get a new one.', {
    reason,
    scheme,
  });
}
