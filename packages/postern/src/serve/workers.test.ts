/** The back-off of the supervisor. */
import { expect, test } from 'vitest';
import { replacementDelayMs } from './workers.ts';

test('a worker that cannot start is started again and again, and never later than after half a minute', () => {
  expect([0, 1, 2, 3, 4, 5, 6].map(replacementDelayMs)).toEqual([1, 2, 4, 8, 16, 30, 30].map((s) => s * 1000));
  expect(replacementDelayMs(1_000_000)).toBe(30_000);
});
