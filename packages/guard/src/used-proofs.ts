/** Remembers DPoP proofs until they expire, so that each is accepted once. RFC 9449 §11.1. */
import type { DpopPolicy } from './guard.ts';
import { UseBudget, type UseBudgetOptions } from './use-budget.ts';

/** How many expired proofs are removed for each that is added; more than one, so that the memory shrinks. */
const removedPerUse = 2;

/**
 * Creates a `useProof` that keeps proofs in this process. If too many proofs of one client are in use at once it throws
 * `too_many_requests` for that client rather than forget one. An API with several processes needs a shared store, or
 * else each process accepts a proof once.
 */
export function createUsedProofs(options: UseBudgetOptions): DpopPolicy['useProof'] {
  const { now, monotonic = now } = options;
  const budget = new UseBudget(options);
  /** By the clock that never jumps: one that was ahead for a moment must not make proofs usable again. */
  const forgetAtOf = new Map<string, number>();
  return async (jkt, jti, expiresAt, clientId) => {
    const nowSeconds = monotonic() / 1000;
    // Proofs are in order of their first use, which is nearly the order in which they expire.
    let removed = 0;
    for (const [proof, end] of forgetAtOf) {
      if (end >= nowSeconds || removed >= removedPerUse) {
        break;
      }
      forgetAtOf.delete(proof);
      removed += 1;
    }
    const proof = `${jkt} ${jti}`;
    if (forgetAtOf.has(proof)) {
      return false;
    }
    budget.take(clientId, expiresAt);
    forgetAtOf.set(proof, nowSeconds + expiresAt - now() / 1000);
    return true;
  };
}
