/** `postern role`: what people can do who sign in at the identity provider. */
import { operations, type Role } from '@postern/admin';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
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

const role: ListedThing<Role> = {
  group: 'role',
  noun: 'role',
  id: 'name',
  example: 'helpdesk',
  operations: operations.roles,
  several: 'roles',
  none: 'No roles.',
  columns: ['name', 'kind', 'scopes', 'description'],
  row: ({ name, origin, scopes, description }) => [name, origin, String(scopes.length), description],
  format: formatRole,
};

interface SetOptions {
  readonly description?: string;
  readonly scope?: string[];
  readonly grantableScope?: string[];
}

export function roleCommand(): Command {
  return verbGroup('role', 'Manage the roles of people: named sets of scopes.', [
    listVerb(role, 'List the roles, the built-in ones first.'),
    showVerb(role, 'Show a role.', 'what people with it can do'),
    thingVerb(role, 'set', 'Create a role, or replace the one with that name.', [
      ['--scope client:read audit:read', 'whoever has it can do that, at once'],
    ])
      .option('--description <text>', 'for whom it is')
      .option('--scope <name...>', 'what people with the role can do')
      .option('--grantable-scope <name...>', 'what they may assign to clients in addition')
      .action(set),
    deleteVerb(role, 'Delete a role.', ', and people who have it can do nothing any more.'),
  ]);
}

async function set(name: string, options: SetOptions, command: Command): Promise<void> {
  const { description = '', scope, grantableScope = null } = options;
  if (scope === undefined) {
    throw usageError('a role needs its scopes. Add --scope NAME, as often as there are scopes.');
  }
  const { admin } = await connect(command);
  const change = operations.roles.save({ name, description, scopes: scope, grantable_scopes: grantableScope });
  print(command, await sendIfUnchanged(admin, operations.roles.get(name), change), formatRole);
}

function formatRole({ name, description, origin, scopes, grantable_scopes }: Role): string {
  return formatRecord([
    ['name', name],
    ['description', description],
    ['kind', origin],
    ['scopes', scopes.join(', ')],
    ['grantable scopes', grantable_scopes?.join(', ') ?? '-'],
  ]);
}
