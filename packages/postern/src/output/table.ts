/**
 * Tables for people. Nothing is cut off, so that all can be searched and copied: on a terminal that is narrower than the table, cells continue on
 * the next line, and if that is not enough, each row becomes lines of its own. Elsewhere, columns are as wide as their content.
 */
import { oneLine } from './terminal-text.ts';

export type Cell = string | number | boolean | null | undefined | readonly string[];

/** Formats aligned columns under their titles; ends with a line break. Empty cells show a dash. The first column identifies the row. */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  width = terminalWidth(),
): string {
  const lines = [titles.map((title) => title.toUpperCase()), ...rows.map((row) => row.map(formatCell))];
  const columns = titles.map((_, column) => lines.map((line) => line[column] ?? ''));
  const widest = columns.map((texts) => Math.max(...texts.map(lengthOf)));
  // An id is on one line, so that it can be copied.
  const least = columns.map((texts, column) =>
    column === 0 ? (widest[0] ?? 0) : Math.max(...texts.flatMap((text) => piecesOf(text).map(lengthOfTrimmed))),
  );
  const gaps = 2 * (titles.length - 1);
  if (sum(least) + gaps > width) {
    return rows.map((row) => formatRecord(titles.map((title, column) => [title, row[column]] as const))).join('\n');
  }
  const widths = narrow(widest, least, width - gaps);
  return lines.map((line) => formatLine(line, widths)).join('');
}

/** Characters on a line of the terminal, or what `COLUMNS` says. Infinite if the output is a file or another program. */
function terminalWidth(): number {
  const { COLUMNS } = process.env;
  return Number(COLUMNS) > 0
    ? Number(COLUMNS)
    : (process.stdout.isTTY && process.stdout.columns) || Number.POSITIVE_INFINITY;
}

/** Takes characters from the widest column that has any to give, until all fit into `width`. */
function narrow(widest: readonly number[], least: readonly number[], width: number): number[] {
  const widths = [...widest];
  for (let excess = sum(widths) - width; excess > 0; excess -= 1) {
    const givers = widths.map((one, column) => (one > (least[column] ?? 0) ? one : 0));
    const column = givers.indexOf(Math.max(...givers));
    widths[column] = (widths[column] ?? 0) - 1;
  }
  return widths;
}

function formatLine(cells: readonly string[], widths: readonly number[]): string {
  const wrapped = cells.map((text, column) => wrap(text, widths[column] ?? 0));
  const height = Math.max(...wrapped.map(({ length }) => length));
  return Array.from({ length: height }, (_, index) => {
    const line = wrapped.map((parts, column) => pad(parts[index] ?? '', widths[column] ?? 0)).join('  ');
    return `${line.trimEnd()}\n`;
  }).join('');
}

function wrap(text: string, width: number): string[] {
  if (lengthOf(text) <= width) {
    return [text];
  }
  const lines: string[] = [];
  let line = '';
  for (const piece of piecesOf(text)) {
    if (line !== '' && lengthOf(line) + lengthOfTrimmed(piece) > width) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += piece;
  }
  return [...lines, line.trimEnd()];
}

/** What stays on one line: words with what follows them, the parts of a path or a scope, the day and the time of a time. */
function piecesOf(text: string): string[] {
  return text.split(/(?<=[ /:_-](?!\d))|(?=T\d\d:\d\d)/);
}

const lengthOfTrimmed = (text: string): number => lengthOf(text.trimEnd());
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

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
