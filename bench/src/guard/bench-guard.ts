/**
 * Decisions the guard makes in a second of one core's time, beside the bare signature check and two peers, in one process. They take
 * turns over several rounds, so that a slow minute of the machine falls on all alike, and the medians count.
 *
 * A decision is all that an API needs: header read, token verified or recognized, its client's status looked up among
 * 1,000 that changed, 1,000 revoked tokens, scope checked. Every header is a new string, as a server makes one for
 * each request; making them is not measured.
 */
import { keepResults, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { takeCores } from '../cores.ts';
import { describeMachine, versionOf } from '../machine.ts';
import { type Contestant, type ContestantId, startContestants } from './contestants.ts';
import { startIssuer } from './issuer.ts';
import { formatReport, type GuardResults } from './report.ts';

/** Headers made at a time: so few that they are still in the processor's cache when it is their turn, as in a server. */
const batchSize = 250;

/** Runs everything, prints the table, writes `bench/results/guard.json`. */
export async function benchGuard(options: BenchOptions): Promise<void> {
  const cores = takeCores();
  const versions = {
    node: process.version,
    guard: versionOf('@postern/guard'),
    jose: versionOf('jose'),
    'express-oauth2-jwt-bearer': versionOf('express-oauth2-jwt-bearer'),
  };
  progress('Fetching keys and warming up');
  const issuer = await startIssuer();
  const { contestants, close } = await startContestants(issuer, versions);
  const bytes = issuer.tokens.map((token) => Buffer.from(`Bearer ${token}`));
  const rounds: Record<ContestantId, number>[] = [];
  for (let round = 0; round <= options.rounds; round += 1) {
    progress(round === 0 ? 'A round that does not count' : `Round ${round} of ${options.rounds}`);
    const rates: Partial<Record<ContestantId, number>> = {};
    for (const contestant of contestants) {
      rates[contestant.id] = await measure(contestant, bytes, options.seconds * 1000);
    }
    if (round > 0) {
      rounds.push(rates as Record<ContestantId, number>);
    }
  }
  await close();
  issuer.close();
  const results: GuardResults = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    versions,
    options,
    pinned: typeof cores === 'string' ? cores : `All on core ${cores.load}`,
    contestants: contestants.map(({ id, title }) => ({ id, title })),
    rounds,
  };
  console.log(formatReport(results));
  keepResults('guard', results);
}

/** Decisions a second of processor time, which other programs on the machine do not take away. */
async function measure({ run }: Contestant, tokens: readonly Buffer[], durationMs: number): Promise<number> {
  let spentMs = 0;
  let count = 0;
  while (spentMs < durationMs) {
    const headers = Array.from({ length: batchSize }, (_, i) =>
      (tokens[(count + i) % tokens.length] as Buffer).toString('latin1'),
    );
    const before = process.cpuUsage();
    await run(headers);
    const { user, system } = process.cpuUsage(before);
    spentMs += (user + system) / 1000;
    count += batchSize;
  }
  return (count / spentMs) * 1000;
}
