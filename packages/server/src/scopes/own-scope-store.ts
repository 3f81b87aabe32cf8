/** The scopes that users added, in the database, and the clients that hold one. */
import type { Kysely } from 'kysely';
import { clientParts, oldestFirst } from '../clients/client-parts.ts';
import { holdsText } from '../clients/client-search-store.ts';
import type { Database } from '../db/schema.ts';

export interface OwnScope {
  readonly name: string;
  readonly description: string;
}

/** All, by name. */
export async function loadOwnScopes(db: Kysely<Database>): Promise<OwnScope[]> {
  return db.selectFrom('own_scopes').select(['name', 'description']).orderBy('name').execute();
}

/** Creates the scope, or changes the one with that name. */
export async function saveOwnScope(db: Kysely<Database>, { name, description }: OwnScope): Promise<void> {
  await db
    .insertInto('own_scopes')
    .values({ name, description })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ description }))
    .execute();
}

export async function deleteOwnScope(db: Kysely<Database>, name: string): Promise<void> {
  await db.deleteFrom('own_scopes').where('name', '=', name).execute();
}

/** Ids of the clients that hold the scope or have it in `grantable_scopes`. Reads every client. */
export async function listScopeHolders(db: Kysely<Database>, name: string): Promise<string[]> {
  // JSON escapes no character of a scope name, so the column has each name as it is, in quotes.
  const quoted = JSON.stringify(name);
  const holders: string[] = [];
  for await (const partOf of clientParts(db, oldestFirst)) {
    const rows = await db
      .selectFrom(partOf(db.selectFrom('clients').select(['id', 'scopes', 'grantable_scopes'])).as('part'))
      .select('id')
      .where((where) => where.or([holdsText('scopes', quoted), holdsText('grantable_scopes', quoted)]))
      .execute();
    holders.push(...rows.map(({ id }) => id));
  }
  return holders;
}
