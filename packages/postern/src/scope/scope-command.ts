/** `postern scope`: the scopes that clients can hold. */
import type { Scope, ScopeBody } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { path } from '../connection/path.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

const scopes = '/api/v1/oauth/scope';

export function scopeCommand(): Command {
  return verbGroup('scope', 'See the scopes there are, and add your own.', [
    serverVerb('list', 'List the scopes that a client can hold.', [['scope list', 'with what each is for']]).action(
      list,
    ),
    serverVerb('set', 'Add a scope of your own, or change its description.', [
      ['scope set invoice:read --description "List and read invoices"', 'for clients to hold from now on'],
    ])
      .argument('<name>', 'name of the scope')
      .requiredOption('--description <text>', 'what it lets its holder do')
      .action(set),
    serverVerb('delete', 'Delete a scope of your own that no client holds.', [
      ['scope delete invoice:read --yes', 'without asking'],
    ])
      .argument('<name>', 'name of the scope')
      .option('--yes', 'do not ask')
      .action(remove),
  ]);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  print(command, await api.get<Scope[]>(scopes, { view: 'full' }), (all) =>
    formatTable(
      ['scope', 'origin', 'administers postern', 'description'],
      all.map(({ name, origin, administrative, description }) => [name, origin, administrative, description]),
    ),
  );
}

async function set(name: string, _options: unknown, command: Command): Promise<void> {
  const scope: ScopeBody = { name, description: command.opts<{ description: string }>().description };
  const api = await connect(command);
  print(command, await api.send<unknown>('PUT', scopes, scope), () => `Clients can hold the scope ${name} now.\n`);
}

async function remove(name: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  await confirm(`This deletes the scope ${name}.`, command.opts<{ yes?: true }>().yes);
  await api.send('DELETE', path`/api/v1/oauth/scope/${name}`);
  print(command, { name, deleted: true }, () => `The scope ${name} is deleted.\n`);
}
