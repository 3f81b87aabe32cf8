/**
 * A page of the revocation feed as it is sent: serialized and signed once for all followers that get it. docs/revocation-feed.md.
 * RFC 7515 §3.1, RFC 7519 §4.1.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { toWireNames } from '@postern/protocol';
import type { FeedEntry } from './feed-entry.ts';

export interface FeedTextOptions {
  /** The position to continue from. */
  readonly cursor: string;
  /** The entries start from the beginning: the follower must drop those that it had. */
  readonly snapshot: boolean;
  /** The cursor was of another history than that of this log, which has not all that the follower had. */
  readonly historyChanged: boolean;
  readonly more: boolean;
  readonly entries: readonly FeedEntry[];
}

/** An answer to a follower. */
export interface SignedFeedText {
  readonly body: string;
  /** A JWT that says to what, when and by whom this body was answered. */
  readonly signature: string;
}

/** Signs the claims of an answer, given as JSON. */
export type SignFeedClaims = (claims: string) => Promise<string>;

/** What is different from answer to answer. */
export interface FeedAnswerOptions {
  readonly issuer: string;
  /** The cursor that the follower asked with; undefined if it had none. */
  readonly after: string | undefined;
  /** Proves to one follower that the answer is new; undefined if it relies on the time. */
  readonly nonce: string | undefined;
  /** Seconds since this node last read the changes of other nodes. */
  readonly lagSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly sign: SignFeedClaims;
}

/**
 * Milliseconds for which the last page is sent as it was signed, with the lag of then, which is so much more exact than the clocks
 * of followers that nobody notices. Without news, thousands of followers get it, each at its own time.
 */
export const reuseMs = 250;

/** The same for a page that others follow: followers are as current as their last page says. */
const reuseFullMs = 60_000;

const compress = promisify(gzip);

export class FeedText {
  /** Whether another page follows. */
  readonly more: boolean;
  /** Whether it says nothing new. */
  readonly isEmpty: boolean;
  readonly cursor: string;
  readonly #beforeLag: string;
  readonly #afterLag: string;
  #body: { readonly text: string; readonly digest: string } | undefined;
  #last:
    | { readonly after: string | undefined; readonly at: number; readonly answer: Promise<SignedFeedText> }
    | undefined;
  #compressed: Promise<Buffer> | undefined;

  constructor({ cursor, snapshot, historyChanged, more, entries }: FeedTextOptions) {
    const members = JSON.stringify({ snapshot, more, history_changed: historyChanged });
    this.more = more;
    this.isEmpty = !snapshot && entries.length === 0;
    this.cursor = cursor;
    this.#beforeLag = `,${members.slice(1, -1)},"lag_seconds":`;
    this.#afterLag = `,"entries":${JSON.stringify(entries.map(toWireNames))}}`;
  }

  /** Returns the page as JSON, with these members before its own. */
  toJson(members: Readonly<Record<string, string | null | undefined>>, lagSeconds: number): string {
    return JSON.stringify(members).slice(0, -1) + this.#beforeLag + lagSeconds + this.#afterLag;
  }

  /** Returns the page for a follower, the same one for all that ask without a nonce at about the same time. */
  answer(options: FeedAnswerOptions): Promise<SignedFeedText> {
    const { after, nonce, now } = options;
    if (nonce !== undefined) {
      return this.#sign(options);
    }
    const age = Math.abs(now - (this.#last?.at ?? Number.NEGATIVE_INFINITY));
    if (this.#last === undefined || this.#last.after !== after || age >= (this.more ? reuseFullMs : reuseMs)) {
      this.#last = { after, at: now, answer: this.#sign(options) };
    }
    return this.#last.answer;
  }

  /**
   * Returns the body in gzip for a page that others follow, which is long; undefined for the last one. It is compressed once: the
   * body of such a page is always the same.
   */
  compress({ body }: SignedFeedText): Promise<Buffer> | undefined {
    if (this.more) {
      this.#compressed ??= compress(body, { level: constants.Z_BEST_SPEED });
    }
    return this.#compressed;
  }

  async #sign({ issuer, after, nonce, lagSeconds, now, sign }: FeedAnswerOptions): Promise<SignedFeedText> {
    if (this.#body === undefined || !this.more) {
      const text = this.toJson({ cursor: this.cursor }, lagSeconds);
      this.#body = { text, digest: createHash('sha256').update(text).digest('base64url') };
    }
    const { text, digest } = this.#body;
    const signature = await sign(JSON.stringify({ iss: issuer, iat: now / 1000, after, nonce, sha256: digest }));
    return { body: text, signature };
  }
}
