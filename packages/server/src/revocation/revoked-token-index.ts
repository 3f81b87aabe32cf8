/** Revoked tokens by `jti` and by client, without those that the end of their client covers. Pure. */
import type { AllTokensFeedEntry, ClientFeedEntry, TokenFeedEntry } from './feed-entry.ts';

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

  /** Removes the tokens that are inactive anyway by what `entry` says about their client or all clients. Returns their ids. */
  removeCovered(entry: ClientFeedEntry | AllTokensFeedEntry): string[] {
    const candidates = entry.type === 'client' ? this.#ofClient.get(entry.clientId) : this.#tokens.keys();
    const covered = [...(candidates ?? [])].filter((jti) => {
      const { gen } = this.#tokens.get(jti) as TokenFeedEntry;
      return gen !== undefined && isCovered(gen, entry);
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

/** Whether every token of a client in that generation is inactive for good. */
function isCovered(gen: number, entry: ClientFeedEntry | AllTokensFeedEntry): boolean {
  return entry.type === 'all_tokens' ? gen < entry.gen : !entry.active || (!entry.genExact && gen < entry.gen);
}
