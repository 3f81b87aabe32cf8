/** What clients are found and sorted by, the same on every database: text in lower case, made here. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';

/** Lines that a search looks into, and the name by which lists are sorted; a client without one comes first. */
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

/** True in SQL where the column holds the text somewhere, every character of it standing for itself. */
export function holdsText(column: string, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`;
}
