/** People in the database, and their roles. */
import type { Kysely, Selectable } from 'kysely';
import type { Client } from '../clients/client.ts';
import type { Database, PersonTable } from '../db/schema.ts';
import { findGenerationFloor } from '../revocation/generation-floor-store.ts';
import { builtInRoles } from '../roles/role.ts';
import { findOwnRole } from '../roles/role-store.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';
import { clientOfPerson, type Person } from './person.ts';

export async function findPerson(
  db: Kysely<Database>,
  by: { readonly id: string } | Pick<Person, 'issuer' | 'subject'>,
): Promise<Person | undefined> {
  const select = db.selectFrom('people').selectAll();
  const row = await ('id' in by
    ? select.where('id', '=', by.id)
    : select.where('issuer', '=', by.issuer).where('subject', '=', by.subject)
  ).executeTakeFirst();
  return row && fromRow(row);
}

/** Creates the person, or changes what is known about them. */
export async function savePerson(db: Kysely<Database>, { id, issuer, subject, ...columns }: Person): Promise<void> {
  await db
    .insertInto('people')
    .values({ id, issuer, subject, ...columns })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
    .execute();
}

/** The person as a client, by what the database says of them and their role. */
export async function findPersonAsClient(
  db: Kysely<Database>,
  id: string,
  registry: Pick<ScopeRegistry, 'names' | 'ordinaryNames'>,
): Promise<Client | undefined> {
  const person = await findPerson(db, { id });
  if (person === undefined) {
    return undefined;
  }
  const { role: name } = person;
  const builtIn = builtInRoles(registry).find((role) => role.name === name);
  const role = builtIn ?? (name === null ? undefined : await findOwnRole(db, name));
  return clientOfPerson(person, role, await findGenerationFloor(db));
}

function fromRow(row: Selectable<PersonTable>): Person {
  return { ...row };
}
