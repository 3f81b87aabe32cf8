/** The text by which clients are found and sorted: converted to lower case here, so that every database does the same. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { ClientOrder } from './client-parts.ts';

/** The lines that a search reads, and the name by which lists are sorted; a client without a name comes first. */
export function searchColumnsOf(client: {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
}) {
  const { id, name, description } = client;
  return {
    search_text: [id, name ?? '', description ?? ''].join('\n').toLowerCase(),
    sort_name: (name ?? '').toLowerCase(),
  };
}

/** SQL for whether the column contains the text, in which no character is a wildcard. */
export function holdsText(column: string, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

/** SQL for whether a client comes after the place in that order; undefined: all do. */
export function comesAfter(
  { column, direction }: ClientOrder,
  place: readonly string[] | undefined,
): RawBuilder<SqlBool> {
  const [key, id] = place ?? [];
  const operator = sql.raw(direction === 'asc' ? '>' : '<');
  return place === undefined ? sql`1 = 1` : sql`(${sql.ref(column)}, ${sql.ref('id')}) ${operator} (${key}, ${id})`;
}
