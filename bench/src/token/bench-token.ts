/**
 * Tokens a second by client_credentials, beside what they could be at most and beside a peer, in one run on one
 * machine. Each server has one core and the load the other; they take turns over several rounds, so that a slow
 * minute of the machine falls on all alike, and the medians count. Answers are checked to be tokens.
 *
 * The load is closed: with so many connections that each wait for their answer, latency is what the rate makes it,
 * and is comparable between servers, but it is not what one caller of an idle server sees.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, cpus, release, tmpdir, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../bench-error.ts';
import type { BenchOptions } from '../bench-options.ts';
import { type Cores, takeCores } from '../cores.ts';
import { type Measurement, measure, startContestants } from './contestants.ts';
import { connectionCount } from './load.ts';
import { formatReport, type TokenResults } from './report.ts';
import { measureStarts } from './starts.ts';

const resultFile = fileURLToPath(new URL('../../results/token.json', import.meta.url));

/** Runs everything, prints the table, writes `bench/results/token.json`. Throws `BenchError`. */
export async function benchToken(options: BenchOptions): Promise<void> {
  const versions = { node: process.version, postern: posternVersion(), peer: peerVersion() };
  const cores = takeCores();
  const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  // Registered after the servers' own listener (see server-process.ts), so that they have ended when their data goes.
  process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }

  const results = await runRounds(directory, options, versions, cores);
  console.log(formatReport(results));
  mkdirSync(join(resultFile, '..'), { recursive: true });
  writeFileSync(resultFile, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`All measurements: ${relative(process.cwd(), resultFile)}`);
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
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      logicalCores: cpus().length,
      memoryBytes: totalmem(),
      system: `${process.platform} ${release()} ${process.arch}`,
    },
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
