/** `postern introspect` and `postern revoke-token`: one token, and what the server knows of it. RFC 7662, RFC 7009. */
import { clientSecretBasic } from '@postern/client';
import type { Command } from 'commander';
import { CommandError } from '../command/command-error.ts';
import { type ConnectionOptions, readConnection, requireClient } from '../connection/connection.ts';
import { reach } from '../connection/reach.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';
import { type Cell, formatRecord } from '../output/table.ts';
import { readToken } from './read-token.ts';

const argument = ['<token>', 'the token; - reads it from standard input, where other users cannot see it'] as const;

export function introspectCommand(): Command {
  return serverVerb('introspect', 'Show whether a token is active, and its claims, as an API learns it.', [
    ['introspect - < token.txt', 'of the own client, or for a resource that names it in introspection_clients'],
  ])
    .argument(...argument)
    .addHelpText('after', 'To learn why a token is refused: postern explain')
    .action(introspect);
}

export function revokeCommand(): Command {
  return serverVerb(
    'revoke-token',
    'Revoke one token, of any client, with those exchanged for it. Its other tokens stay valid.',
    [['revoke-token --yes - < token.txt', 'after a leak, without asking']],
  )
    .argument(...argument)
    .option('--yes', 'do not ask')
    .addHelpText('after', 'To see first what ends with it, or to revoke by the jti: postern kill')
    .action(revoke);
}

async function introspect(given: string, _options: unknown, command: Command): Promise<void> {
  const { server, clientId, clientSecret } = requireClient(
    await readConnection(command.opts<ConnectionOptions>(), process.env),
  );
  const token = await readToken(given);
  const { headers = {} } = await clientSecretBasic(clientId, clientSecret).authenticate(server, Date.now() / 1000);
  const answer = await reach(server, async () => {
    const response = await fetch(`${server}/api/v1/oauth/introspect`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ token }),
      redirect: 'manual',
    });
    const body = (await response.json()) as Record<string, unknown>;
    if (!response.ok) {
      throw new CommandError(
        `the server does not introspect the token: ${body['error_description'] ?? body['error']}`,
        {
          exit: response.status === 401 ? 'notAllowed' : 'failed',
          code: String(body['error']),
        },
      );
    }
    return body;
  });
  print(command, answer, ({ active, ...claims }) =>
    formatRecord([
      ['active', active === true],
      ...Object.entries(claims).map(([name, value]): [string, Cell] => [name, toCell(name, value)]),
    ]),
  );
}

function toCell(name: string, value: unknown): Cell {
  if (typeof value === 'number' && ['iat', 'exp', 'nbf'].includes(name)) {
    return new Date(value * 1000).toISOString();
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function revoke(given: string, _options: unknown, command: Command): Promise<void> {
  const token = await readToken(given);
  const { admin } = await connect(command);
  await confirm('This revokes the token for good.', command.opts<{ yes?: true }>().yes);
  await admin.tokens.revoke({ token });
  print(command, { revoked: true }, () => 'Token revoked.\n');
}
