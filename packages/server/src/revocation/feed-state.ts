/** The revocation feed in memory: of every token and client its latest entry, in the order of the log. Pure. */
import type { FeedEntry } from './feed-entry.ts';

interface Kept {
  readonly sequence: number;
  /** Seconds since 1970 at which the change was made. */
  readonly changedAt: number;
  readonly entry: FeedEntry;
}

export interface FeedPage {
  readonly entries: readonly FeedEntry[];
  /** A follower that has these entries knows all up to here. */
  readonly sequence: number;
  readonly more: boolean;
}

/**
 * Seconds for which an entry is kept beyond its use: clocks of nodes and APIs differ, and APIs may accept a token a
 * little longer than it says.
 */
const slackSeconds = 600;

/** Superseded entries that may lie in the array before it is made anew. */
const mostSuperseded = 1_000;

export class FeedState {
  readonly #latest = new Map<string, Kept>();
  /** By sequence; those that are not the latest of their subject any more are skipped. */
  #ordered: Kept[] = [];
  #head = 0;

  /** Sequence of the last event that was taken in. */
  get head(): number {
    return this.#head;
  }

  /** Takes an event in, with the entry that it makes, if any. One that was taken in before changes nothing. */
  add(sequence: number, changedAt: number, entry: FeedEntry | undefined): void {
    if (sequence <= this.#head) {
      return;
    }
    this.#head = sequence;
    if (entry !== undefined) {
      const kept = { sequence, changedAt, entry };
      this.#latest.set(subjectOf(entry), kept);
      this.#ordered.push(kept);
      if (this.#ordered.length > 2 * this.#latest.size + mostSuperseded) {
        this.#compact();
      }
    }
  }

  /** The entries that are newer than the event `after`, oldest first, at most `limit`. */
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
    // A follower may have been at a node that is ahead of this one: it must not go back.
    return { entries, sequence: Math.max(after, this.#head), more: false };
  }

  /** Drops what says nothing about any token that can still live, of those that live `longestTtlSeconds` at the most. */
  forget(nowSeconds: number, longestTtlSeconds: number): void {
    for (const [subject, { entry, changedAt }] of this.#latest) {
      const usefulUntil = entry.type === 'token' ? entry.exp : changedAt + longestTtlSeconds;
      if (usefulUntil + slackSeconds <= nowSeconds) {
        this.#latest.delete(subject);
      }
    }
    this.#compact();
  }

  #isLatest(kept: Kept): boolean {
    return this.#latest.get(subjectOf(kept.entry)) === kept;
  }

  #compact(): void {
    this.#ordered = this.#ordered.filter((kept) => this.#isLatest(kept));
  }

  /** Index of the first entry that is newer than the event `after`, by halving. */
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

/** Seconds since 1970 before which no change is of use any more. */
export function usefulSince(nowSeconds: number, longestTtlSeconds: number): number {
  return nowSeconds - longestTtlSeconds - slackSeconds;
}

/** A client id may look like anything, so the type stands in front. */
function subjectOf(entry: FeedEntry): string {
  return entry.type === 'token' ? `token ${entry.jti}` : `client ${entry.client_id}`;
}
