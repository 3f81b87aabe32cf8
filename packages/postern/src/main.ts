/** The `postern` command. */
import { Command } from 'commander';
import { serveCommand } from './serve-command.ts';

await new Command('postern')
  .description('Issues OAuth 2.0 access tokens to machines, and lets APIs trust them.')
  .addCommand(serveCommand())
  .parseAsync();
