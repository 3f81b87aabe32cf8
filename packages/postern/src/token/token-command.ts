/** `postern token`: an access token for other programs. RFC 6749 §4.4. */
import type { Command } from 'commander';
import { collect } from '../command/option-values.ts';
import { type ConnectionOptions, readConnection, requireClient } from '../connection/connection.ts';
import { createServerTokenClient, explainFaults } from '../connection/server-connection.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';

interface TokenOptions extends ConnectionOptions {
  readonly scope?: string[];
  readonly resource?: string;
}

export function tokenCommand(): Command {
  return serverVerb('token', 'Print an access token.', [
    ['token', 'with all scopes of the client'],
    ['token --scope policy:read --scope rule:read', 'with these scopes only'],
    ['token --resource https://billing.example.com', 'for another API than that of Postern'],
  ])
    .option('--scope <scope>', 'scope of the token; repeatable; default: all of the client', collectScopes)
    .option(
      '--resource <identifier>',
      'registered resource that the token is for (RFC 8707); default: the default resource of the client, if it has one',
    )
    .addHelpText('after', 'In a call: curl -H "Authorization: Bearer $(postern token)" https://…')
    .action(token);
}

/** Scopes may be separated by spaces, as in OAuth. RFC 6749 §3.3. */
function collectScopes(value: string, before?: readonly string[]): string[] {
  return collect(value.replaceAll(' ', ','), before);
}

async function token(_options: unknown, command: Command): Promise<void> {
  const { scope, resource, ...options } = command.opts<TokenOptions>();
  const connection = requireClient(await readConnection(options, process.env));
  const client = createServerTokenClient(connection, { scope: scope?.join(' '), resource });
  const issued = await explainFaults(connection.server, () => client.getToken());
  const answer = {
    access_token: issued.accessToken,
    token_type: issued.tokenType,
    expires_at: new Date(issued.expiresAt * 1000).toISOString(),
    scope: issued.scope,
  };
  print(command, answer, () => `${issued.accessToken}\n`);
}
