/** The results as a table for people, with the ratios and whether they meet what Postern aims for. */
import type { BenchOptions } from '../bench-options.ts';
import { formatMachine, type Machine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatSpread, formatTable, verdict } from '../table.ts';
import type { ContestantId } from './contestants.ts';

/** What `bench/results/guard.json` holds. */
export interface GuardResults {
  /** RFC 3339, UTC. */
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly options: BenchOptions;
  readonly pinned: string;
  readonly contestants: readonly { readonly id: ContestantId; readonly title: string }[];
  /** Decisions a second. */
  readonly rounds: readonly Readonly<Record<ContestantId, number>>[];
}

export function formatReport(results: GuardResults): string {
  const { machine, versions, options, pinned, contestants, rounds } = results;
  const ratesOf = (id: ContestantId) => spreadOf(rounds.map((rates) => rates[id]));
  // One ratio a round, of rates that were measured within seconds of each other.
  const ratio = (id: ContestantId, other: ContestantId) => spreadOf(rounds.map((rates) => rates[id] / rates[other]));
  const toBare = ratio('uncached', 'bare');
  const known = ratesOf('cached');
  return [
    '',
    `Access tokens verified, ES256: medians of ${options.rounds} rounds of ${options.seconds} s each`,
    `${formatMachine(machine)}; Node ${versions['node']}; guard ${versions['guard']}`,
    pinned,
    '',
    ...formatTable([
      ['', 'decisions/s', 'least to most', 'µs each'],
      ...contestants.map(({ id, title }, i) => {
        const rate = ratesOf(id);
        return [`(${'abcde'[i]}) ${title}`, ...formatSpread(rate, 0), (1_000_000 / rate.median).toFixed(2)];
      }),
    ]),
    '',
    ...formatTable([
      ['', 'median', 'least to most', 'target', ''],
      [
        'b/a, each token new, of the bare check',
        ...formatSpread(toBare, 2),
        'at least 0.90',
        verdict(toBare.median >= 0.9),
      ],
      ['c, tokens known', ...formatSpread(known, 0), 'at least 500000', verdict(known.median >= 500_000)],
      ['b/d, each token new, to jose', ...formatSpread(ratio('uncached', 'jose'), 2), '', ''],
      ['b/e, to express-oauth2-jwt-bearer', ...formatSpread(ratio('uncached', 'express'), 2), '', ''],
      ['c/e, tokens known, to the same', ...formatSpread(ratio('cached', 'express'), 1), '', ''],
    ]),
    '',
  ].join('\n');
}
