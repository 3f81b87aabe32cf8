/** What can follow on each verb: the tree of the command, as the scripts for shells need it. */
import type { Command } from 'commander';

export interface Completion {
  /** The words before, such as `client create`; empty at the top. */
  readonly path: string;
  /** Verbs and options, with what they are for. */
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
