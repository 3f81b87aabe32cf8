/** A revocation feed whose entries and pages a test chooses. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerJson } from '@postern/testing/document-server';
import type { TestIssuer } from './issuer.ts';

export const feedPath = '/api/v1/oauth/revocations';

export interface TestFeed {
  /** The queries of all requests so far. */
  readonly asked: Record<string, string>[];
  /** The maximum number of entries in an answer. */
  pageSize: number;
  lagSeconds: number;
  /** Answers instead of the feed while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
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

  const answer = (cursor: string | undefined, response: ServerResponse) => {
    const [of, at] = (cursor ?? '').split('.');
    const isKnown = Number(of) === id;
    const from = isKnown ? Number(at) : 0;
    const page = entries.slice(from, from + feed.pageSize);
    answerJson(response, 200, {
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
    instead: undefined,
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

  issuer.documents.set(feedPath, (request: IncomingMessage, response: ServerResponse) => {
    const query = Object.fromEntries(new URL(request.url ?? '', issuer.url).searchParams);
    feed.asked.push(query);
    if (feed.instead !== undefined) {
      feed.instead(request, response);
    } else if (request.headers.authorization !== authorization) {
      answerJson(response, 401, { error: 'invalid_token' });
    } else if (query['wait'] === '0' || query['cursor'] !== `${id}.${entries.length}`) {
      answer(query['cursor'], response);
    } else {
      const wake = () => {
        waiting.delete(wake);
        answer(query['cursor'], response);
      };
      waiting.add(wake);
      response.on('close', () => waiting.delete(wake));
    }
  });
  return feed;
}
