/** Remembers DPoP proofs until they expire, so that each counts once. RFC 9449 §11.1. */
import { OAuthError } from '@postern/protocol';
import type { DpopPolicy } from './guard.ts';

/** Proofs that are dropped at once for each that is added: more than one, so that it shrinks. */
const sweep = 2;

/**
 * A `useProof` that keeps at most `mostProofs` in this process; with more at a time it throws `temporarily_unavailable`,
 * rather than to forget one that still counts. An API of several processes needs a store that these share, or else a
 * proof counts once in each.
 */
export function createUsedProofs(mostProofs: number, now: () => number): DpopPolicy['useProof'] {
  const expiresAtOf = new Map<string, number>();
  return async (jkt, jti, expiresAt) => {
    const nowSeconds = now() / 1000;
    // Oldest first, and as good as in the order in which they expire: a proof lives for a minute.
    let dropped = 0;
    for (const [proof, end] of expiresAtOf) {
      if (end >= nowSeconds || (dropped >= sweep && expiresAtOf.size < mostProofs)) {
        break;
      }
      expiresAtOf.delete(proof);
      dropped += 1;
    }
    const proof = `${jkt} ${jti}`;
    if (expiresAtOf.has(proof)) {
      return false;
    }
    if (expiresAtOf.size >= mostProofs) {
      throw new OAuthError('temporarily_unavailable', 'There are too many calls with DPoP proofs now: try again.', {
        reason: 'proof_store_full',
      });
    }
    expiresAtOf.set(proof, expiresAt);
    return true;
  };
}
