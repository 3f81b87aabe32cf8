/**
 * Whether a million clients cost more than a hundred: tokens a second and latency, memory, and the start, of the same
 * Postern on an SQLite database with few and with many. The load is of a hundred clients on both, as of a working day;
 * and, on the large one, of all its clients at random, which no cache holds.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { takeCores } from '../cores.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatMemory, formatTable, verdict } from '../table.ts';
import { applyLoad, type LoadResult } from '../token/load.ts';
import { createClient, type RunningPostern, startPostern, tokenPath } from '../token/postern.ts';
import { timeStarts } from '../token/starts.ts';
import { formatRequest, tokenForm } from '../token/token-request.ts';
import { clientIdOf, fillClients } from './fill-clients.ts';

const fewClients = 100;
const manyClients = 1_000_000;
const startRounds = 5;
const scope = 'policy:read rule:read storage:read';

interface Row {
  readonly title: string;
  readonly postern: RunningPostern;
  readonly nextRequest: () => Buffer;
  readonly results: Omit<LoadResult, 'samples'>[];
}

export async function benchClients({ rounds, seconds }: BenchOptions): Promise<void> {
  const cores = takeCores();
  const core = typeof cores === 'string' ? undefined : cores.server;
  const directory = makeBenchDirectory();
  const few = await prepare(join(directory, 'few'), fewClients, core);
  const many = await prepare(join(directory, 'many'), manyClients, core);

  const [onFew, onMany] = [await startPostern(few.data, core), await startPostern(many.data, core)];
  const load = (title: string, postern: RunningPostern, secret: string, among: number): Row => ({
    title,
    postern,
    nextRequest: () => {
      const credentials = { clientId: clientIdOf(randomInt(among)), clientSecret: secret };
      return formatRequest(postern.port, tokenPath, tokenForm(credentials, scope));
    },
    results: [],
  });
  const rows = [
    load('(a) 100 clients', onFew, few.secret, fewClients),
    load('(b) 100 of 1,000,000 clients', onMany, many.secret, fewClients),
  ];
  // Last, and its memory with it: it fills the cache that the other two rows leave nearly empty.
  const atRandom = load('(c) all of 1,000,000 clients at random', onMany, many.secret, manyClients);
  for (const row of rows) {
    await measure(row, 2);
    row.results.pop();
  }
  for (let round = 1; round <= rounds; round += 1) {
    progress(`Round ${round} of ${rounds}`);
    for (const row of rows) {
      await measure(row, seconds);
    }
  }
  const memory = rows.map(({ postern }) => postern.server.peakMemoryBytes());
  for (let round = 1; round <= rounds; round += 1) {
    await measure(atRandom, seconds);
  }
  memory.push(onMany.server.peakMemoryBytes());
  await Promise.all([onFew.server.stop(), onMany.server.stop()]);

  progress('Timing starts');
  const startsMs = {
    few: await timeStarts(few.data, core, startRounds),
    many: await timeStarts(many.data, core, startRounds),
  };
  const all = [...rows, atRandom];
  print(all, memory, startsMs, { rounds, seconds });
  keepResults('clients', {
    date: new Date().toISOString(),
    machine: describeMachine(),
    options: { rounds, seconds },
    cores,
    rows: all.map(({ title, results }, index) => ({ title, results, peakMemoryBytes: memory[index] })),
    startsMs,
  });
}

/** A data directory with so many clients, all with one secret. */
async function prepare(
  data: string,
  count: number,
  core: number | undefined,
): Promise<{ data: string; secret: string }> {
  progress(`Creating ${count} clients`);
  const postern = await startPostern(data, core);
  const { clientId, clientSecret } = await createClient(postern, scope);
  await postern.server.stop();
  fillClients(data, clientId, count);
  return { data, secret: clientSecret };
}

async function measure({ title, postern, nextRequest, results }: Row, seconds: number): Promise<void> {
  const { samples: _, ...result } = await applyLoad({ name: title, port: postern.port, nextRequest }, seconds);
  results.push(result);
}

function print(
  rows: readonly Row[],
  memory: readonly (number | undefined)[],
  startsMs: { readonly few: readonly number[]; readonly many: readonly number[] },
  { rounds, seconds }: Pick<BenchOptions, 'rounds' | 'seconds'>,
): void {
  const median = ({ results }: Row, value: 'answersPerSecond' | 'p99Ms') =>
    spreadOf(results.map((result) => result[value])).median;
  const [few, many] = rows as [Row, Row];
  const rate = median(few, 'answersPerSecond') / median(many, 'answersPerSecond');
  const p99 = median(many, 'p99Ms') / median(few, 'p99Ms');
  const starts = { few: spreadOf(startsMs.few).median, many: spreadOf(startsMs.many).median };
  console.log(
    [
      '',
      `Tokens on SQLite with few and with many clients, medians of ${rounds} rounds of ${seconds} s`,
      formatMachine(describeMachine()),
      '',
      ...formatTable([
        ['', 'tokens/s', 'p99', 'peak memory'],
        ...rows.map((row, index) => [
          row.title,
          median(row, 'answersPerSecond').toFixed(0),
          `${median(row, 'p99Ms').toFixed(2)} ms`,
          formatMemory(memory[index]),
        ]),
      ]),
      '',
      ...formatTable([
        ['', 'measured', 'target', ''],
        ['tokens/s, a/b', rate.toFixed(2), 'at most 1.20', verdict(rate <= 1.2)],
        ['p99, b/a', p99.toFixed(2), 'at most 1.20', verdict(p99 <= 1.2)],
        ['ms to first token, few', starts.few.toFixed(0), '', ''],
        ['ms to first token, many', starts.many.toFixed(0), 'as with few', ''],
      ]),
      '',
    ].join('\n'),
  );
}
