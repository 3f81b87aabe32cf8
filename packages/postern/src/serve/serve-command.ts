/** The command `postern serve`. It loads the server itself only when it runs, so that other commands start fast. */
import { Command } from 'commander';

export function serveCommand(): Command {
  return new Command('serve')
    .description('Start the authorization server with its APIs on one port.')
    .option(
      '--new-database',
      'begin with an empty SQLite database, although the data directory has secrets of an earlier one',
    )
    .helpOption(false)
    .option('-h, --help', 'display help for command, with all environment variables')
    .action(async ({ help, newDatabase }: { help?: true; newDatabase?: true }, command: Command) => {
      const { describeVariables, runServe } = await import('./run-serve.ts');
      if (help) {
        command.addHelpText('after', `\nEnvironment variables:\n${describeVariables()}`).help();
      }
      await runServe(newDatabase === true);
    });
}
