/** The roles that users added, in the database. */
import type { Kysely, Selectable } from 'kysely';
import type { Database, RoleTable } from '../db/schema.ts';
import type { KnownRole, Role } from './role.ts';

/** All, by name. */
export async function loadOwnRoles(db: Kysely<Database>): Promise<KnownRole[]> {
  const rows = await db.selectFrom('roles').selectAll().orderBy('name').execute();
  return rows.map(fromRow);
}

export async function findOwnRole(db: Kysely<Database>, name: string): Promise<KnownRole | undefined> {
  const row = await db.selectFrom('roles').selectAll().where('name', '=', name).executeTakeFirst();
  return row && fromRow(row);
}

/** Creates the role, or changes the one of that name. */
export async function saveOwnRole(db: Kysely<Database>, role: Role): Promise<void> {
  const columns = {
    description: role.description,
    scopes: JSON.stringify(role.scopes),
    grantable_scopes: role.grantableScopes === null ? null : JSON.stringify(role.grantableScopes),
  };
  await db
    .insertInto('roles')
    .values({ name: role.name, ...columns })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(columns))
    .execute();
}

export async function deleteOwnRole(db: Kysely<Database>, name: string): Promise<void> {
  await db.deleteFrom('roles').where('name', '=', name).execute();
}

function fromRow({ name, description, scopes, grantable_scopes }: Selectable<RoleTable>): KnownRole {
  return {
    name,
    description,
    scopes: JSON.parse(scopes),
    grantableScopes: grantable_scopes === null ? null : JSON.parse(grantable_scopes),
    origin: 'own',
  };
}
