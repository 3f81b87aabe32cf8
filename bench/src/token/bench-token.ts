import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { type Cores, takeCores } from '../cores.ts';
import { describeMachine, versionOf } from '../machine.ts';
import { type Measurement, measure, startContestants } from './contestants.ts';
import { connectionCount } from './load.ts';
import { formatReport, type TokenResults } from './report.ts';
import { measureStarts } from './starts.ts';

/** Runs everything, prints the table, writes `bench/results/token.json`. Throws `BenchError`. */
export async function benchToken(options: BenchOptions): Promise<void> {
  const versions = { node: process.version, postern: versionOf('postern'), peer: versionOf('oidc-provider') };
  const cores = takeCores();
  const directory = makeBenchDirectory();
  const results = await runRounds(directory, options, versions, cores);
  console.log(formatReport(results));
  keepResults('token', results);
}

async function runRounds(
  directory: string,
  options: BenchOptions,
  versions: TokenResults['versions'],
  cores: Cores | string,
): Promise<TokenResults> {
  const core = typeof cores === 'string' ? undefined : cores.server;
  progress('Starting the servers and warming them up');
  const contestants = await startContestants(directory, core, versions.peer);
  const rounds: Measurement[][] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    progress(`Round ${round} of ${options.rounds}`);
    const measurements: Measurement[] = [];
    for (const contestant of contestants) {
      measurements.push(await measure(contestant, options.seconds));
    }
    rounds.push(measurements);
  }
  const servers = contestants.map(({ id, title, server }) => ({
    id,
    title,
    peakMemoryBytes: server.peakMemoryBytes(),
  }));
  await Promise.all(contestants.map(({ server }) => server.stop()));
  progress('Timing starts');
  const startsMs = await measureStarts(directory, core);
  return {
    date: new Date().toISOString(),
    machine: describeMachine(),
    versions,
    options: { ...options, connections: connectionCount },
    cores,
    servers,
    rounds,
    startsMs,
  };
}
