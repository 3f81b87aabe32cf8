/** Options that set the members of something, such as of a client, declared as one table. */
import { type Command, Option } from 'commander';
import { usageError } from '../command/command-error.ts';
import { readJson } from './json-input.ts';

type Parse = (value: string, before: never) => unknown;

/** By the name of the member in the API. */
export type MemberTable = Readonly<Record<string, readonly [flags: string, description: string, parse?: Parse]>>;

/** `--from` takes a file with any members of such a thing. */
export function withMembers(command: Command, table: MemberTable, thing: string): Command {
  for (const [flags, description, parse] of Object.values(table)) {
    const option = new Option(flags, description);
    command.addOption(
      parse === undefined ? option : option.argParser(parse as (value: string, before: unknown) => unknown),
    );
  }
  return command.option(
    '--from <file>',
    `JSON object with any members of a ${thing}, - for standard input; options override it`,
  );
}

/** Returns the members that were given; options override the file. Throws `CommandError`. */
export async function readMembers(command: Command, table: MemberTable): Promise<Record<string, unknown>> {
  const given = command.opts<Record<string, unknown>>();
  const { from } = given as { from?: string };
  const body = from === undefined ? {} : await readJson(from);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw usageError(`${from} is not a JSON object.`);
  }
  const named = Object.entries(table).map(([member, [flags]]) => [member, given[new Option(flags).attributeName()]]);
  return { ...body, ...Object.fromEntries(named.filter(([, value]) => value !== undefined)) };
}
