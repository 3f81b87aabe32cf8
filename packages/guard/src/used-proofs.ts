/** Remembers DPoP proofs until they expire, so that each is accepted once. RFC 9449 §11.1. */
import { OAuthError } from '@postern/protocol';
import type { DpopPolicy } from './guard.ts';

/** How many expired proofs are removed for each that is added; more than one, so that the memory shrinks. */
const removedPerUse = 2;

/**
 * Creates a `useProof` that keeps at most `maxProofs` in this process. If more are in use at once it throws
 * `temporarily_unavailable` rather than forget one. An API with several processes needs a shared store, or else each
 * process accepts a proof once. `now` returns milliseconds since 1970.
 */
export function createUsedProofs(maxProofs: number, now: () => number): DpopPolicy['useProof'] {
  const expiresAtOf = new Map<string, number>();
  return async (jkt, jti, expiresAt) => {
    const nowSeconds = now() / 1000;
    // Proofs are in order of their first use, which is nearly the order in which they expire.
    let removed = 0;
    for (const [proof, end] of expiresAtOf) {
      if (end >= nowSeconds || (removed >= removedPerUse && expiresAtOf.size < maxProofs)) {
        break;
      }
      expiresAtOf.delete(proof);
      removed += 1;
    }
    const proof = `${jkt} ${jti}`;
    if (expiresAtOf.has(proof)) {
      return false;
    }
    if (expiresAtOf.size >= maxProofs) {
      throw new OAuthError('temporarily_unavailable', 'Too many DPoP proofs are in use. Try again later.', {
        reason: 'proof_store_full',
      });
    }
    expiresAtOf.set(proof, expiresAt);
    return true;
  };
}
