/** Client policies in the database. */
import { fromWireNames, toWireNames } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { ClientPolicy } from './client-policy.ts';

/** All, by name. */
export async function loadClientPolicies(db: Kysely<Database>): Promise<ClientPolicy[]> {
  const rows = await db.selectFrom('client_policies').selectAll().orderBy('name').execute();
  return rows.map(({ name, policy }) => ({
    ...(fromWireNames(JSON.parse(policy)) as Omit<ClientPolicy, 'name'>),
    name,
  }));
}

/** Creates the policy, or changes the one of that name. */
export async function saveClientPolicy(db: Kysely<Database>, { name, ...members }: ClientPolicy): Promise<void> {
  const policy = JSON.stringify(toWireNames(members));
  await db
    .insertInto('client_policies')
    .values({ name, policy })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ policy }))
    .execute();
}

/** Returns false if there is none of that name. */
export async function deleteClientPolicy(db: Kysely<Database>, name: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('client_policies').where('name', '=', name).executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
