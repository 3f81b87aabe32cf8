/** `postern statistics`: how many token requests succeeded, and why others were rejected. */
import type { Statistics } from '@postern/admin';
import type { Command } from 'commander';
import { countFrom } from '../command/option-values.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';

export function statisticsCommand(): Command {
  return serverVerb('statistics', 'Show how many tokens were issued, and why requests were rejected.', [
    ['statistics', 'of the last day'],
    ['statistics --hours 720 --json', 'of 30 days, hour by hour'],
  ])
    .option('--hours <number>', 'hours to look back', countFrom(1), 24)
    .action(statistics);
}

async function statistics(_options: unknown, command: Command): Promise<void> {
  const { hours } = command.opts<{ hours: number }>();
  const { admin } = await connect(command);
  print(command, await admin.statistics.get({ hours }), formatStatistics);
}

function formatStatistics({ buckets, clients, busiest_secret_clients }: Statistics): string {
  const reasons = new Map<string, number>();
  for (const [reason, count] of buckets.flatMap(({ refused_by }) => Object.entries(refused_by))) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  const sum = (name: 'issued' | 'issued_by_secret' | 'refused') =>
    buckets.reduce((total, bucket) => total + bucket[name], 0);
  const record = formatRecord([
    ['tokens issued', sum('issued')],
    ['by a shared secret', formatShare(sum('issued_by_secret'), sum('issued'))],
    ['requests rejected', sum('refused')],
    ['clients', clients.total],
    ['enabled', clients.enabled],
    ['expiring', clients.expiring],
    ['active', clients.active],
  ]);
  const rows = [...reasons].toSorted(([, one], [, other]) => other - one);
  const next = busiest_secret_clients.map(({ client_id, name, tokens_issued }) => [client_id, name, tokens_issued]);
  return [
    record,
    ...(rows.length === 0 ? [] : [formatTable(['rejected because', 'requests'], rows)]),
    ...(next.length === 0 ? [] : [formatTable(['move next from a secret', 'name', 'tokens so far'], next)]),
  ].join('\n');
}

/** How many of them, and which part of all. */
export function formatShare(part: number, all: number): string {
  return all === 0 ? '0' : `${part} (${Math.round((part / all) * 100)} %)`;
}
