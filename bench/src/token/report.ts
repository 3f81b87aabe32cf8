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
    `Tokens by client_credentials, by client_secret_post unless said otherwise, ES256, and other calls: ` +
      `${options.connections} keep-alive connections, ` +
      `medians of ${options.rounds} rounds of ${options.seconds} s`,
    `${formatMachine(machine)}; Node ${versions.node}; Postern ${versions.postern}`,
    typeof cores === 'string' ? cores : `Each server on core ${cores.server}, the load on core ${cores.load}`,
    '',
    ...formatTable([
      [
        '',
        'answers/s',
        'least to most',
        'CPU each',
        'least to most',
        'p50',
        'p99',
        'peak memory',
        'server CPU',
        'load CPU',
      ],
      ...servers.map(({ id, title, peakMemoryBytes }) => {
        const cpu = valuesOf(results, id, 'cpuMicroseconds');
        return [
          title,
          ...formatSpread(spreadOf(valuesOf(results, id, 'answersPerSecond')), 0),
          ...(cpu.length === 0 ? ['not measured', ''] : withUnit(formatSpread(spreadOf(cpu), 0))),
          `${medianOf(results, id, 'p50Ms')?.toFixed(2)} ms`,
          `${medianOf(results, id, 'p99Ms')?.toFixed(2)} ms`,
          formatMemory(peakMemoryBytes),
          formatPercent(medianOf(results, id, 'serverBusy')),
          formatPercent(medianOf(results, id, 'generatorBusy')),
        ];
      }),
    ]),
    '',
    ...formatTable([['', 'by CPU time', 'least to most', 'by rate', 'target', ''], ...formatRatios(results)]),
    '',
    ...formatTable([['', 'median', 'least to most', 'target', ''], ...formatTargets(results)]),
    '',
    'The servers of oidc-provider keep everything in memory and write nothing down. Postern writes each assertion, proof and new client to its disk.',
    ...formatLimits(results),
  ].join('\n');
}

const withUnit = ([median, range]: [string, string]): [string, string] => [`${median} µs`, range];

/** What is compared with what, and the least that Postern aims for. */
const comparisons: readonly (readonly [string, ContestantId, ContestantId, number | undefined])[] = [
  ['Postern of the bound', 'postern secret', 'bound secret', 1],
  ['Postern of the bound that signs together', 'postern secret', 'bound together', 0.6],
  ['Postern of oidc-provider', 'postern secret', 'peer secret', 3.5],
  ['private_key_jwt of its bound', 'postern private_key_jwt', 'bound private_key_jwt', 0.65],
  ['private_key_jwt of oidc-provider', 'postern private_key_jwt', 'peer private_key_jwt', 1.5],
  ['DPoP of its bound', 'postern dpop', 'bound dpop', 0.6],
  ['DPoP of oidc-provider', 'postern dpop', 'peer dpop', 1.5],
  ['introspection of oidc-provider', 'postern introspection', 'peer introspection', undefined],
  ['creation of clients of oidc-provider', 'postern creation', 'peer creation', undefined],
];

/**
 * One ratio a round, of what was measured within seconds of each other. If it can be measured, the processor time decides: other
 * programs on the machine change it less than the rate.
 */
function formatRatios(results: TokenResults): string[][] {
  return comparisons.map(([title, id, other, target]) => {
    const rate = spreadOf(ratiosOf(results, id, other, 'answersPerSecond'));
    const times = ratiosOf(results, other, id, 'cpuMicroseconds');
    const decisive = times.length === 0 ? rate : spreadOf(times);
    return [
      title,
      ...(times.length === 0 ? ['not measured', ''] : formatSpread(decisive, 2)),
      rate.median.toFixed(2),
      target === undefined ? '' : `at least ${target}`,
      target === undefined ? '' : verdict(decisive.median >= target),
    ];
  });
}

function formatTargets(results: TokenResults): string[][] {
  const onNewData = spreadOf(results.startsMs.onNewData);
  const onUsedData = spreadOf(results.startsMs.onUsedData);
  const memory = results.servers.find(({ id }) => id === 'postern secret')?.peakMemoryBytes;
  return [
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

type Measure = 'answersPerSecond' | 'cpuMicroseconds' | 'p50Ms' | 'p99Ms' | 'generatorBusy' | 'serverBusy';

function ratiosOf(results: TokenResults, id: ContestantId, other: ContestantId, measure: Measure): number[] {
  const others = valuesOf(results, other, measure);
  return valuesOf(results, id, measure).map((value, round) => value / (others[round] as number));
}

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
