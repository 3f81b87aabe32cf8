/** `postern person`: who signs in at the identity provider, with which role, and whether they are signed in. docs/signing-in.md. */
import { operations, type Person } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { type FindIds, unlessRefused } from '../connection/find-id.ts';
import { connectTo, type ListableThing, listVerb, thingVerb } from '../connection/thing-verbs.ts';
import { print } from '../output/output.ts';

const findPeople: FindIds = async ({ all }, text) => {
  const people = (await unlessRefused(() => all(operations.people.list(), 'people compared'))) ?? [];
  return people.filter(({ id, name, email }) => [id, name, email].includes(text)).map(({ id }) => id);
};

const person: ListableThing<Person> = {
  group: 'person',
  noun: 'person',
  id: 'id',
  example: 'ann@example.com',
  find: findPeople,
  operations: operations.people,
  several: 'people',
  none: 'Nobody has signed in at the identity provider.',
  columns: ['id', 'name', 'email', 'role', 'sessions', 'last sign-in', 'first sign-in', 'provider', 'subject'],
  row: (one) => [
    one.id,
    one.name,
    one.email,
    one.role,
    one.open_sessions,
    one.last_signed_in_at,
    one.first_signed_in_at,
    one.issuer,
    one.sub,
  ],
};

export function personCommand(): Command {
  return verbGroup('person', 'See who signs in at the identity provider, and end their sessions.', [
    listVerb(person, 'List the people who sign in, in the order of their first sign-in.'),
    thingVerb(person, 'end-sessions', 'End all sessions of a person, with the tokens of each.', [
      ['', 'of somebody who has left, or lost a device'],
    ]).action(endSessions),
  ]);
}

async function endSessions(text: string, _options: unknown, command: Command): Promise<void> {
  const { admin, id } = await connectTo(person, text, command);
  await admin.clients.revokeTokens(id);
  print(command, { id, ended: true }, () => `All sessions of ${id} ended.\n`);
}
