/**
 * A table that becomes a list of cards on a narrow screen. Style sheets that change the display of a table remove its
 * semantics, so the roles are explicit.
 */
import type { ReactNode } from 'react';

export interface Column<Row> {
  readonly title: string;
  /** Aligned at the end of the line: for numbers and buttons. */
  readonly end?: boolean;
  readonly cell: (row: Row) => ReactNode;
}

interface DataTableProps<Row> {
  /** What the table contains, for assistive technology. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Replaces a table without rows. */
  readonly empty: ReactNode;
}

/* biome-ignore-start lint/a11y/noRedundantRoles: see the file's first lines */
export function DataTable<Row>({ caption, columns, rows, keyOf, empty }: DataTableProps<Row>) {
  return rows.length === 0 ? (
    empty
  ) : (
    <div className="panel table-frame">
      <table className="table" role="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, end }) => (
              <th key={title} role="columnheader" scope="col" className={end === true ? 'end' : undefined}>
                {title}
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

/** The content of a cell: what names the row, and more about it in grey. */
export function TwoLines({ first, second }: { readonly first: ReactNode; readonly second: ReactNode }) {
  return (
    <div className="two-lines">
      {first}
      <div className="muted">{second}</div>
    </div>
  );
}
