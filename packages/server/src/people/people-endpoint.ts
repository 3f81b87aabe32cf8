/** The list of people who sign in. docs/signing-in.md. */
import { type ApiPlugin, nullable, PageQuery, pageOf, pageView, sliceOf } from '@postern/http-api';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import type { RoleRegistry } from '../roles/role-registry.ts';
import { personKeptDays } from './person.ts';
import { type ListedPerson, listPeople } from './person-store.ts';

const Time = Type.String({ format: 'date-time' });

const PersonView = Type.Object(
  {
    id: Type.String({ description: 'As the audit trail names the person.' }),
    name: Type.String(),
    email: nullable(Type.String()),
    issuer: Type.String({ description: 'The OpenID provider at which the person signs in.' }),
    sub: Type.String({ description: 'How the provider calls the person.' }),
    role: nullable(
      Type.String({
        description: 'null: the claims of the last sign-in gave none, or one that does not exist any more.',
      }),
    ),
    first_signed_in_at: Time,
    last_signed_in_at: Time,
    open_sessions: Type.Integer({ description: 'Sessions of the console and the command that have not ended.' }),
  },
  { title: 'Person' },
);

export interface PeopleEndpointOptions {
  readonly db: Kysely<Database>;
  readonly roles: Pick<RoleRegistry, 'list'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function peopleEndpoint({ db, roles, now }: PeopleEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/person',
      operation('list_people', 'person:read', 'List the people who sign in, in the order of their first sign-in', {
        description:
          `Whoever has not signed in for ${personKeptDays} days is not listed any more. The sessions of a person end if you ` +
          'revoke their tokens, as those of a client, by their id.',
        query: PageQuery,
        answer: pageView(PersonView),
      }),
      async ({ query }) => {
        const { people, total } = await listPeople(db, sliceOf(query, 2), now());
        const names = new Set(roles.list().map(({ name }) => name));
        return pageOf(
          people,
          total,
          query,
          (person) => toView(person, names),
          ({ firstSignedInAt, id }) => [new Date(firstSignedInAt).toISOString(), id],
        );
      },
    );
  };
}

function toView(person: ListedPerson, roles: ReadonlySet<string>) {
  const { id, name, email, issuer, subject: sub, role, openSessions } = person;
  return {
    id,
    name,
    email,
    issuer,
    sub,
    role: role !== null && roles.has(role) ? role : null,
    first_signed_in_at: new Date(person.firstSignedInAt).toISOString(),
    last_signed_in_at: new Date(person.lastSignedInAt).toISOString(),
    open_sessions: openSessions,
  };
}
