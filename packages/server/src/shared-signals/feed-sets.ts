/**
 * The SETs of an event stream that delivers the revocation feed, for guards. Each has the page that comes after the one that the
 * receiver acknowledges. So a receiver that acknowledges none begins with all that is revoked already, and no SET can be left out, sent
 * again or sent in another order unnoticed. docs/shared-signals.md. RFC 8417 §2.2, RFC 8936 §2.4.
 *
 * Nothing is written for such a stream: what the receiver acknowledges says where it is.
 */
import { randomBytes } from 'node:crypto';
import { feedPageEvent, setType } from '@postern/protocol';
import { LRUCache } from 'lru-cache';
import { signJwt } from '../access-token/sign-jwt.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import { type FeedText, reuseMs } from '../revocation/feed-text.ts';
import type { RevocationFeed } from '../revocation/revocation-feed.ts';
import type { Stream } from './stream.ts';

export interface FeedSetsOptions {
  readonly issuer: string;
  readonly feed: Pick<RevocationFeed, 'readPage'>;
  /** Seconds since this node last read the changes of other nodes. */
  readonly lagSeconds: () => number;
  readonly signingKey: () => SigningKey;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The next SET of a stream. */
export interface FeedSet {
  /** Whether it says nothing new. */
  readonly isEmpty: boolean;
  /** Whether another one follows at once. */
  readonly hasMore: boolean;
  /** Returns its id, and the SET: the same one for all processes of the receiver that ask without a nonce at about the same time. */
  sign(): Promise<SignedSet>;
}

type SignedSet = readonly [jti: string, set: string];

/** What a receiver asks with. */
export interface FeedSetQuery {
  /** The id of the SET after which the next one is; undefined for the first one. */
  readonly after: string | undefined;
  /** Proves to one receiver that the answer is new; undefined if it relies on the time. */
  readonly nonce: string | undefined;
}

export type ReadFeedSet = (stream: Stream, query: FeedSetQuery) => Promise<FeedSet>;

interface KeptSet {
  readonly page: FeedText;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly set: Promise<SignedSet>;
}

/** SETs that are kept while they are new. */
const mostKept = 200;

/** Whether an acknowledged id is not that of the SET of an event, and so that of a page. */
export function isPageId(jti: string): boolean {
  return !/^\d+-/.test(jti);
}

export function createFeedSets({ issuer, feed, lagSeconds, signingKey, now }: FeedSetsOptions): ReadFeedSet {
  const kept = new LRUCache<string, KeptSet>({ max: mostKept });

  const sign = async ({ id, clientId }: Stream, { after, nonce }: FeedSetQuery, page: FeedText): Promise<SignedSet> => {
    const jti = `${page.cursor}.${randomBytes(9).toString('base64url')}`;
    const claims = JSON.stringify({
      iss: issuer,
      aud: clientId,
      jti,
      iat: now() / 1000,
      sub_id: { format: 'opaque', id },
    });
    const event = page.toJson({ after: after ?? null, nonce }, lagSeconds());
    // The page is JSON already.
    const payload = `${claims.slice(0, -1)},"events":{"${feedPageEvent}":${event}}}`;
    return [jti, await signJwt(setType, payload, signingKey())];
  };

  return async (stream, query) => {
    const { after, nonce } = query;
    // The id of a page begins with the cursor that it leads to.
    const page = await feed.readPage(after?.slice(0, after.lastIndexOf('.')));
    return {
      isEmpty: page.isEmpty,
      hasMore: page.more,
      sign() {
        if (nonce !== undefined) {
          return sign(stream, query, page);
        }
        const key = JSON.stringify([stream.id, after]);
        const known = kept.get(key);
        if (known?.page === page && Math.abs(now() - known.at) < reuseMs) {
          return known.set;
        }
        const set = sign(stream, query, page);
        kept.set(key, { page, at: now(), set });
        set.catch(() => kept.delete(key));
        return set;
      },
    };
  };
}
