/** Hours put together for charts, and their sums. */
import { expect, test } from 'vitest';
import { niceCeiling, sumUp, toPeriods } from './statistics.ts';

const hour = (index: number, issued: number, refused_by: Record<string, number> = {}) => ({
  from: new Date(index * 3_600_000).toISOString(),
  issued,
  refused: Object.values(refused_by).reduce((sum, count) => sum + count, 0),
  issued_by_secret: issued,
  refused_by,
});

test('hours stay as they are while there is room, and are put together evenly where there is none', () => {
  const day = Array.from({ length: 24 }, (_, index) => hour(index, 1));
  expect(toPeriods(day, 24)).toHaveLength(24);
  const periods = toPeriods(day, 10);
  expect(periods.map(({ issued }) => issued)).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
  expect(periods[1]?.from).toBe('1970-01-01T03:00:00.000Z');
  expect(toPeriods([], 10)).toEqual([]);
});

test('reasons are summed up, the most frequent first', () => {
  expect(sumUp([hour(0, 5, { secret_wrong: 1 }), hour(1, 2, { secret_wrong: 1, client_unknown: 3 })])).toEqual({
    issued: 7,
    issuedBySecret: 7,
    refused: 5,
    reasons: [
      ['client_unknown', 3],
      ['secret_wrong', 2],
    ],
  });
});

test.each([
  [0, 4],
  [3, 4],
  [11, 20],
  [40, 40],
  [41, 50],
  [999, 1_000],
  [1_234_567, 2_000_000],
])('an axis for %i ends at %i', (value, top) => {
  expect(niceCeiling(value)).toBe(top);
});
