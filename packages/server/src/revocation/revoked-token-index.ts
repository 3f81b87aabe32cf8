/** Revoked tokens by `jti` and by client, without those that the end of their client covers. Pure. */
import { RevokedTokenTable } from '@postern/protocol/revoked-token-table';
import type { AllTokensFeedEntry, ClientFeedEntry, TokenFeedEntry } from './feed-entry.ts';

export class RevokedTokenIndex {
  readonly #tokens = new RevokedTokenTable();

  get size(): number {
    return this.#tokens.size;
  }

  has(jti: string): boolean {
    return this.#tokens.has(jti);
  }

  /** Rows from 0 on that may have a token. */
  get rows(): number {
    return this.#tokens.rows;
  }

  /** Returns the row of the token, for `at`. */
  add({ jti, exp, clientId, gen }: TokenFeedEntry): number {
    return this.#tokens.add({ jti, expiresAt: exp, clientId, generation: gen });
  }

  /** Whether a token is in the row now. */
  isTaken(row: number): boolean {
    return this.#tokens.isTaken(row);
  }

  /** Returns the token in a row, or undefined if none is there now. */
  at(row: number): TokenFeedEntry | undefined {
    const token = this.#tokens.at(row);
    return (
      token && {
        type: 'token',
        jti: token.jti,
        exp: token.expiresAt,
        ...(token.clientId !== undefined &&
          token.generation !== undefined && { clientId: token.clientId, gen: token.generation }),
      }
    );
  }

  /** Removes the tokens that are inactive anyway by what `entry` says about their client or all clients. */
  removeCovered(entry: ClientFeedEntry | AllTokensFeedEntry): void {
    const isRemoved = (_exp: number, gen: number) => isCovered(gen, entry);
    if (entry.type === 'client') {
      this.#tokens.removeOfClient(entry.clientId, isRemoved);
    } else {
      this.#tokens.remove(isRemoved);
    }
  }

  /** Removes those of the tokens in the rows from `first` to before `end` that expired at `seconds` since 1970 or before. */
  removeExpired(seconds: number, first: number, end: number): void {
    this.#tokens.removeBetween(first, end, (exp) => exp <= seconds);
  }
}

/** Whether every token of a client in that generation is inactive for good. It is NaN if that says nothing about the token. */
function isCovered(gen: number, entry: ClientFeedEntry | AllTokensFeedEntry): boolean {
  if (Number.isNaN(gen)) {
    return false;
  }
  return entry.type === 'all_tokens' ? gen < entry.gen : !entry.active || (!entry.genExact && gen < entry.gen);
}
