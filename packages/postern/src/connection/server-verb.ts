/** Verbs that call a server: the same options everywhere name the server and the client. */
import type { Command } from 'commander';
import { type Example, verb } from '../command/verb.ts';
import { type ConnectionOptions, readConnection } from './connection.ts';
import { createServerConnection, type ServerConnection } from './server-connection.ts';

export function serverVerb(name: string, description: string, examples: readonly Example[]): Command {
  return verb(name, description, examples)
    .optionsGroup('Server and sign-in (default: the current profile):')
    .option('--profile <name>', 'profile to use, created by: postern login')
    .option('--server <url>', 'base URL of the server, or POSTERN_SERVER')
    .option('--client-id <id>', 'client to sign in as, or POSTERN_CLIENT_ID')
    .option(
      '--client-secret-file <file>',
      'file with its secret, - for standard input; or POSTERN_CLIENT_SECRET, or POSTERN_CLIENT_SECRET_FILE',
    )
    .optionsGroup('Options:');
}

/** Connects to the server that options, environment or profiles name. Throws `CommandError`. */
export async function connect(command: Command): Promise<ServerConnection> {
  return createServerConnection(await readConnection(command.opts<ConnectionOptions>(), process.env));
}
