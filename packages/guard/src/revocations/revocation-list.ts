/**
 * The revoked tokens and keys and the status of clients, as the feed reported them, in bounded memory. RFC 7009 §2.2.
 *
 * A revoked token that the status of its client makes inactive anyway is dropped. If the list is still full, the clients
 * with the most revoked tokens have each of theirs replaced by one time: all tokens that they got until then are
 * rejected. So only such a client must get new tokens, and no revoked token is accepted.
 *
 * If the issuer has lost changes, what was known of them continues to hold for the tokens of that time.
 */
import type { ErrorReason } from '@postern/protocol';
import { type RevokedToken, RevokedTokenTable } from '@postern/protocol/revoked-token-table';
import type { AccessToken } from '../access-token.ts';
import {
  type ClientInactiveReason,
  type ClientStatus,
  findRevocationReason,
  type HeldToken,
  heldTokens,
} from '../token-status.ts';
import type { FeedEntry } from './feed-page.ts';

/** Instead of single revoked tokens of a client. Times are in seconds since 1970. */
interface CollapsedTokens {
  /** Tokens that were issued later are not meant. */
  readonly issuedUntil: number;
  /** When the last of the revoked tokens expires. */
  readonly expiresAt: number;
}

/** What was known of a history that the issuer has lost. It says nothing about later tokens. */
interface LostHistory {
  /** Seconds since 1970. */
  readonly issuedUntil: number;
  readonly statusOf: ReadonlyMap<string, ClientStatus | ClientInactiveReason>;
  readonly leastGeneration: number;
}

/** Seconds: no token of Postern is valid for longer. */
const longestLifetime = 366 * 86_400;

/** The part of the entries that remains when single tokens are collapsed, so that it does not happen for each new one. */
const remainingPart = 0.8;

export class RevocationList {
  readonly #issuer: string;
  readonly #maxEntries: number;
  readonly #revoked = new RevokedTokenTable();
  readonly #collapsed = new Map<string, CollapsedTokens>();
  readonly #revokedKeys = new Set<string>();
  readonly #statusOf = new Map<string, ClientStatus | ClientInactiveReason>();
  /** Every token of an earlier generation, of whatever client, is revoked. */
  #leastGeneration = 0;
  #lost: readonly LostHistory[] = [];
  /** Instead of lost histories that had too many entries: every token that was issued until then is rejected. */
  #issuedAfter = 0;

  constructor(issuer: string, maxEntries: number) {
    this.#issuer = issuer;
    this.#maxEntries = maxEntries;
  }

  /** The number of tokens, keys and clients. */
  get size(): number {
    const lost = this.#lost.reduce((sum, { statusOf }) => sum + statusOf.size, 0);
    return this.#revoked.size + this.#collapsed.size + this.#revokedKeys.size + this.#statusOf.size + lost;
  }

  isKeyRevoked(kid: string): boolean {
    return this.#revokedKeys.has(kid);
  }

