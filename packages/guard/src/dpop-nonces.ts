/** Nonces for DPoP proofs, which need no store: the keyed digest of a period of time. RFC 9449 §8 and §9. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DpopNonces } from './guard.ts';

/** In milliseconds. A nonce is valid in the period in which it was created and in the next. */
const periodMs = 150_000;

/** Bytes; as many as a digest has. RFC 2104 §3. */
const leastKeyLength = 32;

/**
 * All processes with the same `key`, which must be random, accept each other's nonces. `now` is in milliseconds since 1970. Throws
 * `TypeError` for a key of less than 32 bytes.
 */
export function createDpopNonces(key: Uint8Array, now: () => number = Date.now): DpopNonces {
  if (key.length < leastKeyLength) {
    throw new TypeError(`The key of DPoP nonces must have at least ${leastKeyLength} bytes.`);
  }
  const nonceOf = (period: number) => createHmac('sha256', key).update(String(period)).digest('base64url');
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
