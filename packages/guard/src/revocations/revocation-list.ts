/**
 * The revoked tokens and keys and the status of clients, as the feed reported them, in bounded memory. RFC 7009 §2.2.
 *
 * A revoked token that the status of its client makes inactive anyway is dropped. If the list is still full, the clients
 * with the most revoked tokens have each of theirs replaced by one time: all tokens that they got until then are
 * rejected. So only such a client must get new tokens, and no revoked token is accepted.
 */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import {
  type ClientInactiveReason,
  type ClientStatus,
  findRevocationReason,
  type HeldToken,
  heldTokens,
} from '../token-status.ts';
import type { FeedEntry } from './feed-page.ts';

interface RevokedToken {
  readonly expiresAt: number;
  /** Undefined if no later generation of its client covers it. */
  readonly generation: number | undefined;
}

/** Instead of single revoked tokens of a client. Times are in seconds since 1970. */
interface CollapsedTokens {
  /** Tokens that were issued later are not meant. */
  readonly issuedUntil: number;
  /** When the last of the revoked tokens expires. */
  readonly expiresAt: number;
}

/** The part of the entries that remains when single tokens are collapsed, so that it does not happen for each new one. */
const remainingPart = 0.8;

export class RevocationList {
  readonly #issuer: string;
  readonly #maxEntries: number;
  /** By client, then by `jti`; the key is undefined if the feed does not say which client. */
  readonly #revoked = new Map<string | undefined, Map<string, RevokedToken>>();
  readonly #collapsed = new Map<string, CollapsedTokens>();
  readonly #revokedKeys = new Set<string>();
  readonly #statusOf = new Map<string, ClientStatus | ClientInactiveReason>();
  #revokedCount = 0;
  /** Every token of an earlier generation, of whatever client, is revoked. */
  #leastGeneration = 0;

  constructor(issuer: string, maxEntries: number) {
    this.#issuer = issuer;
    this.#maxEntries = maxEntries;
  }

  /** The number of tokens, keys and clients. */
  get size(): number {
    return this.#revokedCount + this.#collapsed.size + this.#revokedKeys.size + this.#statusOf.size;
  }

  /**
   * Adds an entry. `nowSeconds` is the latest time, by the clock of the issuer, at which a token that is known to be
   * revoked can have been issued.
   */
  add(entry: FeedEntry, nowSeconds: number): void {
    if (entry.type === 'client') {
      this.#statusOf.set(entry.clientId, entry.status);
      this.#dropCovered(entry.clientId, entry.status);
    } else if (entry.type === 'all_tokens') {
      this.#leastGeneration = entry.generation;
      for (const [clientId, tokens] of this.#revoked) {
        this.#dropIf(clientId, tokens, ({ generation }) => generation !== undefined && generation < entry.generation);
      }
    } else if (entry.type === 'signing_key') {
      this.#revokedKeys.add(entry.kid);
    } else {
      const { jti, clientId, expiresAt, generation } = entry;
      const tokens = this.#revoked.get(clientId) ?? new Map<string, RevokedToken>();
      this.#revokedCount += tokens.has(jti) ? 0 : 1;
      this.#revoked.set(clientId, tokens.set(jti, { expiresAt, generation }));
    }
    if (this.size > this.#maxEntries) {
      this.#collapse(nowSeconds);
    }
  }

  /** Removes tokens that expired before `seconds` since 1970. */
  forgetExpired(seconds: number): void {
    for (const [clientId, tokens] of this.#revoked) {
      this.#dropIf(clientId, tokens, ({ expiresAt }) => expiresAt < seconds);
    }
    for (const [clientId, { expiresAt }] of this.#collapsed) {
      if (expiresAt < seconds) {
        this.#collapsed.delete(clientId);
      }
    }
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
      if (held.generation < this.#leastGeneration) {
        return 'generation_old';
      }
      const status = this.#statusOf.get(held.clientId);
      const reason = status && findRevocationReason(held, status, this.#issuer);
      if (reason !== undefined) {
        return reason;
      }
    }
    return undefined;
  }

  /** `issuedAt` is undefined for a parent token, about which nobody says when it was issued. */
  #isRevoked({ jti, clientId }: HeldToken, issuedAt: number | undefined): boolean {
    const collapsed = this.#collapsed.get(clientId);
    return (
      this.#revoked.get(clientId)?.has(jti) === true ||
      this.#revoked.get(undefined)?.has(jti) === true ||
      (collapsed !== undefined && (issuedAt ?? 0) <= collapsed.issuedUntil)
    );
  }

  #dropCovered(clientId: string, status: ClientStatus | ClientInactiveReason): void {
    const tokens = this.#revoked.get(clientId);
    if (tokens !== undefined) {
      this.#dropIf(clientId, tokens, ({ generation }) => generation !== undefined && isCovered(generation, status));
    }
  }

  #dropIf(
    clientId: string | undefined,
    tokens: Map<string, RevokedToken>,
    isDropped: (token: RevokedToken) => boolean,
  ): void {
    for (const [jti, token] of tokens) {
      if (isDropped(token)) {
        tokens.delete(jti);
        this.#revokedCount -= 1;
      }
    }
    if (tokens.size === 0) {
      this.#revoked.delete(clientId);
    }
  }

  /** Replaces the revoked tokens of the clients that have the most. Those of unknown clients are kept. */
  #collapse(nowSeconds: number): void {
    const clients = [...this.#revoked].sort(([, tokens], [, others]) => others.size - tokens.size);
    for (const [clientId, tokens] of clients) {
      if (this.size <= remainingPart * this.#maxEntries) {
        return;
      }
      if (clientId !== undefined && tokens.size > 1) {
        const expiresAt = [...tokens.values()].reduce((latest, token) => Math.max(latest, token.expiresAt), 0);
        this.#collapsed.set(clientId, {
          issuedUntil: nowSeconds,
          expiresAt: Math.max(expiresAt, this.#collapsed.get(clientId)?.expiresAt ?? 0),
        });
        this.#dropIf(clientId, tokens, () => true);
      }
    }
  }
}

/** Whether every token of that generation is inactive for good. */
function isCovered(generation: number, status: ClientStatus | ClientInactiveReason): boolean {
  return typeof status === 'string' || (!status.isGenerationExact && generation < status.generation);
}
