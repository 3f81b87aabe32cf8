/** `postern policy`: privacy policies, with their rules. */
import { operations } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatPolicies, formatPolicy } from './policy-views.ts';
import { setPolicy } from './set-policy.ts';

export function policyCommand(): Command {
  return verbGroup('policy', 'Manage privacy policies and their rules.', [
    serverVerb('list', 'List the policies, oldest first.', [['policy list', 'all of them']]).action(list),
    onPolicy(
      serverVerb('show', 'Show a policy with its rules and their targets.', [
        ['policy show user_email', 'with its rules'],
      ]),
    ).action(show),
    onPolicy(
      serverVerb('set', 'Create a policy, or change the given members of the one with that key.', [
        ['policy set user_email --name "User e-mail addresses"', 'a policy without rules'],
        ['policy set user_email --rules rules.json', 'replaces its rules with those of the file'],
        ['policy show user_email --json > rules.json', 'a file to start from'],
      ]),
    )
      .option('--name <name>', 'display name; required for a new policy')
      .option('--drp-action <action>', 'action of the Data Rights Protocol that it answers: access, deletion or none')
      .option(
        '--rules <file>',
        'JSON array of rules with their targets, or an object with it as "rules"; - for standard input',
      )
      .action(set),
    onPolicy(
      serverVerb('delete', 'Delete a policy with its rules.', [['policy delete user_email --yes', 'without asking']]),
    )
      .option('--yes', 'do not ask')
      .action(remove),
  ]);
}

function onPolicy(command: Command): Command {
  return command.argument('<key>', 'key of the policy');
}

async function list(_options: unknown, command: Command): Promise<void> {
  const connection = await connect(command);
  print(command, await connection.all(operations.policies.list(), 'policies read'), formatPolicies);
}

async function show(key: string, _options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  print(command, await admin.policies.get(key), formatPolicy);
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const { name, drpAction, rules } = command.opts<{ name?: string; drpAction?: string; rules?: string }>();
  const wanted = rules === undefined ? undefined : await readJson<unknown>(rules);
  const { admin } = await connect(command);
  print(command, await setPolicy(admin, key, { name, drpAction, rules: wanted }), formatPolicy);
}

async function remove(key: string, _options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  await confirm(`This deletes the policy ${key} with its rules.`, command.opts<{ yes?: true }>().yes);
  await admin.policies.delete(key);
  print(command, { key, deleted: true }, () => `Policy ${key} deleted.\n`);
}
