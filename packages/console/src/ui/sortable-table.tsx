/** Tables whose heads sort them. The order is in the address of the page. */
import { useSearchParams } from 'wouter';
import { DataTable, type DataTableProps, isSortedBy, type Sorting } from './data-table.tsx';
import { sortRows } from './sort-rows.ts';

/** The order that the address has; `initial` if it has none. */
export function useSorting(initial: string): Sorting {
  const [params, setParams] = useSearchParams();
  return {
    value: params.get('sort') ?? initial,
    onChange: (sort) =>
      setParams((now) => new URLSearchParams([...[...now].filter(([name]) => name !== 'sort'), ['sort', sort]]), {
        replace: true,
      }),
  };
}

interface SortableTableProps<Row> extends Omit<DataTableProps<Row>, 'sorting'> {
  /** The order that it has before anybody chooses one. Default: that of the rows. */
  readonly sort?: string;
}

/** The table of a list that is here as a whole, never of a page of one: each column is sorted by the member that `sortsBy` names. */
export function SortableTable<Row extends object>({ rows, sort = '', ...table }: SortableTableProps<Row>) {
  const sorting = useSorting(sort);
  const isKnown = table.columns.some((column) => isSortedBy(column, sorting));
  return <DataTable {...table} rows={isKnown ? sortRows(rows, sorting.value) : rows} sorting={sorting} />;
}
