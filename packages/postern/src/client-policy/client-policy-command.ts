/** `postern client-policy`: what an installation requires of its clients. */
import { type ClientPolicy, operations } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect } from '../connection/server-verb.ts';
import { deleteVerb, listVerb, sendIfUnchanged, showVerb, type Thing, thingVerb } from '../connection/thing-verbs.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';

const policy: Thing = { group: 'client-policy', noun: 'client policy', id: 'name', example: 'payments' };

export function clientPolicyCommand(): Command {
  return verbGroup('client-policy', 'Manage what is required of clients: lifetimes, keys, methods, binding, secrets.', [
    listVerb(
      policy,
      'List the client policies, by name.',
      operations.clientPolicies.list(),
      'policies read',
      formatAll,
    ),
    showVerb(
      policy,
      'Show a client policy.',
      'what it requires, and of which clients',
      operations.clientPolicies.get,
      formatPolicy,
    ),
    thingVerb(policy, 'set', 'Create or replace a client policy from a JSON file.', [
      ['--from payments.json', 'creates it, or replaces the one with that name'],
    ])
      .requiredOption('--from <file>', 'JSON object with scope, max_access_token_ttl_seconds, …; - for standard input')
      .addHelpText('after', 'The file has the format that this prints: postern client-policy show NAME --json')
      .action(set),
    deleteVerb(policy, 'Delete a client policy.', '.', operations.clientPolicies.delete),
  ]);
}

async function set(name: string, _options: unknown, command: Command): Promise<void> {
  const body = await readJson<ClientPolicy>(command.opts<{ from: string }>().from);
  const { admin } = await connect(command);
  const change = operations.clientPolicies.save({ ...body, name });
  print(command, await sendIfUnchanged(admin, operations.clientPolicies.get(name), change), formatPolicy);
}

function formatAll(all: readonly ClientPolicy[]): string {
  return all.length === 0
    ? 'No client policies. Create one: postern client-policy set NAME --from FILE\n'
    : formatTable(
        ['name', 'clients', 'description'],
        all.map(({ name, scope, description }) => [name, scope ? `with ${scope}` : 'all', description ?? null]),
      );
}

function formatPolicy({ name, ...members }: ClientPolicy): string {
  return formatRecord([
    ['name', name],
    ...Object.entries(members).map(([member, value]): [string, string] => [
      member.replaceAll('_', ' '),
      value === null ? '-' : Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  ]);
}
