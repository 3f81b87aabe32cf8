/**
 * How many one-time tokens (DPoP proofs, assertions) of each client are remembered at the same time, so that no client can
 * fill the memory of all. RFC 9449 §11.1, RFC 7523 §3.
 */
import { OAuthError } from '@postern/protocol';

export interface UseBudgetOptions {
  /** Uses of one client that are remembered at the same time. */
  readonly mostOfClient: number;
  /**
   * Uses of all clients. If there are as many, a client that has more than its equal share is refused, and nobody else; so
   * there are never more than twice as many.
   */
  readonly mostOfAll: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. A use is remembered by it, for as long as it had left by `now`. Default: `now`. */
  readonly monotonic?: () => number;
}

/** Expiries are counted in steps of so many seconds. */
const stepSeconds = 10;

export class UseBudget {
  readonly #options: UseBudgetOptions;
  /** By client. */
  readonly #remembered = new Map<string, number>();
  /** By step in which they expire, then by client. */
  readonly #expiring = new Map<number, Map<string, number>>();
  #all = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: UseBudgetOptions) {
    this.#options = options;
  }

  /**
   * Counts a use of the client that must be remembered until `expiresAt`, in seconds since 1970. Throws `too_many_requests`
   * if too many uses of this client are remembered already.
   */
  take(clientId: string, expiresAt: number): void {
    const { now, monotonic = now } = this.#options;
    const nowSeconds = monotonic() / 1000;
    this.#forgetExpired(Math.floor(nowSeconds / stepSeconds));
    const own = this.#remembered.get(clientId) ?? 0;
    if (this.#isSpent(own)) {
      const retryAfterSeconds = Math.max(1, Math.ceil(this.#nextExpiryOf(clientId) - nowSeconds));
      throw new OAuthError(
        'too_many_requests',
        `The client used ${own} one-time tokens (DPoP proofs or assertions) that have not expired: let them expire sooner, ` +
          `or retry in ${retryAfterSeconds} seconds.`,
        { reason: 'use_budget_spent', retryAfterSeconds },
      );
    }
    const step = Math.floor((nowSeconds + expiresAt - now() / 1000) / stepSeconds);
    const expiring = this.#expiring.get(step) ?? new Map<string, number>();
    this.#expiring.set(step, expiring.set(clientId, (expiring.get(clientId) ?? 0) + 1));
    this.#remembered.set(clientId, own + 1);
    this.#all += 1;
  }

  #isSpent(own: number): boolean {
    const { mostOfClient, mostOfAll } = this.#options;
    return own >= mostOfClient || (this.#all >= mostOfAll && own >= mostOfAll / this.#remembered.size);
  }

  #forgetExpired(stepNow: number): void {
    if (stepNow === this.#sweptAt) {
      return;
    }
    this.#sweptAt = stepNow;
    for (const [step, expiring] of this.#expiring) {
      if (step < stepNow) {
        this.#expiring.delete(step);
        for (const [clientId, count] of expiring) {
          const left = (this.#remembered.get(clientId) ?? 0) - count;
          if (left > 0) {
            this.#remembered.set(clientId, left);
          } else {
            this.#remembered.delete(clientId);
          }
          this.#all -= count;
        }
      }
    }
  }

  /** Seconds by the clock that never jumps. */
  #nextExpiryOf(clientId: string): number {
    const steps = [...this.#expiring].flatMap(([step, expiring]) => (expiring.has(clientId) ? [step] : []));
    return (Math.min(...steps) + 1) * stepSeconds;
  }
}
