/** Tables for people, in a terminal, and what stands in their cells. */
import type { Spread } from './statistics.ts';

/** Columns as wide as their widest cell: the first to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

/** The cells of the median, and of the least and the most. */
export function formatSpread({ least, median, most }: Spread, digits: number): [string, string] {
  return [median.toFixed(digits), `${least.toFixed(digits)} - ${most.toFixed(digits)}`];
}

export function formatMemory(bytes: number | undefined): string {
  return bytes === undefined ? 'not measured' : `${(bytes / 1_000_000).toFixed(0)} MB`;
}

export function verdict(met: boolean): string {
  return met ? 'met' : 'missed';
}
