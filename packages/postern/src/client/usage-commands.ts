/** `postern client usage` and `unused-scopes`: what clients use of what they hold, and what could be taken away. */
import type { ClientUsage, UnusedScopes } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { countFrom } from '../command/option-values.ts';
import { path } from '../connection/path.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { formatRecord, formatTable } from '../output/table.ts';

export function usageCommand(): Command {
  return serverVerb('usage', 'Show how many tokens a client got, and with which of its scopes.', [
    ['client usage r8O445tXXCjyi1GYeIbPRD', 'which scopes does it never use?'],
  ])
    .argument('<client-id>', 'id of the client')
    .action(usage);
}

export function unusedScopesCommand(): Command {
  return serverVerb('unused-scopes', 'List the clients that hold scopes which no token had for a while.', [
    ['client unused-scopes --days 30', 'what nobody used for a month'],
  ])
    .option('--days <number>', 'days without a token', countFrom(1), 90)
    .action(unusedScopes);
}

async function usage(id: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  const answer = await api.get<ClientUsage>(path`/api/v1/oauth/client/${id}/usage`);
  print(command, answer, ({ tokens_issued, last_issued_at, scopes }) => {
    const total = formatRecord([
      ['tokens issued', tokens_issued],
      ['last', last_issued_at ?? 'never'],
    ]);
    const table = formatTable(
      ['scope', 'tokens issued', 'last'],
      scopes.map((one) => [one.scope, one.tokens_issued, one.last_issued_at ?? 'never']),
    );
    return scopes.length === 0 ? total : `${total}\n${table}`;
  });
}

async function unusedScopes(_options: unknown, command: Command): Promise<void> {
  const { days } = command.opts<{ days: number }>();
  const api = await connect(command);
  const progress = startProgress('clients read');
  print(command, await api.listAll<UnusedScopes>('/api/v1/oauth/usage/unused', { days }, progress), (all) =>
    all.length === 0
      ? `Every scope was in a token of the last ${days} days.\n`
      : formatTable(
          ['client id', 'name', 'unused scopes'],
          all.map(({ client_id, name, scopes }) => [client_id, name, scopes]),
        ),
  );
}
