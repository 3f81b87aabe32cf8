/** `postern import`: imports clients of other servers, with their ids, names, scopes, audiences and secrets. */
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { importVerb } from './import-verb.ts';
import { sources } from './sources.ts';

export function importCommand(): Command {
  return verbGroup('import', 'Import the clients of another server, with their secrets.', sources.map(importVerb));
}
