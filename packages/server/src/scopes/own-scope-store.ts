/** The scopes that users added, in the database, and the clients that hold one. */
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { clientParts, oldestFirst } from '../clients/client-parts-store.ts';
import { holdsExactly } from '../clients/client-search-store.ts';
import { countFound } from '../db/count-rows.ts';
import type { Database } from '../db/schema.ts';

export interface OwnScope {
  readonly name: string;
  readonly description: string;
}

/** All, in no order. */
export async function loadOwnScopes(db: Kysely<Database>): Promise<OwnScope[]> {
  return db.selectFrom('own_scopes').select(['name', 'description']).execute();
}

/** Those of these names that exist. */
export async function findOwnScopes(db: Kysely<Database>, names: readonly string[]): Promise<OwnScope[]> {
  return db.selectFrom('own_scopes').select(['name', 'description']).where('name', 'in', names).execute();
}

export function countOwnScopes(db: Kysely<Database>): Promise<number> {
  return countFound(db.selectFrom('own_scopes'));
}

/** Creates the scopes, or changes those of these names. */
export async function saveOwnScopes(db: Kysely<Database>, scopes: readonly OwnScope[]): Promise<void> {
  if (scopes.length > 0) {
    await db
      .insertInto('own_scopes')
      .values(scopes.map(({ name, description }) => ({ name, description })))
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet((value) => ({ description: value.ref('excluded.description') })),
      )
      .execute();
    await renewVersion(db);
  }
}

/** Returns whether there was one. */
export async function deleteOwnScope(db: Kysely<Database>, name: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('own_scopes').where('name', '=', name).executeTakeFirst();
  await renewVersion(db);
  return numDeletedRows > 0n;
}

/** Two reads that see the same version see the same scopes: it is random, and each change sets another. */
export async function readOwnScopesVersion(db: Kysely<Database>): Promise<string> {
  return (await db.selectFrom('own_scopes_version').select('version').executeTakeFirstOrThrow()).version;
}

/** All, in no order, with the version that they have: in one statement, so that no change comes between. */
export async function loadVersionedScopes(
  db: Kysely<Database>,
): Promise<{ readonly version: string; readonly scopes: readonly OwnScope[] }> {
  const rows = await db
    .selectFrom('own_scopes_version')
    .leftJoin('own_scopes', (join) => join.onTrue())
    .select(['version', 'name', 'description'])
    .execute();
  return {
    version: rows[0]?.version ?? '',
    scopes: rows.flatMap(({ name, description }) =>
      name === null || description === null ? [] : { name, description },
    ),
  };
}

async function renewVersion(db: Kysely<Database>): Promise<void> {
  await db.updateTable('own_scopes_version').set({ version: randomUUID() }).execute();
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
      .where((where) => where.or([holdsExactly('scopes', quoted), holdsExactly('grantable_scopes', quoted)]))
      .execute();
    holders.push(...rows.map(({ id }) => id));
  }
  return holders;
}
