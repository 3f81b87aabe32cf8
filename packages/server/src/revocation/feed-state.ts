/**
 * The revocation feed in memory: the latest entry of every token and client, in the order of the log, without the tokens
 * that the latest entry about their client covers. Pure.
 */
import type { FeedEntry } from './feed-entry.ts';
import { RevokedTokenIndex } from './revoked-token-index.ts';

/** An entry that is not about one token. */
type OtherEntry = Exclude<FeedEntry, { readonly type: 'token' }>;

interface Kept {
  readonly sequence: number;
  /** Seconds since 1970 at which the change was made. */
  readonly changedAt: number;
  readonly entry: OtherEntry;
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
  readonly #tokens = new RevokedTokenIndex();
  /** By sequence, the rows of tokens in `#tokens`, including those that were removed since. */
  #tokenSequences: number[] = [];
  #tokenRows: number[] = [];
  /** By row, the sequence of the token that is there now or was last. */
  readonly #sequenceOfRow: number[] = [];
  readonly #latest = new Map<string, Kept>();
  /** By sequence, including superseded entries, which are skipped. */
  #ordered: Kept[] = [];
  readonly #mostInSlice: number;
  #head = 0;
  #revision = 0;

  /** `mostInSlice`: rows and entries that `forget` looks at before it yields. */
  constructor(mostInSlice = 20_000) {
    this.#mostInSlice = mostInSlice;
  }

  /** Rises when entries are dropped that a page may have had. */
  get revision(): number {
    return this.#revision;
  }

  /** Sequence of the last event that was added. */
  get head(): number {
    return this.#head;
  }

  /** The number of tokens and clients. */
  get size(): number {
    return this.#tokens.size + this.#latest.size;
  }

  /** Whether a token was revoked, unless what is known about its client covers it. */
  has(jti: string): boolean {
    return this.#tokens.has(jti);
  }

  /** Adds an event, with its entry if it has one. An event that was added before changes nothing. */
  add(sequence: number, changedAt: number, entry: FeedEntry | undefined): void {
    if (sequence <= this.#head) {
      return;
    }
    this.#head = sequence;
    const sizeBefore = this.size;
    if (entry?.type === 'token') {
      const row = this.#tokens.add(entry);
      this.#sequenceOfRow[row] = sequence;
      this.#tokenSequences.push(sequence);
      this.#tokenRows.push(row);
    } else if (entry !== undefined) {
      const kept = { sequence, changedAt, entry };
      this.#latest.set(subjectOf(entry), kept);
      this.#ordered.push(kept);
      if (entry.type !== 'signing_key') {
        this.#tokens.removeCovered(entry);
      }
    }
    if (entry !== undefined && this.size <= sizeBefore) {
      this.#revision += 1;
    }
    if (
      this.#ordered.length > 2 * this.#latest.size + mostSuperseded ||
      this.#tokenRows.length > 2 * this.#tokens.size + mostSuperseded
    ) {
      this.#compact();
    }
  }

