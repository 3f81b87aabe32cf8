/** Scopes that users add, and what lists of clients are searched and sorted by. */
import type { Kysely } from 'kysely';
import { searchColumnsOf } from '../client-search.ts';

/** The table of clients as this step finds and leaves it. */
interface Tables {
  clients: { id: string; name: string | null; description: string | null; search_text: string; sort_name: string };
}

/** Clients that are filled in at once. */
const batchSize = 1_000;

export async function up(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('own_scopes')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('description', 'text', (column) => column.notNull())
    .execute();

  for (const column of ['search_text', 'sort_name']) {
    await db.schema
      .alterTable('clients')
      .addColumn(column, 'text', (definition) => definition.notNull().defaultTo(''))
      .execute();
  }
  for (let after = ''; ; ) {
    const clients = await db
      .selectFrom('clients')
      .select(['id', 'name', 'description'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(batchSize)
      .execute();
    for (const client of clients) {
      await db.updateTable('clients').set(searchColumnsOf(client)).where('id', '=', client.id).execute();
    }
    const last = clients.at(-1);
    if (last === undefined) {
      break;
    }
    after = last.id;
  }
  await db.schema.createIndex('clients_by_name').on('clients').columns(['sort_name', 'id']).execute();
  await db.schema.createIndex('clients_by_enabled').on('clients').column('enabled').execute();
}
