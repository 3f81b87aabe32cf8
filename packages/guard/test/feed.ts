/** A revocation feed whose entries and pages a test chooses. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerJson } from '@postern/testing/document-server';
import { createFeedSigner } from '@postern/testing/feed-signer';
import { feedJwksPath, type TestIssuer } from './issuer.ts';

export const feedPath = '/api/v1/oauth/revocations';

export interface TestFeed {
  /** The queries of all requests so far. */
  readonly asked: Record<string, string>[];
  /** The maximum number of entries in an answer. */
  pageSize: number;
  lagSeconds: number;
  /** The time at which answers are signed, in milliseconds since 1970. Default: `Date.now`. */
  now: () => number;
  /** Answers instead of the feed while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Signs a page and answers with it, whatever it is. */
  send(request: IncomingMessage, response: ServerResponse, page: unknown): void;
  /** Appends entries, and answers waiting requests. */
  publish(...entries: object[]): void;
  /** Answers waiting requests without news. */
  release(): void;
  /** Becomes another feed, which has only these entries and knows no cursor of the old one. */
  replace(...entries: object[]): void;
  /** The number of requests that wait for news. */
  waiting(): number;
}

/** Serves the feed at `issuer`. `authorization` decides whether a request has the right token. */
export function serveFeed(issuer: TestIssuer, authorization = 'Bearer feed'): TestFeed {
  let id = 1;
  let entries: object[] = [];
  const waiting = new Set<() => void>();
  const signer = createFeedSigner(issuer.url);

  const queryOf = (request: IncomingMessage): Record<string, string> =>
    Object.fromEntries(new URL(request.url ?? '', issuer.url).searchParams);

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { cursor } = queryOf(request);
    const [of, at] = (cursor ?? '').split('.');
    const isKnown = Number(of) === id;
    const from = isKnown ? Number(at) : 0;
    const page = entries.slice(from, from + feed.pageSize);
    feed.send(request, response, {
      cursor: `${id}.${from + page.length}`,
      snapshot: !isKnown,
      more: from + page.length < entries.length,
      lag_seconds: feed.lagSeconds,
      entries: page,
    });
    return page.length;
  };

  const feed: TestFeed = {
    asked: [],
    pageSize: 1_000,
    lagSeconds: 0,
    now: Date.now,
    instead: undefined,
    send(request, response, page) {
      answerJson(response, 200, page as object, signer.headers(JSON.stringify(page), queryOf(request), feed.now()));
    },
    publish(...added) {
      entries.push(...added);
      feed.release();
    },
    release() {
      for (const wake of waiting) {
        wake();
      }
    },
    replace(...others) {
      id += 1;
      entries = others;
      feed.release();
    },
    waiting: () => waiting.size,
  };

  issuer.documents.set(feedJwksPath, signer.jwks);
  issuer.documents.set(feedPath, (request: IncomingMessage, response: ServerResponse) => {
    const query = queryOf(request);
    feed.asked.push(query);
    if (feed.instead !== undefined) {
      feed.instead(request, response);
    } else if (request.headers.authorization !== authorization) {
      answerJson(response, 401, { error: 'invalid_token' });
    } else if (query['wait'] === '0' || query['cursor'] !== `${id}.${entries.length}`) {
      answer(request, response);
    } else {
      const wake = () => {
        waiting.delete(wake);
        answer(request, response);
      };
      waiting.add(wake);
      response.on('close', () => waiting.delete(wake));
    }
  });
  return feed;
}
