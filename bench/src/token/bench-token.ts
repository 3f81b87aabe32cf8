/**
 * Tokens a second by client_credentials, beside what they could be at most and beside a peer, in one run on one
 * machine. Each server has one core and the load the other; they take turns over several rounds, so that a slow
 * minute of the machine falls on all alike, and the medians count. Answers are checked to be tokens.
 *
 * The load is closed: with so many connections that each wait for their answer, latency is what the rate makes it,
 * and is comparable between servers, but it is not what one caller of an idle server sees.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../bench-error.ts';
import { keepResults, makeBenchDirectory } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { type Cores, takeCores } from '../cores.ts';
import { describeMachine } from '../machine.ts';
import { type Measurement, measure, startContestants } from './contestants.ts';
import { connectionCount } from './load.ts';
import { formatReport, type TokenResults } from './report.ts';
import { measureStarts } from './starts.ts';

/** Runs everything, prints the table, writes `bench/results/token.json`. Throws `BenchError`. */
export async function benchToken(options: BenchOptions): Promise<void> {
  const versions = { node: process.version, postern: posternVersion(), peer: peerVersion() };
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
  report('Starting the servers and warming them up');
  const contestants = await startContestants(directory, core, versions.peer);
  const rounds: Measurement[][] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    report(`Round ${round} of ${options.rounds}`);
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
  report('Timing starts');
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

function report(progress: string): void {
  console.error(`bench: ${progress}`);
}

function posternVersion(): string {
  return readVersion(fileURLToPath(new URL('../../../packages/postern/package.json', import.meta.url)));
}

function peerVersion(): string {
  try {
    return readVersion(createRequire(import.meta.url).resolve('oidc-provider/package.json'));
  } catch {
    throw new BenchError('oidc-provider, the peer, is not installed: run npm install in the root of the checkout.');
  }
}

function readVersion(file: string): string {
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
