/**
 * A table that becomes a list of cards on a narrow screen. Style sheets that change the display of a table remove its
 * semantics, so the roles are explicit.
 */
import type { ReactNode } from 'react';

/** A member of a row, with `-` before it for descending. */
type MemberOrder<Row> = (keyof Row & string) | `-${keyof Row & string}`;

export interface Column<Row> {
  readonly title: string;
  /** Aligned at the end of the line: for numbers and buttons. */
  readonly end?: boolean;
  /** What the list can be sorted by, in the order that pressing the title gives first. */
  readonly sortsBy?: MemberOrder<Row>;
  readonly cell: (row: Row) => ReactNode;
}

/** By what the rows are sorted, and what changes that. */
export interface Sorting {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export interface DataTableProps<Row> {
  /** What the table contains, for assistive technology. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Replaces a table without rows. */
  readonly empty: ReactNode;
  readonly sorting?: Sorting;
}

/* biome-ignore-start lint/a11y/noRedundantRoles: see the file's first lines */
export function DataTable<Row>({ caption, columns, rows, keyOf, empty, sorting }: DataTableProps<Row>) {
  return rows.length === 0 ? (
    empty
  ) : (
    <div className="panel table-frame">
      <table className="table" role="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, end, sortsBy }) => (
              <th
                key={title}
                role="columnheader"
                scope="col"
                className={end === true ? 'end' : undefined}
                aria-sort={sortsBy !== undefined && sorting !== undefined ? directionOf(sortsBy, sorting) : undefined}
              >
                {sortsBy !== undefined && sorting !== undefined ? (
                  <SortButton title={title} sortsBy={sortsBy} sorting={sorting} />
                ) : (
                  title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ title, end, cell }) => (
                <td key={title} role="cell" data-title={title} className={end === true ? 'end' : undefined}>
                  <div className="cell">{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
/* biome-ignore-end lint/a11y/noRedundantRoles: see the file's first lines */

interface SortButtonProps {
  readonly title: string;
  readonly sortsBy: string;
  readonly sorting: Sorting;
}

function SortButton({ title, sortsBy, sorting }: SortButtonProps) {
  const direction = directionOf(sortsBy, sorting);
  return (
    <button
      type="button"
      className="sort-button"
      onClick={() => sorting.onChange(sorting.value === sortsBy ? oppositeOf(sortsBy) : sortsBy)}
    >
      {title}
      <span aria-hidden="true" className="sort-arrow">
        {direction === 'none' ? '↕' : direction === 'ascending' ? '↑' : '↓'}
      </span>
    </button>
  );
}

/** Whether the rows are sorted by the column, in either direction. */
export function isSortedBy({ sortsBy }: { readonly sortsBy?: string | undefined }, { value }: Sorting): boolean {
  return sortsBy !== undefined && (value === sortsBy || value === oppositeOf(sortsBy));
}

function directionOf(sortsBy: string, sorting: Sorting): 'ascending' | 'descending' | 'none' {
  if (!isSortedBy({ sortsBy }, sorting)) {
    return 'none';
  }
  return sorting.value.startsWith('-') ? 'descending' : 'ascending';
}

const oppositeOf = (order: string) => (order.startsWith('-') ? order.slice(1) : `-${order}`);

/** The content of a cell: what names the row, and more about it in grey. */
export function TwoLines({ first, second }: { readonly first: ReactNode; readonly second: ReactNode }) {
  return (
    <div className="two-lines">
      {first}
      <div className="muted">{second}</div>
    </div>
  );
}
