/** When two data categories cover the same data. Pure. */

/** Whether two categories are the same, or one is an ancestor of the other. */
export function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);
}

/** Finds the first two of `categories` that overlap, or undefined. */
export function findOverlap(categories: readonly string[]): readonly [string, string] | undefined {
  for (const [index, one] of categories.entries()) {
    const other = categories.slice(index + 1).find((later) => overlap(one, later));
    if (other !== undefined) {
      return [one, other];
    }
  }
  return undefined;
}
