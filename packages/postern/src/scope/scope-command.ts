/** `postern scope`: the scopes that clients can hold. */
import { operations, type Scope } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect } from '../connection/server-verb.ts';
import {
  deleteVerb,
  type ListedThing,
  listVerb,
  sendIfUnchanged,
  showVerb,
  thingVerb,
} from '../connection/thing-verbs.ts';
import { print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';

const scope: ListedThing<Scope> = {
  group: 'scope',
  noun: 'scope',
  id: 'name',
  example: 'invoice:read',
  operations: operations.scopes,
  several: 'scopes',
  none: 'No scopes.',
  columns: ['scope', 'origin', 'administers postern', 'description'],
  row: ({ name, origin, administrative, description }) => [name, origin, administrative, description],
  format: ({ name, description, origin, administrative }) =>
    formatRecord([
      ['scope', name],
      ['description', description],
      ['origin', origin],
      ['administers postern', administrative],
    ]),
};

export function scopeCommand(): Command {
  return verbGroup('scope', 'List scopes, and add your own.', [
    listVerb(scope, 'List the scopes that a client can have.'),
    showVerb(scope, 'Show a scope.', 'what it allows'),
    thingVerb(scope, 'set', 'Add a scope of your own, or change its description.', [
      ['--description "List and read invoices"', 'clients can have it from now on'],
    ])
      .requiredOption('--description <text>', 'what it allows its clients to do')
      .action(set),
    deleteVerb(scope, 'Delete a scope of your own that no client and no resource has.', '.'),
  ]);
}

async function set(name: string, _options: unknown, command: Command): Promise<void> {
  const { description } = command.opts<{ description: string }>();
  const { admin } = await connect(command);
  const change = operations.scopes.save([{ name, description }]);
  print(command, await sendIfUnchanged(admin, operations.scopes.get(name), change), () => `Scope ${name} saved.\n`);
}