  /** Returns the entries of a feed that say the same; undefined if none can, since tokens were collapsed or a history was lost. */
  toEntries(): FeedEntry[] | undefined {
    if (this.#collapsed.size > 0 || this.#lost.length > 0 || this.#issuedAfter > 0) {
      return undefined;
    }
    return [
      { type: 'all_tokens', generation: this.#leastGeneration },
      ...[...this.#revokedKeys].map((kid) => ({ type: 'signing_key', kid }) as const),
      ...[...this.#statusOf].map(([clientId, status]) => ({ type: 'client', clientId, status }) as const),
      ...[...this.#revoked.values()].map((token) => ({ type: 'token', ...token }) as const),
    ];
  }

  /**
   * Takes over what the list before knew and this one, a snapshot, lacks: revoked tokens until they expire, and revoked
   * keys. If the issuer has lost changes, also what `before` knew about clients, for the tokens that were issued until
   * `lostAtSeconds`. Returns how many revoked tokens this list lacked.
   */
  inherit(before: RevocationList, nowSeconds: number, lostAtSeconds: number | undefined): number {
    let count = 0;
    for (const token of before.#revoked.values()) {
      if (!this.#revoked.has(token.jti) && !this.#isCovered(token)) {
        count += 1;
        this.add({ type: 'token', ...token }, nowSeconds);
      }
    }
    for (const [clientId, collapsed] of before.#collapsed) {
      this.#collapsed.set(clientId, collapsed);
    }
    for (const kid of before.#revokedKeys) {
      this.#revokedKeys.add(kid);
    }
    this.#issuedAfter = before.#issuedAfter;
    this.#lost =
      lostAtSeconds === undefined
        ? before.#lost
        : [
            ...before.#lost,
            { issuedUntil: lostAtSeconds, statusOf: before.#statusOf, leastGeneration: before.#leastGeneration },
          ];
    if (this.size > this.#maxEntries) {
      this.#collapse(nowSeconds);
    }
    return count;
  }

  /**
   * Adds an entry. `nowSeconds` is the latest time, by the clock of the issuer, at which a token that is known to be
   * revoked can have been issued.
   */
  add(entry: FeedEntry, nowSeconds: number): void {
    if (entry.type === 'client') {
      this.#statusOf.set(entry.clientId, entry.status);
      this.#revoked.removeOfClient(entry.clientId, (_expiresAt, generation) => isCovered(generation, entry.status));
    } else if (entry.type === 'all_tokens') {
      this.#leastGeneration = entry.generation;
      this.#revoked.remove((_expiresAt, generation) => generation < entry.generation);
    } else if (entry.type === 'signing_key') {
      this.#revokedKeys.add(entry.kid);
    } else {
      this.#revoked.add(entry);
    }
    if (this.size > this.#maxEntries) {
      this.#collapse(nowSeconds);
    }
  }

  /** Removes tokens that expired before `seconds` since 1970. */
  forgetExpired(seconds: number): void {
    this.#revoked.remove((expiresAt) => expiresAt < seconds);
    for (const [clientId, { expiresAt }] of this.#collapsed) {
      if (expiresAt < seconds) {
        this.#collapsed.delete(clientId);
      }
    }
    this.#lost = this.#lost.filter(({ issuedUntil }) => issuedUntil + longestLifetime >= seconds);
  }

  /** Returns why a verified token is no longer active, or undefined if nothing here says so. */
  findInactiveReason(token: AccessToken): ErrorReason | undefined {
    for (const held of heldTokens(token)) {
      // A copy of the JWKS may still have the key.
      if (this.#revokedKeys.has(held.kid)) {
        return 'key_revoked';
      }
      if (this.#isRevoked(held, held.jti === token.jti ? token.issuedAt : undefined)) {
        return 'token_revoked';
      }
      const reason = this.#findReason(held, this.#statusOf, this.#leastGeneration);
      if (reason !== undefined) {
        return reason;
      }
    }
    return this.#findReasonInLostHistory(token);
  }

  #findReason(
    held: HeldToken,
    statusOf: ReadonlyMap<string, ClientStatus | ClientInactiveReason>,
    leastGeneration: number,
  ): ErrorReason | undefined {
    if (held.generation < leastGeneration) {
      return 'generation_old';
    }
    const status = statusOf.get(held.clientId);
    return status && findRevocationReason(held, status, this.#issuer);
  }

  #findReasonInLostHistory(token: AccessToken): ErrorReason | undefined {
    if (token.issuedAt <= this.#issuedAfter) {
      return 'token_revoked';
    }
    for (const { issuedUntil, statusOf, leastGeneration } of this.#lost) {
      if (token.issuedAt <= issuedUntil) {
        for (const held of heldTokens(token)) {
          const reason = this.#findReason(held, statusOf, leastGeneration);
          if (reason !== undefined) {
            return reason;
          }
        }
      }
    }
    return undefined;
  }

  #isCovered({ clientId, generation }: RevokedToken): boolean {
    const status = clientId === undefined ? undefined : this.#statusOf.get(clientId);
    return (
      generation !== undefined &&
      (generation < this.#leastGeneration || (status !== undefined && isCovered(generation, status)))
    );
  }

  /** `issuedAt` is undefined for a parent token, about which nobody says when it was issued. */
  #isRevoked({ jti, clientId }: HeldToken, issuedAt: number | undefined): boolean {
    const collapsed = this.#collapsed.get(clientId);
    const row = this.#revoked.find(jti);
    return (
      (row !== undefined && [clientId, undefined].includes(this.#revoked.clientOf(row))) ||
      (collapsed !== undefined && (issuedAt ?? 0) <= collapsed.issuedUntil)
    );
  }

  /** Replaces lost histories, and the revoked tokens of the clients that have the most. Those of unknown clients are kept. */
  #collapse(nowSeconds: number): void {
    if (this.#lost.length > 0) {
      this.#issuedAfter = Math.max(...this.#lost.map(({ issuedUntil }) => issuedUntil));
      this.#lost = [];
    }
    const clients = [...this.#revoked.counts()].sort((one, other) => other.count - one.count);
    for (const { clientId, count } of clients) {
      if (this.size <= remainingPart * this.#maxEntries) {
        return;
      }
      if (clientId !== undefined && count > 1) {
        let latest = this.#collapsed.get(clientId)?.expiresAt ?? 0;
        this.#revoked.removeOfClient(clientId, (expiresAt) => {
          latest = Math.max(latest, expiresAt);
          return true;
        });
        this.#collapsed.set(clientId, { issuedUntil: nowSeconds, expiresAt: latest });
      }
    }
  }
}

/** Whether every token of that generation is inactive for good. It is NaN if that says nothing about the token. */
function isCovered(generation: number, status: ClientStatus | ClientInactiveReason): boolean {
  if (Number.isNaN(generation)) {
    return false;
  }
  return typeof status === 'string' || (!status.isGenerationExact && generation < status.generation);
}
