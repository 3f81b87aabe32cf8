/** `postern client-policy`: what an installation requires of its clients. */
import { type ClientPolicy, operations } from '@postern/admin';
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
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';

const policy: ListedThing<ClientPolicy> = {
  group: 'client-policy',
  noun: 'client policy',
  id: 'name',
  example: 'payments',
  operations: operations.clientPolicies,
  several: 'policies',
  none: 'No client policies. Create one: postern client-policy set NAME --from FILE',
  columns: ['name', 'clients', 'description'],
  row: ({ name, scope, description }) => [name, scope ? `with ${scope}` : 'all', description],
  format: formatPolicy,
};

export function clientPolicyCommand(): Command {
  return verbGroup('client-policy', 'Manage what is required of clients: lifetimes, keys, methods, binding, secrets.', [
    listVerb(policy, 'List the client policies, by name.'),
    showVerb(policy, 'Show a client policy.', 'what it requires, and of which clients'),
    thingVerb(policy, 'set', 'Create or replace a client policy from a JSON file.', [
      ['--from payments.json', 'creates it, or replaces the one with that name'],
    ])
      .requiredOption('--from <file>', 'JSON object with scope, max_access_token_ttl_seconds, …; - for standard input')
      .addHelpText('after', 'The file has the format that this prints: postern client-policy show NAME --json')
      .action(set),
    deleteVerb(policy, 'Delete a client policy.', '.'),
  ]);
}

async function set(name: string, _options: unknown, command: Command): Promise<void> {
  const body = await readJson<ClientPolicy>(command.opts<{ from: string }>().from);
  const { admin } = await connect(command);
  const change = operations.clientPolicies.save({ ...body, name });
  print(command, await sendIfUnchanged(admin, operations.clientPolicies.get(name), change), formatPolicy);
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
