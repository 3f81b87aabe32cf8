/** `npm run chaos`: breaks a running Postern in random ways, checks its history, and fails if a promise was broken. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../bench-error.ts';
import { makeBenchDirectory } from '../bench-files.ts';
import { parseOptions, readCount, runProgram } from '../bench-options.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { formatTable } from '../table.ts';
import { runChaos } from './chaos.ts';
import { checkHistory, type Report, type ViolationKind } from './check.ts';
import { formatStep, makePlan } from './plan.ts';
import { promises } from './promises.ts';
import { createRandom } from './random.ts';

const usage = `Usage: npm run chaos -- [--seed <n> | --seeds <n>-<n>] [--minutes <n>]
                           [--nodes <n>] [--guards <n>] [--history <dir>] [--plan] [--plant deaf-guard]
  --seed     what everything random comes from (default: 1)
  --seeds    several runs, one after the other, such as 1-10
  --minutes  how long each breaks things, such as 3 or 0.5 (default: 1)
  --nodes    nodes of Postern, 1 to 9 (default: 3)
  --guards   APIs with a guard, each a process, 1 to 9 (default: 3)
  --history  writes the history of each run there, as JSON lines, and the logs of all processes
  --plan     prints what would be done, and does nothing
  --plant    breaks the last guard, to see that the checker finds it`;

/** Violations that are printed; the history has all. */
const mostShown = 12;

const kinds: readonly ViolationKind[] = ['dead accepted', 'live refused', 'acknowledgement lost', 'fault'];

async function run(): Promise<void> {
  const options = readArguments();
  const base = options.history ?? makeBenchDirectory();
  let broken = 0;
  const rows: string[][] = [];
  for (const seed of options.seeds) {
    if (options.isPlan) {
      console.log(planOf(seed, options).join('\n'));
      continue;
    }
    const report = await runSeed(base, seed, options);
    broken += report.violations.length;
    rows.push(rowOf(seed, report));
  }
  if (!options.isPlan) {
    console.log(
      [
        '',
        `${options.nodes} nodes and ${options.guards} guards on PostgreSQL with a replica, ${options.minutes} minutes for each seed`,
        formatMachine(describeMachine()),
        '',
        ...formatTable([
          [
            'seed',
            ...kinds,
            'changes',
            'dead tried',
            'live tried',
            'not judged',
            'excused',
            'refused after p50',
            'most',
          ],
          ...rows,
        ]),
        '',
        broken === 0 ? 'No promise was broken.' : `${broken} violations.`,
      ].join('\n'),
    );
  }
  process.exitCode = broken > 0 ? 1 : 0;
}

async function runSeed(base: string, seed: number, options: Options): Promise<Report> {
  const directory = join(base, `seed-${seed}`);
  console.error(['', `Seed ${seed}, the plan:`, ...planOf(seed, options), ''].join('\n'));
  const { records } = await runChaos({
    directory,
    seed,
    durationMs: options.minutes * 60_000,
    nodes: options.nodes,
    guards: options.guards,
    plant: options.plant,
    log: (text) => console.error(`chaos: ${text}`),
  });
  if (options.history !== undefined) {
    writeFileSync(join(directory, 'history.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  const report = checkHistory(records, promises);
  for (const { kind, at, by, text } of report.violations.slice(0, mostShown)) {
    console.error(`chaos: ${kind} at ${(at / 1_000).toFixed(1)} s, ${by}: ${text}`);
  }
  if (report.violations.length > mostShown) {
    console.error(`chaos: and ${report.violations.length - mostShown} more`);
  }
  for (const [cause, count] of report.excused) {
    console.error(`chaos: ${count} live ones refused, as documented: ${cause}`);
  }
  if (report.violations.length > 0) {
    console.error(`chaos: npm run chaos -- --seed ${seed} --minutes ${options.minutes}`);
  }
  return report;
}

function rowOf(seed: number, report: Report): string[] {
  const sorted = report.refusedAfterMs.toSorted((one, other) => one - other);
  const ms = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(0)} ms`);
  return [
    `${seed}`,
    ...kinds.map((kind) => `${report.violations.filter((violation) => violation.kind === kind).length}`),
    ...[report.acknowledged, report.dead, report.live, report.unknown].map(String),
    `${[...report.excused.values()].reduce((sum, count) => sum + count, 0)}`,
    `${(report.starvedMs / 1_000).toFixed(1)} s`,
    ms(sorted[Math.floor(sorted.length / 2)]),
    ms(sorted.at(-1)),
  ];
}

function planOf(seed: number, { minutes, nodes, guards }: Options): string[] {
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
  const random = createRandom(seed);
  const durationMs = minutes * 60_000;
  return makePlan({ nodes: names('node', nodes), guards: names('guard', guards), durationMs, random }).map(formatStep);
}

interface Options {
  readonly seeds: readonly number[];
  readonly minutes: number;
  readonly nodes: number;
  readonly guards: number;
  readonly history: string | undefined;
  readonly isPlan: boolean;
  readonly plant: string | undefined;
}

function readArguments(): Options {
  const { values } = parseOptions(
    {
      options: {
        seed: { type: 'string', default: '1' },
        seeds: { type: 'string' },
        minutes: { type: 'string', default: '1' },
        nodes: { type: 'string', default: '3' },
        guards: { type: 'string', default: '3' },
        history: { type: 'string' },
        plan: { type: 'boolean', default: false },
        plant: { type: 'string' },
      },
    },
    usage,
  );
  const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(values.seeds ?? values.seed) ?? [];
  if (first === undefined || Number(last) < Number(first)) {
    throw new BenchError(
      `"${values.seeds ?? values.seed}" is no seed, such as 7, and no range of seeds, such as 1-10.\n${usage}`,
    );
  }
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 600)) {
    throw new BenchError(`--minutes: "${values.minutes}" is not a number above 0, at most 600.\n${usage}`);
  }
  if (values.plant !== undefined && values.plant !== 'deaf-guard') {
    throw new BenchError(`--plant: there is no fault "${values.plant}" to plant.\n${usage}`);
  }
  return {
    seeds: Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index),
    minutes,
    nodes: readCount('--nodes', values.nodes, 9, usage),
    guards: readCount('--guards', values.guards, 9, usage),
    history: values.history,
    isPlan: values.plan,
    plant: values.plant,
  };
}

await runProgram('chaos', run);
