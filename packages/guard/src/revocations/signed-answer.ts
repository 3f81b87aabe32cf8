/** What the sources of revocations have in common: a JWS that says of what type it is. RFC 7515 §5.2, RFC 8725 §3.11. */
import { decodeJws } from '@postern/protocol';
import { crypto } from '#crypto';
import type { SigningAlgorithm } from '../crypto/algorithms.ts';
import type { Awaitable } from '../crypto/crypto-port.ts';
import type { VerificationKey } from '../verify-access-token.ts';
import type { FeedPage } from './feed-page.ts';

/** Returns the key with this id that signs for the source, never one that signs something else. */
export type FindKey = (kid: string) => Awaitable<VerificationKey | undefined>;

export interface SignedPage {
  readonly page: FeedPage;
  /** The key that signed it. */
  readonly kid: string;
  /** Milliseconds since 1970, by the clock of the issuer. */
  readonly signedAt: number;
  /** Whether the nonce was signed, so that the answer was made after the question. */
  readonly isNew: boolean;
}

export interface Question {
  /** The cursor after which the page is; undefined for the first page. */
  readonly after: string | undefined;
  /** To be signed with the answer; undefined for none. */
  readonly nonce: string | undefined;
  /** Seconds by which the answer may be delayed while there is no news. */
  readonly waitSeconds: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks for a page. Rejects unless the issuer signed it as the answer to this cursor. Does not check how long ago that was: an answer
 * without the nonce may be an old one.
 */
export type FetchSignedPage = (question: Question) => Promise<SignedPage>;

/** An answer has at most 1000 entries; a client with all scopes takes some kilobytes. */
export const maxAnswerBytes = 33_554_432;

/** Milliseconds, in addition to the time that the source was asked to wait. */
export const answerTimeoutMs = 10_000;

export interface SignatureOptions {
  /** The only accepted type. */
  readonly typ: string;
  /** The only accepted algorithm. */
  readonly alg: SigningAlgorithm;
  /** Characters; a longer JWS is not even decoded. */
  readonly maxLength: number;
  readonly findKey: FindKey;
}

export interface SignedAnswer {
  readonly kid: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Returns the key and the payload of a JWS. Rejects unless it has this type and a key for it signed it. Does not check any claim. */
export async function verifySignedAnswer(
  text: string,
  { typ, alg, maxLength, findKey }: SignatureOptions,
): Promise<SignedAnswer> {
  const jws = text.length > maxLength ? undefined : decodeJws(text);
  if (jws === undefined) {
    throw invalidAnswer('has a malformed signature');
  }
  const { kid, crit } = jws.header;
  if (jws.header['typ'] !== typ || jws.header['alg'] !== alg || typeof kid !== 'string' || crit !== undefined) {
    throw invalidAnswer('has a signature of another kind');
  }
  const key = await findKey(kid);
  if (key?.alg !== alg) {
    throw invalidAnswer('is signed with a key that the issuer has not for it');
  }
  if ((await crypto.verify(key.alg, key.publicKey, jws.signingInput, jws.signature)) !== true) {
    throw invalidAnswer('has a wrong signature');
  }
  return { kid, payload: jws.payload };
}

/** Reads when a page was signed, and whether after the question. Throws if it was signed for another question. */
export function readSigningTime(
  iat: unknown,
  signedNonce: unknown,
  { nonce }: Pick<Question, 'nonce'>,
): Pick<SignedPage, 'signedAt' | 'isNew'> {
  if (signedNonce !== undefined && signedNonce !== nonce) {
    throw invalidAnswer('is signed for another follower, or an earlier question');
  }
  if (typeof iat !== 'number' || !Number.isFinite(iat)) {
    throw invalidAnswer('does not say when it was signed');
  }
  return { signedAt: iat * 1000, isNew: signedNonce !== undefined };
}

export function invalidAnswer(fault: string): Error {
  return new Error(`the answer ${fault}`);
}
