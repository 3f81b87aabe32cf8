/** `postern import`: imports clients of other servers, with their ids and scopes. */
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { importFidesCommand } from './import-fides-command.ts';

export function importCommand(): Command {
  return verbGroup('import', 'Import the clients of another server.', [importFidesCommand()]);
}
