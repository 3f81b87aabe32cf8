/** Finds the id of a thing by what people call it: a name is taken wherever an id is. */
import { AdminError, operations, type Page, type Read } from '@postern/admin';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { note } from '../output/output.ts';
import type { ServerConnection } from './server-connection.ts';

/** Returns the ids of the things that a text is the id of, or if there is none, the name of. */
export type FindIds = (connection: ServerConnection, text: string) => Promise<readonly string[]>;

/** `queryOf`: what narrows the list to those among which one with that name is. Default: all are listed. */
export function byIdOrName<Item, Query>(
  { get, list }: { get(id: string): Read<unknown>; list(query?: Query): Read<Page<Item>> },
  id: keyof Item,
  name: keyof Item,
  queryOf?: (text: string) => Query,
): FindIds {
  return async ({ admin, all }, text) => {
    if ((await unlessRefused(() => admin.find(get(text)))) !== undefined) {
      return [text];
    }
    const items = (await unlessRefused(() => all(list(queryOf?.(text)), 'names compared'))) ?? [];
    return items.filter((item) => item[name] === text).map((item) => String(item[id]));
  };
}

/** Who may not read, or asks for what cannot be an id, hears so from the call that the id is for. */
export async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AdminError && [400, 403, 404, 422].includes(error.status ?? 0)) {
      return undefined;
    }
    throw error;
  }
}

export const findClientIds = byIdOrName(operations.clients, 'client_id', 'name', (search) => ({ search }));

/**
 * Returns the id, and tells the person which thing was found by its name. A text that is the name of nothing is returned as it is, so that
 * the server answers. Throws `CommandError` if several have the name.
 */
export async function findId(
  command: Command,
  connection: ServerConnection,
  { noun, find }: { readonly noun: string; readonly find?: FindIds },
  text: string,
): Promise<string> {
  const found = (await find?.(connection, text)) ?? [];
  const [id = text] = found;
  if (found.length > 1) {
    throw usageError(`${text} can mean ${found.map((one) => `the ${noun} ${one}`).join(' or ')}. Write the id of one.`);
  }
  if (id !== text) {
    note(command, `${text} is the ${noun} ${id}.`);
  }
  return id;
}

/** The same for an option that names a client. */
export async function findClientId(command: Command, connection: ServerConnection, text: string): Promise<string> {
  return findId(command, connection, { noun: 'client', find: findClientIds }, text);
}
