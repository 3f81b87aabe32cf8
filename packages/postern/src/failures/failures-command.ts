/** `postern failures`: which clients fail to get tokens, from where, why, and since when. */
import { operations } from '@postern/admin';
import type { Command } from 'commander';
import { findClientId } from '../connection/find-id.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

export function failuresCommand(): Command {
  return serverVerb('failures', 'Show which clients fail to get tokens, from where, why, and since when.', [
    ['failures', 'of all clients, the latest first'],
    ['failures --client billing', 'of one client'],
    ['failures --reason secret_expired --json', 'with one reason, and what to do about it'],
  ])
    .option('--client <client>', 'only failures of this client, by id or name')
    .option('--reason <reason>', 'only failures with this reason')
    .action(failures);
}

async function failures(_options: unknown, command: Command): Promise<void> {
  const { client, reason } = command.opts<{ client?: string; reason?: string }>();
  const connection = await connect(command);
  const query = {
    ...(client !== undefined && { client_id: await findClientId(command, connection, client) }),
    ...(reason !== undefined && { reason }),
  };
  print(command, await connection.all(operations.failures.list(query), 'failures read'), (all) =>
    all.length === 0
      ? 'No request for a token has failed in the last 7 days.\n'
      : formatTable(
          ['client id', 'name', 'address', 'reason', 'requests', 'since', 'last'],
          all.map((one) => [
            one.client_id ?? 'none that exists',
            one.name,
            one.address ?? 'several',
            one.reason,
            one.requests,
            one.since,
            one.last_at,
          ]),
        ),
  );
}
