/** What was withdrawn, as far as the feed told it. RFC 7009 §2.2. */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import { type ClientFault, type ClientStanding, findStandingFault, heldTokens } from '../standing.ts';
import type { FeedEntry } from './feed-page.ts';

export class RevocationList {
  readonly #issuer: string;
  readonly #revokedUntil = new Map<string, number>();
  readonly #standings = new Map<string, ClientStanding | ClientFault>();

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /** How many tokens and clients it knows of. */
  get size(): number {
    return this.#revokedUntil.size + this.#standings.size;
  }

  add(entry: FeedEntry): void {
    if (entry.type === 'token') {
      this.#revokedUntil.set(entry.jti, entry.expiresAt);
    } else {
      this.#standings.set(entry.clientId, entry.standing);
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
      const standing = this.#standings.get(held.clientId);
      const fault = standing && findStandingFault(held, standing, this.#issuer);
      if (fault !== undefined) {
        return fault;
      }
    }
    return undefined;
  }
}
