/** Types of authorization details in the database. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { JsonSchema } from './details-schema.ts';

/** What authorization details of one type look like. RFC 9396 §2.1. */
export interface AuthorizationDetailsType {
  readonly type: string;
  readonly description: string | null;
  /** For one element of authorization_details as a whole, its `type` among it. */
  readonly schema: JsonSchema;
}

/** All, by name. */
export async function loadDetailsTypes(db: Kysely<Database>): Promise<AuthorizationDetailsType[]> {
  const rows = await db.selectFrom('authorization_details_types').selectAll().orderBy('type').execute();
  return rows.map((row) => ({ ...row, schema: JSON.parse(row.schema) as JsonSchema }));
}

/** Makes the type, or changes the one of that name. */
export async function saveDetailsType(db: Kysely<Database>, saved: AuthorizationDetailsType): Promise<void> {
  const columns = { description: saved.description, schema: JSON.stringify(saved.schema) };
  await db
    .insertInto('authorization_details_types')
    .values({ type: saved.type, ...columns })
    .onConflict((conflict) => conflict.column('type').doUpdateSet(columns))
    .execute();
}

export async function deleteDetailsType(db: Kysely<Database>, type: string): Promise<void> {
  await db.deleteFrom('authorization_details_types').where('type', '=', type).execute();
}
