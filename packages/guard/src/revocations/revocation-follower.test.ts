/** The back-off of a guard whose feed fails. */
import { describe, expect, test } from 'vitest';
import { UnexpectedAnswer } from '../issuer/fetch-document.ts';
import { pauseAfter } from './revocation-follower.ts';

const refused = new Error('connection refused');
/** Of many, since each pause is random within its limits. */
const pauses = (failures: number, cause = refused) => Array.from({ length: 200 }, () => pauseAfter(failures, cause));

describe('a guard asks a feed that fails again and again', () => {
  test.each([
    [0, 200],
    [1, 400],
    [2, 800],
    [3, 1_600],
    [4, 3_000],
    [5, 3_000],
    [1_000_000, 3_000],
  ])('after %d failures before, within %d ms, and after no less than half of that', (failures, mostMs) => {
    for (const pause of pauses(failures)) {
      expect(pause).toBeGreaterThanOrEqual(mostMs / 2);
      expect(pause).toBeLessThanOrEqual(mostMs);
    }
  });

  test.each([
    [20, 20_000],
    [999_999, 30_000],
  ])('after %d s if the feed asks for that, and never later than after half a minute', (seconds, pauseMs) => {
    const answer = new Response('', { status: 503, headers: { 'retry-after': String(seconds) } });
    const busy = new UnexpectedAnswer('https://auth.example.com', answer);
    expect(new Set(pauses(0, busy))).toEqual(new Set([pauseMs]));
  });
});
