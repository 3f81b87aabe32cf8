/** `postern details-type`: the types of authorization details that tokens can have. RFC 9396 §2. */
import { type AuthorizationDetailsType, ifUnchanged, operations } from '@postern/admin';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { verbGroup } from '../command/verb.ts';
import { connect } from '../connection/server-verb.ts';
import { deleteVerb, type ListedThing, listVerb, showVerb, thingVerb } from '../connection/thing-verbs.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

const thing: ListedThing<AuthorizationDetailsType> = {
  group: 'details-type',
  noun: 'type of authorization details',
  id: 'type',
  example: 'payment_initiation',
  operations: operations.authorizationDetailsTypes,
  several: 'types',
  none: 'No types of authorization details. Create one: postern details-type set TYPE --schema FILE',
  columns: ['type', 'description'],
  row: ({ type, description }) => [type, description],
  format: formatType,
};

export function detailsTypeCommand(): Command {
  return verbGroup('details-type', 'Manage the types of authorization details that tokens can have.', [
    listVerb(thing, 'List the types, by name.'),
    showVerb(thing, 'Show a type with its JSON Schema.', 'what its elements may contain'),
    thingVerb(thing, 'set', 'Create a type, or change the given members of the one with that name.', [
      ['--schema payment.schema.json', 'creates it, or replaces its schema'],
      ['--description "Initiate a payment"', 'changes its description'],
    ])
      .option('--description <text>', 'what it is for')
      .option('--schema <file>', 'JSON Schema of one element, - for standard input; required for a new type')
      .action(set),
    deleteVerb(thing, 'Delete a type. No more tokens are issued with it.', '. No more tokens are issued with it.'),
  ]);
}

async function set(type: string, _options: unknown, command: Command): Promise<void> {
  const { description, schema: file } = command.opts<{ description?: string; schema?: string }>();
  const given = file === undefined ? undefined : await readJson<AuthorizationDetailsType['schema']>(file);
  const { admin } = await connect(command);
  const before = await admin.find(operations.authorizationDetailsTypes.get(type));
  const schema = given ?? before?.schema;
  if (schema === undefined) {
    throw usageError(`the type ${type} does not exist. To create it, add --schema, the JSON Schema of its elements.`);
  }
  const body = { type, description: description ?? before?.description ?? null, schema };
  const change = ifUnchanged(operations.authorizationDetailsTypes.save(body), before);
  print(command, await admin.send(change), formatType);
}

function formatType({ type, description, schema }: AuthorizationDetailsType): string {
  return `${formatTable(['type', 'description'], [[type, description]])}\n${JSON.stringify(schema, null, 2)}\n`;
}
