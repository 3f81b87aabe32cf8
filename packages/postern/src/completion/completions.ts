/** What can follow each verb: the tree of verbs and options, for the completion scripts. */
import type { Command } from 'commander';

export interface Completion {
  /** The verbs before, such as `client create`; empty at the top. */
  readonly path: string;
  /** Verbs and options, with their descriptions. */
  readonly words: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly description: string;
}

export function listCompletions(command: Command, path: readonly string[] = []): Completion[] {
  const verbs = command.commands.map((verb) => ({ word: verb.name(), description: verb.description() }));
  const { options } = command;
  const help = { word: '--help', description: 'display help' };
  const words = [
    ...verbs,
    ...options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : [])),
    ...(options.some(({ long }) => long === help.word) ? [] : [help]),
  ];
  const below = command.commands.flatMap((verb) => listCompletions(verb, [...path, verb.name()]));
  return [{ path: path.join(' '), words }, ...below];
}
