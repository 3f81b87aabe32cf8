/** People who sign in: who they are, and which role they have since their last sign-in. */
import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { generateClientId } from '../clients/credentials.ts';
import type { FindActor } from '../clients/find-actor.ts';
import { newPersonId } from '../clients/person-id.ts';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import type { Person, PersonClaims } from './person.ts';
import { findPerson, savePerson } from './person-store.ts';

export interface People {
  /**
   * Records who signed in, with the role that their claims give them. Returns the person as a client; undefined if they have
   * no role, or one that does not exist: then nothing that they hold is valid any more.
   */
  record(claims: PersonClaims, role: string | undefined): Promise<Client | undefined>;
}

export interface PeopleOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly findActor: FindActor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createPeople({ db, events, findActor, now }: PeopleOptions): People {
  return {
    async record(claims, role) {
      const known = await findPerson(db, claims);
      if (known === undefined && role === undefined) {
        return undefined;
      }
      const id = known?.id ?? newPersonId(generateClientId());
      const holder = { name: id, displayName: claims.name, authenticate: async () => {} };
      return events.change(holder, async (transaction, append) => {
        const before = await findPerson(transaction, claims);
        const present = now();
        const { firstSignedInAt = present, lastSignedInAt = present } = before ?? {};
        const person = {
          id: before?.id ?? id,
          ...claims,
          role: role ?? null,
          firstSignedInAt,
          // Whoever has no role is not signed in.
          lastSignedInAt: role === undefined ? lastSignedInAt : present,
        };
        await recordPerson(transaction, append, person, before);
        const client = await findActor(transaction, person.id);
        return client?.enabled === true ? client : undefined;
      });
    },
  };
}

/** Writes what is known of a person, with an event unless that is only another sign-in. */
export async function recordPerson(
  transaction: Kysely<Database>,
  append: Append,
  person: Person,
  before: Person | undefined,
): Promise<void> {
  await savePerson(transaction, person);
  const data = auditedOf(person);
  if (before === undefined || !isDeepStrictEqual(auditedOf(before), data)) {
    await append({ kind: 'person.saved', subject: person.id, data });
  }
}

const auditedOf = ({ issuer, name, email, role, subject: sub }: Person) => ({ issuer, name, email, role, sub });
