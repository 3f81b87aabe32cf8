/** Nonces for DPoP proofs, which need no store: the keyed digest of a period of time. RFC 9449 §8. */
import { timingSafeEqual } from 'node:crypto';
import type { DpopNonces } from '@postern/guard';
import type { MasterKey } from '../keys/master-key.ts';

/** In milliseconds. A nonce is valid in the period in which it was created and in the next. */
const periodMs = 150_000;

/** All nodes that share a master key accept each other's nonces. */
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
