/** The verbs that kinds of things have in common: `list`, `show` and `delete`; and what those that change a thing have. RFC 9110 §13.1.1. */
import { type AdminClient, type Change, ifUnchanged, type Page, type Read } from '@postern/admin';
import type { Command } from 'commander';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';
import { type Cell, formatTable } from '../output/table.ts';
import { type FindIds, findId, unlessRefused } from './find-id.ts';
import type { ServerConnection } from './server-connection.ts';
import { connect, serverVerb } from './server-verb.ts';

export interface Thing {
  /** The verb that groups those of the thing: `issuer`. */
  readonly group: string;
  /** What it is called in a sentence: `trusted issuer`. */
  readonly noun: string;
  /** What identifies it, as the member of its JSON is called. */
  readonly id: 'key' | 'name' | 'type' | 'id' | 'client_id';
  readonly example: string;
  /** Finds it by its name too. Undefined: it has no name but its id. */
  readonly find?: FindIds;
}

export interface DeletableThing extends Thing {
  readonly operations: { delete(id: string): Change<void> };
}

export interface ListableThing<Item> extends Thing {
  readonly operations: { list(): Read<Page<Item>> };
  /** What several are called, on the terminal while they are read: `resources`. */
  readonly several: string;
  /** What a list says if there are none. */
  readonly none: string;
  /** The titles of the columns of a list, and what is in them. */
  readonly columns: readonly string[];
  readonly row: (item: Item) => readonly Cell[];
}

export interface ShownThing<Item> extends ListableThing<Item> {
  readonly operations: ListableThing<Item>['operations'] & { get(id: string): Read<Item> };
  /** Formats all of one. */
  readonly format: (item: Item) => string;
}

/** A kind of thing of which all are listed, and each can be shown and deleted. */
export interface ListedThing<Item> extends ShownThing<Item> {
  readonly operations: ShownThing<Item>['operations'] & DeletableThing['operations'];
}

/** Connects, and finds the id of the thing that the person names. */
export async function connectTo(
  thing: Thing,
  text: string,
  command: Command,
): Promise<ServerConnection & { readonly id: string }> {
  const connection = await connect(command);
  return { ...connection, id: await findId(command, connection, thing, text) };
}

/** A verb about one thing. */
export function thingVerb(thing: Thing, name: string, description: string, examples: [string, string][]): Command {
  const { group, noun, id, example, find } = thing;
  const lines = examples.map(([options, does]) => [`${group} ${name} ${example} ${options}`.trim(), does] as const);
  return serverVerb(name, description, lines).argument(
    `<${id.replace('_', '-')}>`,
    `${id.replace('client_', '')}${find === undefined || id === 'name' ? '' : ' or name'} of the ${noun}`,
  );
}

export function listVerb<Item>(thing: ListableThing<Item>, description: string): Command {
  const { group, operations, several, none, columns, row } = thing;
  return serverVerb('list', description, [[`${group} list`, 'all of them']]).action(
    async (_options: unknown, command: Command) =>
      print(command, await (await connect(command)).all(operations.list(), `${several} read`), (all) =>
        all.length === 0 ? `${none}\n` : formatTable(columns, all.map(row)),
      ),
  );
}

export function showVerb<Item>(thing: ShownThing<Item>, description: string, shows: string): Command {
  return thingVerb(thing, 'show', description, [['', shows]]).action(
    async (text: string, _options: unknown, command: Command) => {
      const { admin, id } = await connectTo(thing, text, command);
      print(command, await admin.send(thing.operations.get(id)), thing.format);
    },
  );
}

/**
 * Sends a change that does not depend on what the thing is now, unless somebody else changes the thing meanwhile. `present` reads it. Whoever
 * may not read it sends the change as it is.
 */
export async function sendIfUnchanged<Answer>(
  admin: AdminClient,
  present: Read<object>,
  change: Change<Answer>,
): Promise<Answer> {
  const found = await unlessRefused(async () => ({ before: await admin.find(present) }));
  return admin.send(found === undefined ? change : ifUnchanged(change, found.before));
}

/** `consequence` continues the sentence "This deletes the … ID". */
export function deleteVerb(thing: DeletableThing, description: string, consequence: string): Command {
  return thingVerb(thing, 'delete', description, [['--yes', 'without asking']])
    .option('--yes', 'do not ask')
    .action(async (text: string, { yes }: { yes?: true }, command: Command) => {
      const { admin, id } = await connectTo(thing, text, command);
      await confirm(`This deletes the ${thing.noun} ${id}${consequence}`, yes);
      await admin.send(thing.operations.delete(id));
      const noun = thing.noun.charAt(0).toUpperCase() + thing.noun.slice(1);
      print(command, { [thing.id]: id, deleted: true }, () => `${noun} ${id} deleted.\n`);
    });
}
