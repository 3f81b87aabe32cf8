/** Asks the revocation feed of an issuer, and verifies the signature of its answer. docs/revocation-feed.md. RFC 7519 §4.1. */
import { feedSignatureHeader, feedSignatureType } from '@postern/protocol';
import { crypto } from '#crypto';
import { type Fetch, fetchDocument } from '../issuer/fetch-document.ts';
import { parseFeedPage } from './feed-page.ts';
import {
  answerTimeoutMs,
  type FetchSignedPage,
  type FindKey,
  invalidAnswer,
  maxAnswerBytes,
  readSigningTime,
  verifySignedAnswer,
} from './signed-answer.ts';

export interface FeedRequestOptions {
  readonly issuer: string;
  /** Sends requests with an access token that has the scope `revocation:read`, and renews it. */
  readonly fetch: Fetch;
  /** Finds a key of the feed. */
  readonly findKey: FindKey;
}

/** Characters of a signature. */
const maxLength = 4_096;

export function createFeedRequest({ issuer, fetch, findKey }: FeedRequestOptions): FetchSignedPage {
  return async (question) => {
    const { after, nonce, waitSeconds, signal } = question;
    const query = new URLSearchParams({
      ...(after !== undefined && { cursor: after }),
      wait: String(waitSeconds),
      ...(nonce !== undefined && { nonce }),
    });
    const { body, text, headers } = await fetchDocument(`${issuer}/api/v1/oauth/revocations?${query}`, fetch, {
      timeoutMs: waitSeconds * 1000 + answerTimeoutMs,
      maxBytes: maxAnswerBytes,
      signal,
    });
    const signature = headers.get(feedSignatureHeader);
    if (signature === null) {
      throw invalidAnswer('has no signature');
    }
    const { kid, payload } = await verifySignedAnswer(signature, {
      typ: feedSignatureType,
      alg: 'EdDSA',
      maxLength,
      findKey,
    });
    const { iss, after: signedAfter, nonce: signedNonce, iat, sha256 } = payload;
    if (iss !== issuer) {
      throw invalidAnswer('is signed by another issuer');
    }
    if (signedAfter !== after) {
      throw invalidAnswer('is signed as the answer to another cursor');
    }
    if (sha256 !== (await crypto.sha256(text))) {
      throw invalidAnswer('is not the one that was signed');
    }
    return { page: parseFeedPage(body), kid, ...readSigningTime(iat, signedNonce, question) };
  };
}
