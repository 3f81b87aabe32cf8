/** `postern policy`: privacy policies, with their rules. */
import type { Policy } from '@postern/policy-api/admin-contract';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { path } from '../connection/path.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { formatPolicies, formatPolicy } from './policy-views.ts';
import { setPolicy } from './set-policy.ts';

const policies = '/api/v1/policy';
const policyPath = (key: string) => path`/api/v1/policy/${key}`;

export function policyCommand(): Command {
  return verbGroup('policy', 'See and set privacy policies and their rules.', [
    serverVerb('list', 'List the policies, oldest first.', [['policy list', 'all of them']]).action(list),
    onPolicy(
      serverVerb('show', 'Show a policy with its rules and their targets.', [['policy show user_email', 'all of it']]),
    ).action(show),
    onPolicy(
      serverVerb('set', 'Make a policy, or change what is named of the one with that key.', [
        ['policy set user_email --name "User e-mail addresses"', 'a policy without rules'],
        ['policy set user_email --rules rules.json', 'its rules become those of the file: others are deleted'],
        ['policy show user_email --json > rules.json', 'the file to start from'],
      ]),
    )
      .option('--name <name>', 'what people call it; a new one needs it')
      .option('--drp-action <action>', 'action of the Data Rights Protocol that it answers: access, deletion, or none')
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
  const api = await connect(command);
  print(command, await api.listAll<Policy>(policies, {}, startProgress('policies read')), formatPolicies);
}

async function show(key: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  print(command, await api.get<Policy>(policyPath(key)), formatPolicy);
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const { name, drpAction, rules } = command.opts<{ name?: string; drpAction?: string; rules?: string }>();
  const wanted = rules === undefined ? undefined : await readJson<unknown>(rules);
  const api = await connect(command);
  print(command, await setPolicy(api, key, { name, drpAction, rules: wanted }), formatPolicy);
}

async function remove(key: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  await confirm(`This deletes the policy ${key} with its rules.`, command.opts<{ yes?: true }>().yes);
  await api.send('DELETE', policyPath(key));
  print(command, { key, deleted: true }, () => `The policy ${key} is deleted.\n`);
}
