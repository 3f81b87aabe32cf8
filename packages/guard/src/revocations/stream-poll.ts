/**
 * Polls an event stream of shared signals that delivers the revocation feed, and verifies the SETs. Each says what came after the
 * one that was acknowledged, so that none can be left out, sent again or sent in another order. docs/shared-signals.md. RFC 8936 §2,
 * RFC 8417 §2.2, SSF 1.0 §4.1.
 */
import { feedPageEvent, setType, streamUpdatedEvent, verificationEvent } from '@postern/protocol';
import { type Fetch, fetchDocument } from '../issuer/fetch-document.ts';
import { parseFeedPage } from './feed-page.ts';
import {
  answerTimeoutMs,
  type FetchSignedPage,
  type FindKey,
  invalidAnswer,
  maxAnswerBytes,
  type Question,
  readSigningTime,
  type SignedPage,
  verifySignedAnswer,
} from './signed-answer.ts';

export interface StreamPollOptions {
  readonly issuer: string;
  readonly streamId: string;
  /** The client that created the stream, for which its SETs are. */
  readonly clientId: string;
  /** Sends requests with an access token of that client that has the scopes `ssf.read` and `revocation:read`, and renews it. */
  readonly fetch: Fetch;
  /** Finds a key of the issuer. */
  readonly findKey: FindKey;
}

/** SETs of an answer: one page, and what is told of the stream. */
const maxSets = 500;

/** The cursor is the `jti` of the last page. */
export function createStreamPoll(options: StreamPollOptions): FetchSignedPage {
  const { issuer, streamId, fetch } = options;
  const url = `${issuer}/api/v1/ssf/poll/${encodeURIComponent(streamId)}`;
  /** The SETs of the last answer that are no pages, which come again until they are acknowledged. */
  let others: readonly string[] = [];
  return async (question) => {
    const { after, nonce, waitSeconds, signal } = question;
    const ack = [...(after === undefined ? [] : [after]), ...others];
    const { body } = await fetchDocument(url, fetch, {
      timeoutMs: waitSeconds * 1000 + answerTimeoutMs,
      maxBytes: maxAnswerBytes,
      signal,
      send: { ack, wait: waitSeconds, nonce },
    });
    const pages: SignedPage[] = [];
    const told: string[] = [];
    for (const [jti, set] of parseSets(body)) {
      const page = await readSet(jti, set, question, options);
      if (page === undefined) {
        told.push(jti);
      } else {
        pages.push(page);
      }
    }
    others = told;
    const [page] = pages;
    if (page === undefined || pages.length > 1) {
      throw invalidAnswer(
        `has ${pages.length} pages and not one: the event stream ${streamId} must be enabled, and request the event ${feedPageEvent}`,
      );
    }
    return page;
  };
}

function parseSets(body: unknown): readonly (readonly [jti: string, set: string])[] {
  const { sets } = (body ?? {}) as { sets?: unknown };
  const all = typeof sets === 'object' && sets !== null && !Array.isArray(sets) ? Object.entries(sets) : undefined;
  if (all === undefined || all.length > maxSets || !all.every(([, set]) => typeof set === 'string')) {
    throw invalidAnswer('is not that of an event stream');
  }
  return all;
}

/** Returns the page that a SET is; undefined if it tells of the stream itself. Rejects any other. */
async function readSet(
  jti: string,
  set: string,
  question: Question,
  { issuer, streamId, clientId, findKey }: StreamPollOptions,
): Promise<SignedPage | undefined> {
  const { kid, payload } = await verifySignedAnswer(set, {
    typ: setType,
    alg: 'RS256',
    maxLength: maxAnswerBytes,
    findKey,
  });
  if (payload['iss'] !== issuer) {
    throw invalidAnswer('is signed by another issuer');
  }
  if (payload['aud'] !== clientId) {
    throw invalidAnswer('is for another receiver');
  }
  if (payload['jti'] !== jti) {
    throw invalidAnswer('has a SET under the id of another one');
  }
  const { format, id } = (payload['sub_id'] ?? {}) as Record<string, unknown>;
  if (format !== 'opaque' || id !== streamId) {
    throw invalidAnswer('is of another event stream');
  }
  const [[type, event] = [], ...more] = Object.entries(payload['events'] ?? {});
  if (more.length > 0 || typeof event !== 'object' || event === null) {
    throw invalidAnswer('has a SET that is not about one event');
  }
  if (type === verificationEvent || type === streamUpdatedEvent) {
    return undefined;
  }
  if (type !== feedPageEvent) {
    throw invalidAnswer('has an event of an unknown kind');
  }
  const { after, nonce } = event as Record<string, unknown>;
  if (after !== (question.after ?? null)) {
    throw invalidAnswer('is signed as the answer to another acknowledgment');
  }
  const page = parseFeedPage({ ...event, cursor: jti });
  return { page, kid, ...readSigningTime(payload['iat'], nonce, question) };
}
