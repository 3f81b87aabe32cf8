/** What was withdrawn, as far as the feed told it. RFC 7009 §2.2. */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import { type ClientInactiveReason, type ClientStatus, findRevocationReason, heldTokens } from '../token-status.ts';
import type { FeedEntry } from './feed-page.ts';

export class RevocationList {
  readonly #issuer: string;
  readonly #revokedUntil = new Map<string, number>();
  readonly #statuss = new Map<string, ClientStatus | ClientInactiveReason>();

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /** How many tokens and clients it knows of. */
  get size(): number {
    return this.#revokedUntil.size + this.#statuss.size;
  }

  add(entry: FeedEntry): void {
    if (entry.type === 'token') {
      this.#revokedUntil.set(entry.jti, entry.expiresAt);
    } else {
      this.#statuss.set(entry.clientId, entry.status);
    }
  }

  /** Drops the tokens that expired before `seconds` since 1970. */
  forgetExpired(seconds: number): void {
    for (const [jti, expiresAt] of this.#revokedUntil) {
      if (expiresAt < seconds) {
        this.#revokedUntil.delete(jti);
      }
    }
  }

  /** Why a genuine token is no longer good, by what is in here. */
  findFault(token: AccessToken): ErrorReason | undefined {
    for (const held of heldTokens(token)) {
      if (this.#revokedUntil.has(held.jti)) {
        return 'token_revoked';
      }
      const status = this.#statuss.get(held.clientId);
      const fault = status && findRevocationReason(held, status, this.#issuer);
      if (fault !== undefined) {
        return fault;
      }
    }
    return undefined;
  }
}
