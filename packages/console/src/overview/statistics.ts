/** Statistics for the overview: sums, and hours combined into as many periods as fit into a chart. Pure. */
import type { Statistics } from '@postern/admin';

export interface Period {
  /** RFC 3339. */
  readonly from: string;
  readonly issued: number;
  readonly refused: number;
}

/** Combines hours into at most `most` periods of equal length, oldest first. */
export function toPeriods(buckets: Statistics['buckets'], most: number): Period[] {
  const hours = Math.max(1, Math.ceil(buckets.length / most));
  const periods: Period[] = [];
  for (let start = 0; start < buckets.length; start += hours) {
    const members = buckets.slice(start, start + hours);
    periods.push({
      from: (members[0] as Period).from,
      issued: sum(members, ({ issued }) => issued),
      refused: sum(members, ({ refused }) => refused),
    });
  }
  return periods;
}

export interface Totals {
  readonly issued: number;
  readonly issuedBySecret: number;
  readonly refused: number;
  /** Most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
}

export function sumUp(buckets: Statistics['buckets']): Totals {
  const reasons = new Map<string, number>();
  for (const [reason, count] of buckets.flatMap(({ refused_by }) => Object.entries(refused_by))) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  return {
    issued: sum(buckets, ({ issued }) => issued),
    issuedBySecret: sum(buckets, ({ issued_by_secret }) => issued_by_secret),
    refused: sum(buckets, ({ refused }) => refused),
    reasons: [...reasons].toSorted(([, a], [, b]) => b - a),
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Returns a round number that is not less than `value`, for the top of an axis. */
export function niceCeiling(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const step = [1, 2, 4, 5, 10].find((factor) => factor * magnitude >= value) ?? 10;
  return Math.max(4, step * magnitude);
}
