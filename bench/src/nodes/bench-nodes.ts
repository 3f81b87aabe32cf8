/**
 * What a second node adds, and what issuing costs the database: tokens a second of one node and of two on one
 * PostgreSQL, tokens for each second of processor time, and the transactions and rows that the database counted.
 *
 * Nodes share nothing but the database, which issuing does not touch; so two serve twice as much where each has a core
 * of its own and the load another. With fewer cores the sum is what the machine allows, and the tokens for each
 * second of processor time tell whether the second node costs the first anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatTable } from '../table.ts';
import { applyLoad } from '../token/load.ts';
import { createClient, type RunningPostern, tokenPath } from '../token/postern.ts';
import { formatRequest, tokenForm } from '../token/token-request.ts';
import { startNode } from './node.ts';
import { type DatabaseCounts, startPostgres } from './postgres.ts';

interface Result {
  readonly answersPerSecond: number;
  /** Undefined if the system does not say. */
  readonly tokensPerCpuSecond: number | undefined;
}

/** Cores for two nodes and the load. */
const wantedCores = 3;

export async function benchNodes({ rounds, seconds }: BenchOptions): Promise<void> {
  const directory = makeBenchDirectory();
  const postgres = await startPostgres();
  const nodes = [
    await startNode(directory, 'node-1', postgres.url),
    await startNode(directory, 'node-2', postgres.url),
  ] as const;
  const form = tokenForm(await createClient(nodes[0], 'policy:read rule:read storage:read'));
  await measure(nodes, form, 2);

  const one: Result[] = [];
  const two: Result[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`Round ${round} of ${rounds}`);
    one.push(await measure([nodes[0]], form, seconds));
    two.push(await measure(nodes, form, seconds));
  }
  progress('Asking the database what it did');
  const observedSeconds = rounds * seconds;
  const idle = await countWhile(postgres.counts, () => sleep(observedSeconds * 1000));
  let tokens = 0;
  const busy = await countWhile(postgres.counts, async () => {
    tokens = (await measure(nodes, form, observedSeconds)).answersPerSecond * observedSeconds;
  });

  await Promise.all(nodes.map(({ server }) => server.stop()));
  await postgres.stop();
  const median = (results: readonly Result[], value: keyof Result) =>
    spreadOf(results.map((result) => result[value] ?? Number.NaN)).median;
  const machine = describeMachine();
  const ratio = median(two, 'answersPerSecond') / median(one, 'answersPerSecond');
  const verdict =
    machine.logicalCores >= wantedCores ? (ratio >= 1.8 ? 'met' : 'missed') : `needs ${wantedCores} cores or more`;
  console.log(
    [
      '',
      `Tokens of one node and of two on one PostgreSQL, medians of ${rounds} rounds of ${seconds} s`,
      formatMachine(machine),
      '',
      ...formatTable([
        ['', 'tokens/s', 'tokens for each second of processor time'],
        ...[['one node', one] as const, ['two nodes', two] as const].map(([title, results]) => [
          title,
          median(results, 'answersPerSecond').toFixed(0),
          median(results, 'tokensPerCpuSecond').toFixed(0),
        ]),
      ]),
      '',
      ...formatTable([
        ['', 'measured', 'target', ''],
        ['two nodes of one', ratio.toFixed(2), 'at least 1.80', verdict],
      ]),
      '',
      ...formatTable([
        [`the database in ${observedSeconds} s`, 'transactions', 'rows written'],
        ['without load', String(idle.transactions), String(idle.rowsWritten)],
        [`with ${tokens.toFixed(0)} tokens issued`, String(busy.transactions), String(busy.rowsWritten)],
      ]),
      '',
    ].join('\n'),
  );
  keepResults('nodes', {
    date: new Date().toISOString(),
    machine,
    options: { rounds, seconds },
    one,
    two,
    idle,
    busy,
    tokens,
  });
}

/** Load on all of these nodes at once. */
async function measure(nodes: readonly RunningPostern[], form: string, seconds: number): Promise<Result> {
  const cpuBefore = cpuSecondsOf(nodes);
  const results = await Promise.all(
    nodes.map(({ port }, index) => {
      const request = formatRequest(port, tokenPath, form);
      return applyLoad({ name: `node ${index + 1}`, port, nextRequest: () => request }, seconds);
    }),
  );
  const cpuAfter = cpuSecondsOf(nodes);
  const answersPerSecond = results.reduce((sum, result) => sum + result.answersPerSecond, 0);
  return {
    answersPerSecond,
    tokensPerCpuSecond:
      cpuBefore === undefined || cpuAfter === undefined
        ? undefined
        : (answersPerSecond * seconds) / (cpuAfter - cpuBefore),
  };
}

function cpuSecondsOf(nodes: readonly RunningPostern[]): number | undefined {
  return nodes.reduce<number | undefined>((sum, { server }) => {
    const used = server.cpuSeconds();
    return sum === undefined || used === undefined ? undefined : sum + used;
  }, 0);
}

async function countWhile(
  counts: () => Promise<DatabaseCounts>,
  work: () => Promise<unknown>,
): Promise<DatabaseCounts> {
  // Its statistics come about a second late.
  await sleep(2_000);
  const before = await counts();
  await work();
  await sleep(2_000);
  const after = await counts();
  return {
    transactions: after.transactions - before.transactions,
    rowsWritten: after.rowsWritten - before.rowsWritten,
  };
}
