/** People in the database, with their roles and sessions. */
import type { Slice } from '@postern/http-api';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { countFound } from '../db/count-rows.ts';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database, PersonTable } from '../db/schema.ts';
import { createRowMap } from '../db/thing-store.ts';
import { findGenerationFloor } from '../revocation/generation-floor-store.ts';
import { builtInRoles } from '../roles/role.ts';
import { ownRoles } from '../roles/role-store.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';
import { clientOfPerson, type Person, personKeptDays } from './person.ts';

const { toRow, fromRow } = createRowMap<PersonTable, Person>({ firstSignedInAt: 'time', lastSignedInAt: 'time' });

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
export async function savePerson(db: Kysely<Database>, person: Person): Promise<void> {
  const row = toRow(person);
  await db
    .insertInto('people')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
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
  const role = builtIn ?? (name === null ? undefined : await ownRoles.find(db, name));
  return clientOfPerson(person, role, await findGenerationFloor(db));
}

export interface ListedPerson extends Person {
  /** Sessions that have not ended. */
  readonly openSessions: number;
}

/**
 * Lists part of them, whoever signed in first at the start, and how many there are. Their place is the time of their first sign-in and
 * their id. `now` is in milliseconds since 1970.
 */
export async function listPeople(
  db: Kysely<Database>,
  { after, offset, limit }: Slice,
  now: number,
): Promise<{ readonly people: readonly ListedPerson[]; readonly total: number }> {
  const total = await countFound(db.selectFrom('people'));
  const generation = await findGenerationFloor(db);
  const rows = await db
    .selectFrom('people')
    .selectAll()
    .select((select) =>
      select
        .selectFrom('sessions')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('client_id', '=', 'people.id')
        .where('expires_at', '>', new Date(now).toISOString())
        .where('generation', '>=', generation)
        .as('open_sessions'),
    )
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('first_signed_in_at', 'people.id'), '>', tuple(after?.[0] ?? '', after?.[1] ?? '')),
      ),
    )
    .orderBy('first_signed_in_at')
    .orderBy('people.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return {
    people: rows.map((row) => ({ ...fromRow(row), openSessions: Number(row.open_sessions) })),
    total,
  };
}

/** Deletes those who have not signed in for long. Their sessions ended long before. `now` is in milliseconds since 1970. */
export function forgetPeople(db: Kysely<Database>, now: number): Promise<void> {
  const text = new Date(now - personKeptDays * 86_400_000).toISOString();
  return deleteBelow(db, 'people', 'id', 'last_signed_in_at', text);
}
