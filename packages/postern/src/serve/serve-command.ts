/** The command `postern serve`. It loads the server itself only when it runs, so that other commands start fast. */
import { Command } from 'commander';

export function serveCommand(): Command {
  return new Command('serve')
    .description('Start the authorization server with its APIs on one port.')
    .helpOption(false)
    .option('-h, --help', 'display help for command, with all environment variables')
    .action(async ({ help }: { help?: true }, command: Command) => {
      const { describeVariables, runServe } = await import('./run-serve.ts');
      if (help) {
        command.addHelpText('after', `\nEnvironment variables:\n${describeVariables()}`).help();
      }
      await runServe();
    });
}
