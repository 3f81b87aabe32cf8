/** `postern complete`, which the completion scripts run: the names that can stand at a place, one a line. */
import { operations } from '@postern/admin';
import { maxPageSize } from '@postern/protocol/api-limits';
import { Argument, type Command } from 'commander';
import { profilesPath, readProfiles } from '../connection/profile.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { oneLine } from '../output/terminal-text.ts';

/** One page, which is soon read. */
const first = { size: maxPageSize } as const;

const lists = {
  clients: async ({ admin }: ServerConnection) => clientNames((await admin.clients.list(first)).items),
  scopes: async ({ admin }: ServerConnection) => (await admin.all(operations.scopes.list())).map(({ name }) => name),
  resources: async ({ admin }: ServerConnection) => (await admin.resources.list(first)).items.map(({ key }) => key),
  identifiers: async ({ admin }: ServerConnection) =>
    (await admin.resources.list(first)).items.map(({ identifier }) => identifier),
  issuers: async ({ admin }: ServerConnection) => (await admin.issuers.list(first)).items.map(({ key }) => key),
  roles: async ({ admin }: ServerConnection) => (await admin.roles.list(first)).items.map(({ name }) => name),
  keys: async ({ admin }: ServerConnection) => (await admin.all(operations.keys.list())).map(({ kid }) => kid),
} as const;

export type ValueKind = keyof typeof lists | 'profiles';

const kinds: readonly ValueKind[] = [...(Object.keys(lists) as (keyof typeof lists)[]), 'profiles'];

export function completeCommand(): Command {
  return serverVerb('complete', 'Print the names that can stand at a place, for the completion of a shell.', [
    ['complete clients', 'the names of clients'],
  ])
    .addArgument(new Argument('<kind>', 'what is named').choices(kinds))
    .action(complete);
}

async function complete(kind: ValueKind, _options: unknown, command: Command): Promise<void> {
  const names =
    kind === 'profiles'
      ? Object.keys((await readProfiles(profilesPath(process.env))).byName)
      : await lists[kind](await connect(command));
  process.stdout.write(names.map((name) => `${oneLine(name)}\n`).join(''));
}

/** A name that a shell would take apart, or that several have, is of no use there: then it is the id. */
function clientNames(clients: readonly { readonly client_id: string; readonly name?: string | null }[]): string[] {
  return clients.map(({ client_id, name }) => {
    const isUsable = typeof name === 'string' && /^[\w.:@/-]+$/.test(name);
    return isUsable && clients.filter((other) => other.name === name).length === 1 ? name : client_id;
  });
}
