/** Medians and spreads of a few measurements. */

export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** Throws if there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [least, most] = [sorted[0], sorted.at(-1)];
  const [below, above] = [sorted.length % 2 === 0 ? sorted[middle - 1] : sorted[middle], sorted[middle]];
  if (least === undefined || most === undefined || below === undefined || above === undefined) {
    throw new Error('no values');
  }
  return { least, median: (below + above) / 2, most };
}
