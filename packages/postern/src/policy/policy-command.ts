/** `postern policy`: privacy policies, with their rules. */
import { operations, type Policy } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { byIdOrName } from '../connection/find-id.ts';
import { connectTo, deleteVerb, type ListedThing, listVerb, showVerb, thingVerb } from '../connection/thing-verbs.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';
import { setPolicy } from './set-policy.ts';

const policy: ListedThing<Policy> = {
  group: 'policy',
  noun: 'policy',
  id: 'key',
  example: 'user_email',
  find: byIdOrName(operations.policies, 'key', 'name'),
  operations: operations.policies,
  several: 'policies',
  none: 'No policies. Create one: postern policy set KEY --name NAME',
  columns: ['key', 'name', 'answers', 'rules'],
  row: ({ key, name, drp_action, rules }) => [key, name, drp_action, rules.length],
  format: formatPolicy,
};

export function policyCommand(): Command {
  return verbGroup('policy', 'Manage privacy policies and their rules.', [
    listVerb(policy, 'List the policies, oldest first.'),
    showVerb(policy, 'Show a policy with its rules and their targets.', 'with its rules'),
    thingVerb(policy, 'set', 'Create a policy, or change the given members of the one with that key.', [
      ['--name "User e-mail addresses"', 'a policy without rules'],
      ['--rules rules.json', 'replaces its rules with those of the file'],
    ])
      .option('--name <name>', 'display name; required for a new policy')
      .option('--drp-action <action>', 'action of the Data Rights Protocol that it answers: access, deletion or none')
      .option(
        '--rules <file>',
        'JSON array of rules with their targets, or an object with it as "rules"; - for standard input',
      )
      .addHelpText('after', 'A file to start from: postern policy show KEY --json > rules.json')
      .action(set),
    deleteVerb(policy, 'Delete a policy with its rules.', ' with its rules.'),
  ]);
}

async function set(text: string, _options: unknown, command: Command): Promise<void> {
  const { name, drpAction, rules } = command.opts<{ name?: string; drpAction?: string; rules?: string }>();
  const wanted = rules === undefined ? undefined : await readJson<unknown>(rules);
  const { admin, id: key } = await connectTo(policy, text, command);
  print(command, await setPolicy(admin, key, { name, drpAction, rules: wanted }), formatPolicy);
}

function formatPolicy({ key, name, drp_action, rules }: Policy): string {
  const record = formatRecord([
    ['key', key],
    ['name', name],
    ['answers', drp_action],
  ]);
  const table = formatTable(
    ['rule', 'name', 'action', 'with', 'targets'],
    rules.map((rule) => [
      rule.key,
      rule.name,
      rule.action_type,
      rule.masking_strategy?.strategy ?? rule.storage_destination?.key,
      rule.targets.map((target) => target.data_category),
    ]),
  );
  return rules.length === 0 ? record : `${record}\n${table}`;
}
