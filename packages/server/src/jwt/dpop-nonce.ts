/** Nonces for DPoP proofs that need no memory: a time, and a keyed digest of it. RFC 9449 §8. */
import { timingSafeEqual } from 'node:crypto';
import type { DpopNonces } from '@postern/guard';
import type { MasterKey } from '../keys/master-key.ts';

/** A nonce is good in the period in which it was made and in the next, in milliseconds; then a caller needs another. */
const periodMs = 150_000;

/** All nodes that share a master key take each other's. */
export function createDpopNonces(masterKey: MasterKey, now: () => number): DpopNonces {
  const nonceOf = (period: number) => masterKey.digest('dpop nonces', String(period)).toString('base64url');
  const periodNow = () => Math.floor(now() / periodMs);
  return {
    current: () => nonceOf(periodNow()),
    isValid(nonce) {
      const given = Buffer.from(nonce);
      return [periodNow(), periodNow() - 1].some((period) => {
        const expected = Buffer.from(nonceOf(period));
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
  };
}
