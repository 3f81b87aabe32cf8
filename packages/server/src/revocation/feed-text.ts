/** A page of the revocation feed as it is sent: serialized once for all followers that get it. docs/revocation-feed.md. */
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

const compress = promisify(gzip);

export class FeedText {
  /** Whether another page follows. */
  readonly more: boolean;
  readonly #beforeLag: string;
  readonly #afterLag: string;
  #compressed: Promise<Buffer> | undefined;

  constructor({ cursor, snapshot, historyChanged, more, entries }: FeedTextOptions) {
    const members = JSON.stringify({ cursor, snapshot, more, history_changed: historyChanged });
    this.more = more;
    this.#beforeLag = `${members.slice(0, -1)},"lag_seconds":`;
    this.#afterLag = `,"entries":${JSON.stringify(entries.map(toWireNames))}}`;
  }

  /** `lagSeconds`: since this node last read the changes of other nodes. */
  format(lagSeconds: number): string {
    return this.#beforeLag + lagSeconds + this.#afterLag;
  }

  /**
   * Returns the same in gzip for a page that others follow, which is long; undefined for the last one. It is compressed once, with
   * the lag of that time: followers are as current as their last page says.
   */
  compress(lagSeconds: number): Promise<Buffer> | undefined {
    if (this.more) {
      this.#compressed ??= compress(this.format(lagSeconds), { level: constants.Z_BEST_SPEED });
    }
    return this.#compressed;
  }
}
