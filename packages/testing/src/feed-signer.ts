/** Signs the answers of a revocation feed that a test or a benchmark serves. docs/revocation-feed.md. RFC 7515 §3.1. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { feedKeyUse, feedSignatureHeader, feedSignatureType } from '@postern/protocol';

/** What the query of a request has. */
export interface FeedQuestion {
  readonly cursor?: string | undefined;
  readonly nonce?: string | undefined;
}

export interface FeedSigner {
  /** The JWK set that the metadata of the issuer name as `revocation_feed_jwks_uri`. */
  readonly jwks: object;
  /** Returns the headers of an answer with this body to a question, signed at `nowMs`, in milliseconds since 1970. */
  headers(body: string, question: FeedQuestion, nowMs: number): Record<string, string>;
}

export function createFeedSigner(issuer: string): FeedSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const header = encode({ typ: feedSignatureType, alg: 'EdDSA', kid: 'feed' });
  return {
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'feed', alg: 'EdDSA', use: feedKeyUse }] },
    headers(body, { cursor: after, nonce }, nowMs) {
      const sha256 = createHash('sha256').update(body).digest('base64url');
      const signingInput = `${header}.${encode({ iss: issuer, iat: nowMs / 1000, after, nonce, sha256 })}`;
      const signature = sign(null, Buffer.from(signingInput), privateKey).toString('base64url');
      return { [feedSignatureHeader]: `${signingInput}.${signature}` };
    },
  };
}
