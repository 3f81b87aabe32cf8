/** An event stream of shared signals that delivers the revocation feed, whose SETs a test chooses. RFC 8936 §2, RFC 8417 §2.2. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { feedPageEvent } from '@postern/protocol';
import { answerJson } from '@postern/testing/document-server';
import { base64url } from '../fixtures/tokens.ts';
import type { TestIssuer } from './issuer.ts';

export const streamId = 'a1b2';
export const receiverId = 'receiver';

/** What a receiver asks. */
export interface Poll {
  readonly ack: readonly string[];
  readonly wait: number;
  readonly nonce?: string;
}

export interface SetParts {
  readonly header?: object;
  readonly claims?: object;
  readonly key?: KeyObject;
}

export interface TestStream {
  /** All polls so far. */
  readonly polls: Poll[];
  /** The private key that signs SETs, and another one that is not published. */
  readonly key: KeyObject;
  readonly otherKey: KeyObject;
  /** The time at which SETs are signed, in milliseconds since 1970. */
  now: () => number;
  /** Answers instead of the stream while it is set. */
  instead: ((poll: Poll, response: ServerResponse) => void) | undefined;
  /** Returns the SETs that answer a poll, with these parts of the page replaced. */
  sets(poll: Poll, parts?: SetParts, page?: object): Record<string, string>;
  /** Returns a SET with these claims in addition to those that each has. */
  set(parts: SetParts): string;
  /** Appends entries, and answers the polls that wait. */
  publish(...entries: object[]): void;
  /** Answers the polls that wait without news. */
  release(): void;
  /** How many polls wait for news. */
  waiting(): number;
}

/** To generate them takes as long as everything else. */
const { privateKey: key, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

export function serveStream(issuer: TestIssuer): TestStream {
  const entries: object[] = [];
  const waiting = new Set<() => void>();
  let pages = 0;

  /** The id of a page is its place and a number of its own. */
  const placeOf = ({ ack }: Poll) => {
    const last = ack.findLast((jti) => /^page \d+ \d+$/.test(jti));
    return { after: last ?? null, from: last === undefined ? 0 : Number(last.split(' ')[1]) };
  };

  const stream: TestStream = {
    polls: [],
    key,
    otherKey,
    now: Date.now,
    instead: undefined,
    set({ header = {}, claims = {}, key: signingKey = key }) {
      const head = base64url(JSON.stringify({ typ: 'secevent+jwt', alg: 'RS256', kid: 'set', ...header }));
      const common = { iss: issuer.url, aud: receiverId, sub_id: { format: 'opaque', id: streamId } };
      const signingInput = `${head}.${base64url(JSON.stringify({ ...common, iat: stream.now() / 1000, ...claims }))}`;
      return `${signingInput}.${base64url(sign('sha256', Buffer.from(signingInput), signingKey))}`;
    },
    sets(poll, { claims, ...parts } = {}, page = {}) {
      const { after, from } = placeOf(poll);
      pages += 1;
      const jti = `page ${entries.length} ${pages}`;
      const good = {
        after,
        nonce: poll.nonce,
        snapshot: after === null,
        more: false,
        lag_seconds: 0,
        entries: entries.slice(from),
      };
      return {
        [jti]: stream.set({ ...parts, claims: { jti, events: { [feedPageEvent]: { ...good, ...page } }, ...claims } }),
      };
    },
    publish(...added) {
      entries.push(...added);
      stream.release();
    },
    release() {
      for (const wake of waiting) {
        wake();
      }
    },
    waiting: () => waiting.size,
  };

  issuer.publish({ ...publicKey.export({ format: 'jwk' }), kid: 'set', alg: 'RS256', use: 'sig' });
  issuer.documents.set(`/api/v1/ssf/poll/${streamId}`, async (request: IncomingMessage, response: ServerResponse) => {
    const poll = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Poll;
    stream.polls.push(poll);
    const answer = () => answerJson(response, 200, { sets: stream.sets(poll) });
    if (stream.instead !== undefined) {
      stream.instead(poll, response);
    } else if (request.headers.authorization !== 'Bearer stream') {
      answerJson(response, 401, { error: 'invalid_token' });
    } else if (poll.wait === 0 || placeOf(poll).after === null || placeOf(poll).from < entries.length) {
      answer();
    } else {
      const wake = () => {
        waiting.delete(wake);
        answer();
      };
      waiting.add(wake);
      response.on('close', () => waiting.delete(wake));
    }
  });
  return stream;
}
