/** `postern storage`: the destinations that access rules export data to. */
import {
  type BulkAnswer,
  ifUnchanged,
  operations,
  requireWritten,
  type StorageConfig,
  type StorageElement,
} from '@postern/admin';
import type { Command } from 'commander';
import { collect } from '../command/option-values.ts';
import { verbGroup } from '../command/verb.ts';
import { byIdOrName } from '../connection/find-id.ts';
import {
  connectTo,
  deleteVerb,
  type ListedThing,
  listVerb,
  sendIfUnchanged,
  showVerb,
  thingVerb,
} from '../connection/thing-verbs.ts';
import { type MemberTable, readMembers, withMembers } from '../input/member-options.ts';
import { print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';

const members: MemberTable = {
  name: ['--name <name>', 'display name; required for a new destination'],
  type: ['--type <type>', 'local or s3; required for a new destination'],
  format: ['--format <format>', 'format of the data: json or csv'],
};

const thing: ListedThing<StorageConfig> = {
  group: 'storage',
  noun: 'storage destination',
  id: 'key',
  example: 'exports',
  find: byIdOrName(operations.storage, 'key', 'name'),
  operations: operations.storage,
  several: 'destinations',
  none: 'No storage destinations. Create one: postern storage set KEY --name NAME --type TYPE',
  columns: ['key', 'name', 'type', 'format'],
  row: ({ key, name, type, format }) => [key, name, type, format],
  format: formatOne,
};

export function storageCommand(): Command {
  return verbGroup('storage', 'Manage the destinations that access rules export data to.', [
    listVerb(thing, 'List the destinations, oldest first.'),
    showVerb(thing, 'Show a destination.', 'all members'),
    withMembers(
      thingVerb(thing, 'set', 'Create a destination, or change the given members of the one with that key.', [
        ['--name Exports --type local', 'a directory of the program that exports'],
        ['--name Exports --type s3 --detail bucket=exports', 'a bucket'],
      ]),
      members,
      'storage destination',
    )
      .option('--detail <member=value>', 'member of its details, such as bucket=exports; repeatable', collect)
      .action(set),
    deleteVerb(thing, 'Delete a destination that no rule uses.', '.'),
  ]);
}

async function set(text: string, _options: unknown, command: Command): Promise<void> {
  const { detail = [] } = command.opts<{ detail?: string[] }>();
  const details = Object.fromEntries(
    detail.map((text) => {
      const [name = '', ...value] = text.split('=');
      return [name, value.join('=')];
    }),
  );
  const given = (await readMembers(command, members)) as StorageElement;
  const { admin, id: key } = await connectTo(thing, text, command);
  const present = operations.storage.get(key);
  let saving: BulkAnswer<StorageConfig>;
  if (detail.length === 0) {
    saving = await sendIfUnchanged(admin, present, operations.storage.save([{ ...given, key }]));
  } else {
    // The server replaces details as a whole; here, only those that are given change.
    const before = await admin.find(present);
    const body = { ...given, key, details: { ...before?.details, ...given.details, ...details } };
    saving = await admin.send(ifUnchanged(operations.storage.save([body]), before));
  }
  const [saved] = requireWritten(saving, `the storage destination ${key}`);
  print(command, saved as StorageConfig, formatOne);
}

function formatOne({ key, name, type, format, details }: StorageConfig): string {
  return formatRecord([
    ['key', key],
    ['name', name],
    ['type', type],
    ['format', format],
    ...Object.entries(details).map(([member, value]): [string, string] => [member.replaceAll('_', ' '), String(value)]),
  ]);
}
