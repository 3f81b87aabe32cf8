/** `postern client usage` and `unused-scopes`: which of their scopes clients use, and which could be removed. */
import { type ClientUsage, operations } from '@postern/admin';
import type { Command } from 'commander';
import { countFrom } from '../command/option-values.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { type Cell, formatRecord, formatTable } from '../output/table.ts';

export function unusedScopesCommand(): Command {
  return serverVerb('unused-scopes', 'List the clients with scopes that no recent token had.', [
    ['client unused-scopes --days 30', 'scopes that were not used for 30 days'],
  ])
    .option('--days <number>', 'days without a token', countFrom(1), 90)
    .action(unusedScopes);
}

export function formatUsage({ tokens_issued, last_issued_at, quotas, scopes }: ClientUsage): string {
  const total = formatRecord([
    ['tokens issued', tokens_issued],
    ['last', last_issued_at ?? 'never'],
    ...quotas.map(({ per, most, used, ends_at }): [string, Cell] => [
      `this ${per}`,
      `${used} of ${most}, until ${ends_at}`,
    ]),
  ]);
  const table = formatTable(
    ['scope', 'tokens issued', 'last'],
    scopes.map((one) => [one.scope, one.tokens_issued, one.last_issued_at ?? 'never']),
  );
  return scopes.length === 0 ? total : `${total}\n${table}`;
}

async function unusedScopes(_options: unknown, command: Command): Promise<void> {
  const { days } = command.opts<{ days: number }>();
  const connection = await connect(command);
  print(command, await connection.all(operations.usage.listUnusedScopes({ days }), 'clients read'), (all) =>
    all.length === 0
      ? `All scopes of all clients were used in the last ${days} days.\n`
      : formatTable(
          ['client id', 'name', 'last token', 'unused scopes', 'created'],
          all.map(({ client_id, name, last_issued_at, scopes, created_at, too_young }) => [
            client_id,
            name,
            last_issued_at ?? 'never',
            scopes,
            too_young ? `${created_at}: too new to tell` : created_at,
          ]),
        ),
  );
}
