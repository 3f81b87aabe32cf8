/** The results as a table for people, with the ratios and whether they meet what Postern aims for. */
import type { Cores } from '../cores.ts';
import { formatMachine, type Machine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatMemory, formatSpread, formatTable, verdict } from '../table.ts';
import type { ContestantId, Measurement } from './contestants.ts';
import type { Starts } from './starts.ts';

/** What `bench/results/token.json` holds. */
export interface TokenResults {
  /** RFC 3339, UTC. */
  readonly date: string;
  readonly machine: Machine;
  readonly versions: { readonly node: string; readonly postern: string; readonly peer: string };
  readonly options: { readonly rounds: number; readonly seconds: number; readonly connections: number };
  /** A sentence if nothing could be pinned. */
  readonly cores: Cores | string;
  readonly servers: readonly {
    readonly id: ContestantId;
    readonly title: string;
    readonly peakMemoryBytes: number | undefined;
  }[];
  readonly rounds: readonly (readonly Measurement[])[];
  readonly startsMs: Starts;
}

/** A generator that uses this part of its core may be what limits the rate. */
const saturated = 0.95;

/** A server under this load uses at least this part of its core if nothing else does. */
const fullyUsed = 0.9;

const megabyte = 1_000_000;

export function formatReport(results: TokenResults): string {
  const { machine, versions, options, cores, servers } = results;
  return [
    '',
    `Tokens by client_credentials, by client_secret_post unless said otherwise, ES256: ` +
      `${options.connections} keep-alive connections, ` +
      `medians of ${options.rounds} rounds of ${options.seconds} s`,
    `${formatMachine(machine)}; Node ${versions.node}; Postern ${versions.postern}`,
    typeof cores === 'string' ? cores : `Each server on core ${cores.server}, the load on core ${cores.load}`,
    '',
    ...formatTable([
      ['', 'tokens/s', 'least to most', 'p50', 'p99', 'peak memory', 'server CPU', 'load CPU'],
      ...servers.map(({ id, title, peakMemoryBytes }, i) => {
        const rate = spreadOf(valuesOf(results, id, 'answersPerSecond'));
        return [
          `(${'abcdefgh'[i]}) ${title}`,
          rate.median.toFixed(0),
          `${rate.least.toFixed(0)} - ${rate.most.toFixed(0)}`,
          `${medianOf(results, id, 'p50Ms')?.toFixed(2)} ms`,
          `${medianOf(results, id, 'p99Ms')?.toFixed(2)} ms`,
          formatMemory(peakMemoryBytes),
          formatPercent(medianOf(results, id, 'serverBusy')),
          formatPercent(medianOf(results, id, 'generatorBusy')),
        ];
      }),
    ]),
    '',
    ...formatTable([['', 'median', 'least to most', 'target', ''], ...formatTargets(results)]),
    '',
    'Postern writes each assertion or proof to its database, so that it is used only once: a cost that (e) and (g) do not have.',
    ...formatLimits(results),
  ].join('\n');
}

function formatTargets(results: TokenResults): string[][] {
  const toBound = spreadOf(ratiosOf(results, 'postern', 'bound'));
  const toPeer = spreadOf(ratiosOf(results, 'postern', 'peer'));
  const ratioTo = (bound: ContestantId, id: ContestantId) => formatSpread(spreadOf(ratiosOf(results, id, bound)), 2);
  const onNewData = spreadOf(results.startsMs.onNewData);
  const onUsedData = spreadOf(results.startsMs.onUsedData);
  // Servers that compete with other programs for their core come out more alike than they are.
  const judge = (met: boolean) => (2 * disturbedRounds(results) > results.rounds.length ? 'disturbed' : verdict(met));
  const memory = results.servers.find(({ id }) => id === 'postern')?.peakMemoryBytes;
  return [
    ['c/b, of the bound', ...formatSpread(toBound, 2), 'at least 0.70', judge(toBound.median >= 0.7)],
    ['c/d, of the peer', ...formatSpread(toPeer, 2), 'at least 4', judge(toPeer.median >= 4)],
    ['f/e, private_key_jwt', ...ratioTo('bound private_key_jwt', 'postern private_key_jwt'), '', ''],
    ['h/g, DPoP', ...ratioTo('bound dpop', 'postern dpop'), '', ''],
    ['ms to first token, new data', ...formatSpread(onNewData, 0), 'under 1000', verdict(onNewData.median < 1000)],
    ['ms to first token, used data', ...formatSpread(onUsedData, 0), 'under 1000', verdict(onUsedData.median < 1000)],
    [
      'peak memory of Postern',
      formatMemory(memory),
      '',
      'under 150 MB',
      memory === undefined ? 'not measured' : verdict(memory < 150 * megabyte),
    ],
  ];
}

/** Says if something other than the server limited the rate: the load generator, or other programs on the machine. */
function formatLimits(results: TokenResults): string[] {
  const ofGenerator = results.servers
    .filter(({ id }) => (medianOf(results, id, 'generatorBusy') ?? 0) >= saturated)
    .map(
      ({ title }) => `The load generator used all of its core with "${title}": that server may be faster than shown.`,
    );
  const disturbed = disturbedRounds(results);
  const ofOthers =
    disturbed === 0
      ? []
      : [
          `In ${disturbed} of ${results.rounds.length} rounds a server did not get all of its core: is the machine quiet?`,
        ];
  return [...ofGenerator, ...ofOthers];
}

function disturbedRounds({ rounds }: TokenResults): number {
  return rounds.filter((measurements) => measurements.some(isDisturbed)).length;
}

function isDisturbed({ serverBusy, generatorBusy }: Measurement): boolean {
  return serverBusy !== undefined && serverBusy < fullyUsed && generatorBusy < saturated;
}

/** One ratio a round, of rates that were measured within seconds of each other. */
function ratiosOf(results: TokenResults, id: ContestantId, other: ContestantId): number[] {
  const others = valuesOf(results, other, 'answersPerSecond');
  return valuesOf(results, id, 'answersPerSecond').map((rate, round) => rate / (others[round] as number));
}

type Measure = 'answersPerSecond' | 'p50Ms' | 'p99Ms' | 'generatorBusy' | 'serverBusy';

/** One value a round; without the rounds in which it could not be measured. */
function valuesOf({ rounds }: TokenResults, id: ContestantId, measure: Measure): number[] {
  return rounds
    .flatMap((measurements) => measurements.filter((measurement) => measurement.id === id))
    .map((measurement) => measurement[measure])
    .filter((value) => value !== undefined);
}

function medianOf(results: TokenResults, id: ContestantId, measure: Measure): number | undefined {
  const values = valuesOf(results, id, measure);
  return values.length === 0 ? undefined : spreadOf(values).median;
}

function formatPercent(part: number | undefined): string {
  return part === undefined ? 'not measured' : `${(100 * part).toFixed(0)} %`;
}
