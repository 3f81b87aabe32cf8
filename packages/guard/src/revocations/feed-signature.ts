/** Verifies the signature of an answer of the revocation feed. docs/revocation-feed.md. RFC 7515 §5.2, RFC 7519 §4.1, RFC 8725 §3.11. */
import { decodeJws, feedSignatureType } from '@postern/protocol';
import { crypto } from '#crypto';
import type { Awaitable } from '../crypto/crypto-port.ts';
import type { VerificationKey } from '../verify-access-token.ts';

export interface FeedSignatureOptions {
  /** The issuer that was asked. */
  readonly issuer: string;
  /** The cursor that it was asked with; undefined for none. */
  readonly after: string | undefined;
  /** The nonce that it was asked with; undefined for none. */
  readonly nonce: string | undefined;
  /** Returns the key of the feed with this id, never one that signs tokens. */
  readonly findKey: (kid: string) => Awaitable<VerificationKey | undefined>;
}

/** Characters; a longer signature is not even decoded. */
const maxLength = 4_096;

export interface FeedSignature {
  /** Milliseconds since 1970, by the clock of the issuer. */
  readonly signedAt: number;
  /** Whether the nonce was signed, so that the answer was made after the question. */
  readonly isNew: boolean;
}

/**
 * Returns when an answer was signed. Rejects unless `signature` was made by the issuer for this text, as an answer to this cursor.
 *
 * Does not check how long ago that was: an answer without the nonce may be an old one.
 */
export async function verifyFeedSignature(
  signature: string | null,
  text: string,
  { issuer, after, nonce, findKey }: FeedSignatureOptions,
): Promise<FeedSignature> {
  if (signature === null) {
    throw unsigned('has no signature');
  }
  const jws = signature.length > maxLength ? undefined : decodeJws(signature);
  if (jws === undefined) {
    throw unsigned('has a malformed signature');
  }
  const { typ, alg, kid, crit } = jws.header;
  if (typ !== feedSignatureType || alg !== 'EdDSA' || typeof kid !== 'string' || crit !== undefined) {
    throw unsigned('has a signature of another kind');
  }
  const key = await findKey(kid);
  if (key?.alg !== alg) {
    throw unsigned('is signed with a key that the issuer has not for its feed');
  }
  if ((await crypto.verify(key.alg, key.publicKey, jws.signingInput, jws.signature)) !== true) {
    throw unsigned('has a wrong signature');
  }
  const { iss, after: signedAfter, nonce: signedNonce, iat, sha256 } = jws.payload;
  if (iss !== issuer) {
    throw unsigned('is signed by another issuer');
  }
  if (signedAfter !== after) {
    throw unsigned('is signed as the answer to another cursor');
  }
  if (signedNonce !== undefined && signedNonce !== nonce) {
    throw unsigned('is signed for another follower, or an earlier question');
  }
  if (sha256 !== (await crypto.sha256(text))) {
    throw unsigned('is not the one that was signed');
  }
  if (typeof iat !== 'number' || !Number.isFinite(iat)) {
    throw unsigned('does not say when it was signed');
  }
  return { signedAt: iat * 1000, isNew: signedNonce !== undefined };
}

function unsigned(fault: string): Error {
  return new Error(`the answer ${fault}`);
}
