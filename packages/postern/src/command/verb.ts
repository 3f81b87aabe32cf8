/** Creates verbs, which all have `--json` and examples in their help. */
import { Command } from 'commander';

/** A command line without the word `postern`, and its effect. */
export type Example = readonly [line: string, does: string];

export function verb(name: string, description: string, examples: readonly Example[]): Command {
  const lines = examples.map(([line, does]) => `  # ${does}\n  $ postern ${line}\n`);
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', `\nExamples:\n${lines.join('')}`);
}

/** Creates a verb that only groups others. */
export function verbGroup(name: string, description: string, verbs: readonly Command[]): Command {
  const group = new Command(name).description(description).helpCommand(false);
  for (const one of verbs) {
    group.addCommand(one);
  }
  return group;
}
