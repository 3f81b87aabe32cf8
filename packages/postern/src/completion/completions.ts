/** What can follow each verb: the tree of verbs and options, for the completion scripts. */
import type { Argument, Command, Option } from 'commander';
import type { ValueKind } from './complete-command.ts';

export interface Completion {
  /** The verbs before, such as `client create`; empty at the top. */
  readonly path: string;
  /** Verbs and options, with their descriptions. */
  readonly words: readonly Word[];
  /** What its argument names. Undefined: a file, or something new. */
  readonly argument: ValueKind | undefined;
}

interface Word {
  readonly word: string;
  readonly description: string;
  /** What the value of the option names. */
  readonly value?: ValueKind | undefined;
}

export function listCompletions(command: Command, path: readonly string[] = []): Completion[] {
  const verbs = command.commands.map((verb) => ({ word: verb.name(), description: verb.description() }));
  const { options } = command;
  const help = { word: '--help', description: 'display help' };
  const words = [
    ...verbs,
    ...options.flatMap((option) =>
      option.long ? [{ word: option.long, description: option.description, value: valueKindOf(option) }] : [],
    ),
    ...(options.some(({ long }) => long === help.word) ? [] : [help]),
  ];
  const below = command.commands.flatMap((verb) => listCompletions(verb, [...path, verb.name()]));
  return [{ path: path.join(' '), words, argument: argumentOf(command.registeredArguments, path) }, ...below];
}

/** By the placeholder of its value. */
const valueKinds: Readonly<Record<string, ValueKind>> = {
  scope: 'scopes',
  client: 'clients',
  identifier: 'identifiers',
};

function valueKindOf({ long, flags }: Option): ValueKind | undefined {
  const [, placeholder = ''] = /<([\w-]+)(?:\.\.\.)?>/.exec(flags) ?? [];
  return long === '--profile' ? 'profiles' : valueKinds[placeholder];
}

/** By the verbs before. */
const argumentKinds: Readonly<Record<string, ValueKind>> = {
  client: 'clients',
  scope: 'scopes',
  resource: 'resources',
  issuer: 'issuers',
  role: 'roles',
  key: 'keys',
  profile: 'profiles',
};

function argumentOf([first]: readonly Argument[], [group = '']: readonly string[]): ValueKind | undefined {
  return first === undefined ? undefined : argumentKinds[group];
}