  /** Returns the entries after the event `after`, oldest first, at most `limit`. */
  read(after: number, limit: number): FeedPage {
    const entries: FeedEntry[] = [];
    let sequence = after;
    let token = firstAfter(after, this.#tokenSequences.length, (index) => this.#tokenSequences[index] as number);
    let other = firstAfter(after, this.#ordered.length, (index) => (this.#ordered[index] as Kept).sequence);
    while (token < this.#tokenSequences.length || other < this.#ordered.length) {
      const tokenSequence = this.#tokenSequences[token] ?? Number.POSITIVE_INFINITY;
      const kept = this.#ordered[other];
      const isToken = kept === undefined || tokenSequence < kept.sequence;
      const entry = isToken ? this.#tokenAt(token) : this.#isLatest(kept) ? kept.entry : undefined;
      if (entry !== undefined) {
        if (entries.length === limit) {
          return { entries, sequence, more: true };
        }
        entries.push(entry);
        sequence = isToken ? tokenSequence : kept.sequence;
      }
      if (isToken) {
        token += 1;
      } else {
        other += 1;
      }
    }
    // The follower may have read from a node that is ahead of this one, and must not go back.
    return { entries, sequence: Math.max(after, this.#head), more: false };
  }

  /** Whether there are entries after the event `after`. */
  hasAfter(after: number): boolean {
    return this.read(after, 1).entries.length > 0;
  }

  /**
   * Drops entries that concern no token that can still be valid, if tokens are valid for at most `longestTtlSeconds`. Yields
   * after each slice of some milliseconds; the state may be used and changed in between.
   */
  *forget(nowSeconds: number, longestTtlSeconds: number): Generator<void> {
    const hadEntries = this.size;
    for (let first = 0; first < this.#tokens.rows; first += this.#mostInSlice) {
      this.#removing(() => this.#tokens.removeExpired(nowSeconds - slackSeconds, first, first + this.#mostInSlice));
      yield;
    }
    let seen = 0;
    for (const [subject, { changedAt }] of this.#latest) {
      if (changedAt + longestTtlSeconds + slackSeconds <= nowSeconds) {
        this.#removing(() => this.#latest.delete(subject));
      }
      seen += 1;
      if (seen % this.#mostInSlice === 0) {
        yield;
      }
    }
    if (this.size < hadEntries) {
      yield* this.#compactInSlices();
    }
  }

  /** Does `work`, which may drop entries. */
  #removing(work: () => void): void {
    const sizeBefore = this.size;
    work();
    if (this.size < sizeBefore) {
      this.#revision += 1;
    }
  }

  /** Whether the token at a place of the order is still there; another one may have its row now. */
  #isPresent(index: number): boolean {
    const row = this.#tokenRows[index] as number;
    return this.#sequenceOfRow[row] === this.#tokenSequences[index] && this.#tokens.isTaken(row);
  }

  #tokenAt(index: number): FeedEntry | undefined {
    return this.#isPresent(index) ? this.#tokens.at(this.#tokenRows[index] as number) : undefined;
  }

  #isLatest(kept: Kept): boolean {
    return this.#latest.get(subjectOf(kept.entry)) === kept;
  }

  #compact(): void {
    for (const _ of this.#compactInSlices()) {
      // All at once: half of the arrays or more is dropped, so that it happens seldom.
    }
  }

  *#compactInSlices(): Generator<void> {
    this.#ordered = this.#ordered.filter((kept) => this.#isLatest(kept));
    const sourceRows = this.#tokenRows;
    const rows: number[] = [];
    const sequences: number[] = [];
    for (let index = 0; index < sourceRows.length; index += 1) {
      if (this.#isPresent(index)) {
        rows.push(sourceRows[index] as number);
        sequences.push(this.#tokenSequences[index] as number);
      }
      if (index % this.#mostInSlice === this.#mostInSlice - 1) {
        yield;
        if (this.#tokenRows !== sourceRows) {
          // They were compacted meanwhile.
          return;
        }
      }
    }
    this.#tokenRows = rows;
    this.#tokenSequences = sequences;
    this.#sequenceOfRow.length = Math.min(this.#sequenceOfRow.length, this.#tokens.rows);
  }
}

/** Finds the index of the first of `length` entries after the event `after`, by binary search. */
function firstAfter(after: number, length: number, sequenceAt: (index: number) => number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequenceAt(middle) <= after) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Returns the time, in seconds since 1970, before which changes concern no token that can still be valid. */
export function usefulSince(nowSeconds: number, longestTtlSeconds: number): number {
  return nowSeconds - longestTtlSeconds - slackSeconds;
}

/** Starts with the type, since a client id may equal a kid. */
function subjectOf(entry: OtherEntry): string {
  switch (entry.type) {
    case 'all_tokens':
      return entry.type;
    case 'signing_key':
      return `key ${entry.kid}`;
    case 'client':
      return `client ${entry.clientId}`;
  }
}
