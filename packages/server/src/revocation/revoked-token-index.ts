/** Revoked tokens by `jti` and by client, without those that the end of their client covers. Pure. */
import type { ClientFeedEntry, TokenFeedEntry } from './feed-entry.ts';

export class RevokedTokenIndex {
  readonly #tokens = new Map<string, TokenFeedEntry>();
  /** Only tokens that can be covered. */
  readonly #ofClient = new Map<string, Set<string>>();

  get size(): number {
    return this.#tokens.size;
  }

  has(jti: string): boolean {
    return this.#tokens.has(jti);
  }

  add(entry: TokenFeedEntry): void {
    this.#tokens.set(entry.jti, entry);
    if (entry.clientId !== undefined) {
      const jtis = this.#ofClient.get(entry.clientId) ?? new Set();
      this.#ofClient.set(entry.clientId, jtis.add(entry.jti));
    }
  }

  /** Removes the tokens that are inactive anyway by what `entry` says about their client. Returns their ids. */
  removeCovered(entry: ClientFeedEntry): string[] {
    const covered = [...(this.#ofClient.get(entry.clientId) ?? [])].filter((jti) => {
      const { gen } = this.#tokens.get(jti) as TokenFeedEntry;
      return gen !== undefined && (!entry.active || (!entry.genExact && gen < entry.gen));
    });
    for (const jti of covered) {
      this.#remove(jti);
    }
    return covered;
  }

  /** Removes the tokens that expired at `seconds` since 1970 or before. Returns their ids. */
  removeExpired(seconds: number): string[] {
    const expired = [...this.#tokens.values()].filter(({ exp }) => exp <= seconds).map(({ jti }) => jti);
    for (const jti of expired) {
      this.#remove(jti);
    }
    return expired;
  }

  #remove(jti: string): void {
    const { clientId = '' } = this.#tokens.get(jti) as TokenFeedEntry;
    this.#tokens.delete(jti);
    const jtis = this.#ofClient.get(clientId);
    jtis?.delete(jti);
    if (jtis?.size === 0) {
      this.#ofClient.delete(clientId);
    }
  }
}
