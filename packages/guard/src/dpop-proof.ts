/** Verifies a DPoP proof, by which the sender of a request shows possession of a key. RFC 9449 §4.3. */

import { type DecodedJws, decodeJws, dpopAlgorithms, type ErrorReason, OAuthError } from '@postern/protocol';
import { crypto } from '#crypto';
import { fitsAlgorithm, type SigningAlgorithm } from './crypto/algorithms.ts';
import type { PlatformKey } from './crypto/crypto-port.ts';
import { thumbprintText } from './crypto/jwk-thumbprint.ts';
import { PublicKeyFault, parsePublicJwk } from './crypto/public-key.ts';
import { RecentMap } from './recent-map.ts';

/** The request that a proof must be for. */
export interface DpopExpectation {
  readonly method: string;
  /** The URL that the caller requested. Query and fragment are ignored. */
  readonly url: string;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  /** The access token of the request; undefined at the token endpoint. */
  readonly accessToken?: string;
  /** Set by APIs, so that the answer is a 401 with a challenge; undefined at the token endpoint. */
  readonly scheme?: 'DPoP';
  /** Verifies the signature when it is the turn of this request. Undefined: at once. */
  readonly takeTurn?: <T>(step: () => T) => Promise<T>;
}

export interface DpopProof {
  /** Thumbprint of the key that signed it. */
  readonly jkt: string;
  /** The algorithm that signed it. */
  readonly alg: SigningAlgorithm;
  readonly jti: string;
  readonly nonce: string | undefined;
  /** When it becomes too old, in seconds since 1970. */
  readonly expiresAt: number;
}

/** Seconds after `iat` for which a proof is accepted. */
const maxAgeSeconds = 60;

/** Seconds by which `iat` and `nbf` may be in the future, since clocks differ. */
const clockSkewSeconds = 30;

/** Characters. */
const maxProofLength = 8_192;

/**
 * Returns the verified proof in a `DPoP` header. Rejects with `invalid_dpop_proof`.
 *
 * Does not check: whether it was used before, whether its nonce was issued here, whether its key is that of the token.
 */
export async function verifyDpopProof(header: string, expected: DpopExpectation): Promise<DpopProof> {
  try {
    return await readProof(header, expected);
  } catch (error) {
    if (!(error instanceof ProofFault)) {
      throw error;
    }
    throw new OAuthError('invalid_dpop_proof', `The DPoP proof ${error.message}.`, {
      reason: error.reason,
      scheme: expected.scheme,
    });
  }
}

class ProofFault extends Error {
  readonly reason: ErrorReason;

  constructor(text: string, reason: ErrorReason) {
    super(text);
    this.reason = reason;
  }
}

/** What the header of a proof says: an accepted algorithm, and a key that is fit for it. */
interface ProofHeader {
  readonly header: DecodedJws['header'];
  readonly alg: SigningAlgorithm;
  readonly key: PlatformKey;
  /** Thumbprint of the key. */
  readonly jkt: string;
}

/** Headers by their text, since a client writes the same one for all proofs by a key: each key is judged and imported once. */
const headers = new RecentMap<ProofHeader>(1_000);

/** Characters; enough for an RSA key of 4,096 bits. */
const maxKeptHeaderLength = 1_500;

async function readProof(text: string, expected: DpopExpectation): Promise<DpopProof> {
  const headerText = text.slice(0, Math.max(0, text.indexOf('.')));
  const known = headers.find(headerText);
  const jws = text.length > maxProofLength ? undefined : decodeJws(text, known && (() => known.header));
  if (jws === undefined) {
    throw new ProofFault('is not a single signed JWT', 'proof_malformed');
  }
  const proofHeader = known ?? (await readHeader(jws.header));
  const { alg, key, jkt } = proofHeader;
  const verify = () => crypto.verify(alg, key, jws.signingInput, jws.signature);
  if ((await (expected.takeTurn?.(verify) ?? verify())) !== true) {
    throw new ProofFault('has a signature that does not match its jwk', 'signature_wrong');
  }
  // Only what somebody has the key of is kept.
  if (known === undefined && headerText.length <= maxKeptHeaderLength) {
    headers.add(headerText, proofHeader);
  }
  const { jti, htm, htu, iat, nbf, ath, nonce } = jws.payload;
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) {
    throw new ProofFault('must have a jti of 1 to 256 characters', 'proof_malformed');
  }
  if (htm !== expected.method || typeof htu !== 'string' || !isSameTarget(htu, expected.url)) {
    throw new ProofFault(
      'is for another request: its htm and htu must be the method and URL of this request',
      'proof_wrong',
    );
  }
  if (typeof iat !== 'number' || !Number.isFinite(iat)) {
    throw new ProofFault('must have a number as its iat', 'proof_malformed');
  }
  if (iat < expected.nowSeconds - maxAgeSeconds || iat > expected.nowSeconds + clockSkewSeconds) {
    throw new ProofFault('is too old, or has an iat in the future', 'token_expired');
  }
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= expected.nowSeconds + clockSkewSeconds)) {
    throw new ProofFault('is not valid yet, or has an nbf that is not a number', 'token_not_yet_valid');
  }
  if (ath !== (expected.accessToken === undefined ? ath : await crypto.sha256(expected.accessToken))) {
    throw new ProofFault('must have the hash of the access token as its ath', 'proof_wrong');
  }
  if (nonce !== undefined && typeof nonce !== 'string') {
    throw new ProofFault('must have a string as its nonce', 'proof_malformed');
  }
  return { jkt, alg, jti, nonce, expiresAt: iat + maxAgeSeconds };
}

async function readHeader(header: DecodedJws['header']): Promise<ProofHeader> {
  const { typ, alg: named, jwk, crit } = header;
  if (typ !== 'dpop+jwt' || crit !== undefined) {
    throw new ProofFault('must have typ dpop+jwt and no critical extensions', 'token_type_wrong');
  }
  const known = dpopAlgorithms.find((one) => one === named);
  if (known === undefined) {
    throw new ProofFault(`must be signed with one of ${dpopAlgorithms.join(', ')}`, 'algorithm_not_allowed');
  }
  const alg = known === 'Ed25519' ? 'EdDSA' : known;
  try {
    const members = parsePublicJwk(jwk);
    if (!fitsAlgorithm(members, alg)) {
      throw new ProofFault('has a jwk that does not fit its alg', 'algorithm_not_allowed');
    }
    const key = await crypto.importKey(members, alg);
    return { header, alg, key, jkt: await crypto.sha256(thumbprintText(members)) };
  } catch (error) {
    if (!(error instanceof PublicKeyFault)) {
      throw error;
    }
    throw new ProofFault(`must have a public key as its jwk, and this one ${error.message}`, 'key_weak');
  }
}

/** RFC 9449 §4.3 step 9: compares normalized URLs without query and fragment. False if either is not a URL. */
function isSameTarget(one: string, other: string): boolean {
  const target = withoutQuery(one);
  return target !== undefined && target === withoutQuery(other);
}

function withoutQuery(url: string): string | undefined {
  const parsed = URL.parse(url);
  return parsed === null ? undefined : parsed.origin + parsed.pathname;
}
