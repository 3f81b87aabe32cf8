/** The order of the rows of a table, by a member of each: `name`, or `-created_at` for descending. Pure. */

const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Rows that are alike in the member stay in their order. Those without it come last, in either direction. A list counts by its length. */
export function sortRows<Row extends object>(rows: readonly Row[], order: string): readonly Row[] {
  const member = order.replace(/^-/, '');
  const sign = order.startsWith('-') ? -1 : 1;
  const memberOf = (row: Row): unknown => {
    const value = (row as Readonly<Record<string, unknown>>)[member];
    return Array.isArray(value) ? value.length : typeof value === 'boolean' ? Number(value) : (value ?? undefined);
  };
  return rows.toSorted((one, other) => {
    const [a, b] = [memberOf(one), memberOf(other)];
    if (a === undefined || b === undefined) {
      return Number(a === undefined) - Number(b === undefined);
    }
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : compare(String(a), String(b)));
  });
}
