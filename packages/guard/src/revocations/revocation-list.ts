/** The revoked tokens and keys and the status of clients, as the feed reported them. RFC 7009 §2.2. */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import { type ClientInactiveReason, type ClientStatus, findRevocationReason, heldTokens } from '../token-status.ts';
import type { FeedEntry } from './feed-page.ts';

export class RevocationList {
  readonly #issuer: string;
  readonly #revokedUntil = new Map<string, number>();
  readonly #revokedKeys = new Set<string>();
  readonly #statusOf = new Map<string, ClientStatus | ClientInactiveReason>();

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /** The number of tokens, keys and clients. */
  get size(): number {
    return this.#revokedUntil.size + this.#revokedKeys.size + this.#statusOf.size;
  }

  add(entry: FeedEntry): void {
    if (entry.type === 'token') {
      this.#revokedUntil.set(entry.jti, entry.expiresAt);
    } else if (entry.type === 'signing_key') {
      this.#revokedKeys.add(entry.kid);
    } else {
      this.#statusOf.set(entry.clientId, entry.status);
    }
  }

  /** Removes tokens that expired before `seconds` since 1970. */
  forgetExpired(seconds: number): void {
    for (const [jti, expiresAt] of this.#revokedUntil) {
      if (expiresAt < seconds) {
        this.#revokedUntil.delete(jti);
      }
    }
  }

  /** Whether the tokens that the key signed are revoked, although a copy of the JWKS may still have it. */
  isKeyRevoked(kid: string): boolean {
    return this.#revokedKeys.has(kid);
  }

  /** Returns why a verified token is no longer active, or undefined if nothing here says so. */
  findInactiveReason(token: AccessToken): ErrorReason | undefined {
    for (const held of heldTokens(token)) {
      if (this.#revokedUntil.has(held.jti)) {
        return 'token_revoked';
      }
      const status = this.#statusOf.get(held.clientId);
      const reason = status && findRevocationReason(held, status, this.#issuer);
      if (reason !== undefined) {
        return reason;
      }
    }
    return undefined;
  }
}
