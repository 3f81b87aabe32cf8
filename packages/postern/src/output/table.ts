/** Tables for people: columns are as wide as their content, so that nothing is cut off and all can be searched and copied. */
import { oneLine } from './terminal-text.ts';

export type Cell = string | number | boolean | null | undefined | readonly string[];

/** Formats aligned columns under their titles; ends with a line break. Empty cells show a dash. */
export function formatTable(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [titles.map((title) => title.toUpperCase()), ...rows.map((row) => row.map(formatCell))];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => lengthOf(line[column] ?? ''))));
  return lines
    .map(
      (line) =>
        `${line
          .map((text, column) => pad(text, widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Formats one record, one line per member, with aligned names; ends with a line break. */
export function formatRecord(members: readonly (readonly [name: string, value: Cell])[]): string {
  const width = Math.max(...members.map(([name]) => name.length));
  return members.map(([name, value]) => `${name.padEnd(width)}  ${formatCell(value)}\n`).join('');
}

function formatCell(value: Cell): string {
  switch (typeof value) {
    case 'string':
      return value === '' ? '-' : oneLine(value);
    case 'number':
      return String(value);
    case 'boolean':
      return value ? 'yes' : 'no';
    default:
      return value === null || value === undefined || value.length === 0 ? '-' : oneLine(value.join(' '));
  }
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)));
}

/** Counts characters; a surrogate pair is one. */
function lengthOf(text: string): number {
  return [...text].length;
}
