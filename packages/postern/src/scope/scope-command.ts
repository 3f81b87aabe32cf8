/** `postern scope`: the scopes that clients can hold. */
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

export function scopeCommand(): Command {
  return verbGroup('scope', 'List scopes, and add your own.', [
    serverVerb('list', 'List the scopes that a client can have.', [['scope list', 'with their descriptions']]).action(
      list,
    ),
    serverVerb('set', 'Add a scope of your own, or change its description.', [
      ['scope set invoice:read --description "List and read invoices"', 'clients can have it from now on'],
    ])
      .argument('<name>', 'name of the scope')
      .requiredOption('--description <text>', 'what it allows its clients to do')
      .action(set),
    serverVerb('delete', 'Delete a scope of your own that no client and no resource has.', [
      ['scope delete invoice:read --yes', 'without asking'],
    ])
      .argument('<name>', 'name of the scope')
      .option('--yes', 'do not ask')
      .action(remove),
  ]);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  print(command, await admin.scopes.list(), (all) =>
    formatTable(
      ['scope', 'origin', 'administers postern', 'description'],
      all.map(({ name, origin, administrative, description }) => [name, origin, administrative, description]),
    ),
  );
}

async function set(name: string, _options: unknown, command: Command): Promise<void> {
  const { description } = command.opts<{ description: string }>();
  const { admin } = await connect(command);
  print(command, await admin.scopes.save([{ name, description }]), () => `Scope ${name} saved.\n`);
}

async function remove(name: string, _options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  await confirm(`This deletes the scope ${name}.`, command.opts<{ yes?: true }>().yes);
  await admin.scopes.delete(name);
  print(command, { name, deleted: true }, () => `Scope ${name} deleted.\n`);
}
