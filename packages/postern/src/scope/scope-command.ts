/** `postern scope`: the scopes that clients can hold. */
import { operations } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { deleteVerb, sendIfUnchanged, showVerb, type Thing, thingVerb } from '../connection/thing-verbs.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';

const scope: Thing = { group: 'scope', noun: 'scope', id: 'name', example: 'invoice:read' };

export function scopeCommand(): Command {
  return verbGroup('scope', 'List scopes, and add your own.', [
    serverVerb('list', 'List the scopes that a client can have.', [['scope list', 'with their descriptions']]).action(
      list,
    ),
    showVerb(scope, 'Show a scope.', 'what it allows', operations.scopes.get, (one) =>
      formatRecord([
        ['scope', one.name],
        ['description', one.description],
        ['origin', one.origin],
        ['administers postern', one.administrative],
      ]),
    ),
    thingVerb(scope, 'set', 'Add a scope of your own, or change its description.', [
      ['--description "List and read invoices"', 'clients can have it from now on'],
    ])
      .requiredOption('--description <text>', 'what it allows its clients to do')
      .action(set),
    deleteVerb(scope, 'Delete a scope of your own that no client and no resource has.', '.', operations.scopes.delete),
  ]);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  print(command, await admin.all(operations.scopes.list()), (all) =>
    formatTable(
      ['scope', 'origin', 'administers postern', 'description'],
      all.map(({ name, origin, administrative, description }) => [name, origin, administrative, description]),
    ),
  );
}

async function set(name: string, _options: unknown, command: Command): Promise<void> {
  const { description } = command.opts<{ description: string }>();
  const { admin } = await connect(command);
  const change = operations.scopes.save([{ name, description }]);
  print(command, await sendIfUnchanged(admin, operations.scopes.get(name), change), () => `Scope ${name} saved.\n`);
}
