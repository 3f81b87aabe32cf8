/** Counts what a query finds. */
import type { SelectQueryBuilder } from 'kysely';

/** `query` selects no columns. */
export async function countFound<DB, Table extends keyof DB>(query: SelectQueryBuilder<DB, Table, object>) {
  const counted = query.select((select) => select.fn.countAll<number>().as('found'));
  const { found } = (await counted.executeTakeFirstOrThrow()) as { readonly found: number };
  return Number(found);
}
