/**
 * The revocation feed in memory: the latest entry of every token and client, in the order of the log, without the tokens
 * that the latest entry about their client covers. Pure.
 */
import type { FeedEntry } from './feed-entry.ts';
import { RevokedTokenIndex } from './revoked-token-index.ts';

interface Kept {
  readonly sequence: number;
  /** Seconds since 1970 at which the change was made. */
  readonly changedAt: number;
  readonly entry: FeedEntry;
}

export interface FeedPage {
  readonly entries: readonly FeedEntry[];
  /** A follower that has these entries has everything up to this event. */
  readonly sequence: number;
  readonly more: boolean;
}

/**
 * Seconds for which an entry is kept after it is no longer needed, since clocks of nodes and APIs differ, and APIs may
 * accept a token shortly after its `exp`.
 */
const slackSeconds = 600;

/** Superseded entries that may be in the array before it is rebuilt. */
const mostSuperseded = 1_000;

export class FeedState {
  readonly #latest = new Map<string, Kept>();
  readonly #tokens = new RevokedTokenIndex();
  /** By sequence, including superseded entries, which are skipped. */
  #ordered: Kept[] = [];
  #head = 0;

  /** Sequence of the last event that was added. */
  get head(): number {
    return this.#head;
  }

  /** The number of tokens and clients. */
  get size(): number {
    return this.#latest.size;
  }

  /** Adds an event, with its entry if it has one. An event that was added before changes nothing. */
  add(sequence: number, changedAt: number, entry: FeedEntry | undefined): void {
    if (sequence <= this.#head) {
      return;
    }
    this.#head = sequence;
    if (entry !== undefined) {
      const kept = { sequence, changedAt, entry };
      this.#latest.set(subjectOf(entry), kept);
      this.#ordered.push(kept);
      if (entry.type === 'token') {
        this.#tokens.add(entry);
      } else if (entry.type === 'client' || entry.type === 'all_tokens') {
        this.#forgetTokens(this.#tokens.removeCovered(entry));
      }
      if (this.#ordered.length > 2 * this.#latest.size + mostSuperseded) {
        this.#compact();
      }
    }
  }

  /** Returns the entries after the event `after`, oldest first, at most `limit`. */
  read(after: number, limit: number): FeedPage {
    const entries: FeedEntry[] = [];
    let sequence = after;
    for (let index = this.#firstAfter(after); index < this.#ordered.length; index += 1) {
      const kept = this.#ordered[index] as Kept;
      if (this.#isLatest(kept)) {
        if (entries.length === limit) {
          return { entries, sequence, more: true };
        }
        entries.push(kept.entry);
        sequence = kept.sequence;
      }
    }
    // The follower may have read from a node that is ahead of this one, and must not go back.
    return { entries, sequence: Math.max(after, this.#head), more: false };
  }

  /** Drops entries that concern no token that can still be valid, if tokens are valid for at most `longestTtlSeconds`. */
  forget(nowSeconds: number, longestTtlSeconds: number): void {
    this.#forgetTokens(this.#tokens.removeExpired(nowSeconds - slackSeconds));
    for (const [subject, { entry, changedAt }] of this.#latest) {
      if (entry.type !== 'token' && changedAt + longestTtlSeconds + slackSeconds <= nowSeconds) {
        this.#latest.delete(subject);
      }
    }
    this.#compact();
  }

  #forgetTokens(jtis: readonly string[]): void {
    for (const jti of jtis) {
      this.#latest.delete(tokenSubject(jti));
    }
  }

  #isLatest(kept: Kept): boolean {
    return this.#latest.get(subjectOf(kept.entry)) === kept;
  }

  #compact(): void {
    this.#ordered = this.#ordered.filter((kept) => this.#isLatest(kept));
  }

  /** Finds the index of the first entry after the event `after`, by binary search. */
  #firstAfter(after: number): number {
    let [low, high] = [0, this.#ordered.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ordered[middle] as Kept).sequence <= after) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

/** Returns the time, in seconds since 1970, before which changes concern no token that can still be valid. */
export function usefulSince(nowSeconds: number, longestTtlSeconds: number): number {
  return nowSeconds - longestTtlSeconds - slackSeconds;
}

/** Starts with the type, since a client id may equal a jti. */
function subjectOf(entry: FeedEntry): string {
  switch (entry.type) {
    case 'token':
      return tokenSubject(entry.jti);
    case 'all_tokens':
      return entry.type;
    case 'signing_key':
      return `key ${entry.kid}`;
    case 'client':
      return `client ${entry.clientId}`;
  }
}

function tokenSubject(jti: string): string {
  return `token ${jti}`;
}
