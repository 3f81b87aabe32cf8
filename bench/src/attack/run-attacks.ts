/** `npm run attack`: runs our own attacks against started servers, and fails if one of them succeeds. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BenchError } from '../bench-error.ts';
import { keepResults, makeBenchDirectory } from '../bench-files.ts';
import { parseOptions, readCount, runProgram } from '../bench-options.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { type BenchPostgres, startPostgres } from '../nodes/postgres.ts';
import { formatTable } from '../table.ts';
import { startPostern } from '../token/postern.ts';
import { type Attack, Findings } from './attack.ts';
import { Target } from './target.ts';

const usage = `Usage: npm run attack -- [--only <text>] [--database <name>] [--workers <n>] [--seconds <n>]
  --only      attacks whose name contains the text (default: all)
  --database  sqlite, postgres or both (default: both)
  --workers   processes of the server, 1 to 16 (default: 1 and then 2)
  --seconds   seconds of each measurement, 1 to 600 (default: 5)`;

/** Faults of an attack that are printed; the file of results has all. */
const mostShown = 8;

interface Result {
  readonly attack: string;
  readonly server: string;
  readonly verdict: 'held' | 'fell' | 'not run';
  readonly fell: readonly string[];
  readonly held: readonly string[];
  readonly figures: readonly string[];
}

export async function loadAttacks(): Promise<Attack[]> {
  const names = readdirSync(new URL('./attacks', import.meta.url)).map((file) => basename(file, '.ts'));
  const modules: { attack: Attack }[] = await Promise.all(
    names.toSorted().map((name) => import(`./attacks/${name}.ts`)),
  );
  return modules.map(({ attack }) => attack);
}

interface ServerKind extends Pick<Target, 'workers' | 'seconds'> {
  /** Undefined: SQLite. */
  readonly postgres: BenchPostgres | undefined;
}

/** PostgreSQL is for several nodes, so Postern generates no secrets of its own there. */
const sharedSecrets = {
  OAUTH_ROOT_CLIENT_ID: 'root',
  OAUTH_ROOT_CLIENT_SECRET: randomBytes(32).toString('hex'),
  POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
};

let servers = 0;

/** Starts a server with these variables for the time of `work`. */
export async function withTarget<T>(
  directory: string,
  env: Readonly<Record<string, string>>,
  { postgres, ...kind }: ServerKind,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  servers += 1;
  const data = join(directory, `server-${servers}`);
  const databaseUrl = await postgres?.createDatabase(`attack_${servers}`);
  const postern = await startPostern(data, undefined, {
    POSTERN_WORKERS: `${kind.workers}`,
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl, ...sharedSecrets }),
    ...env,
  });
  try {
    return await work(new Target(postern, databaseUrl, { ...kind, directory: data }));
  } finally {
    await postern.server.stop();
  }
}

async function tryAttack(attack: Attack, target: Target): Promise<Result> {
  const findings = new Findings();
  const server = `${target.database}, ${target.workers === 1 ? '1 process' : `${target.workers} workers`}`;
  let verdict: Result['verdict'] = 'not run';
  try {
    const before = (await target.readLog()).length;
    await attack.run(target, findings);
    const errors = (await target.readLog()).slice(before).match(/^\{"level":[56]0.*$/gm) ?? [];
    findings.check('the server logs no error', errors.length === 0, `${errors.length}: ${errors[0]}`);
    verdict = findings.fell.length > 0 ? 'fell' : 'held';
  } catch (error) {
    findings.fell.push((error as Error).message);
  }
  const { fell, held, figures } = findings;
  console.error(`attack: ${verdict}: ${attack.name} (${server})`);
  return { attack: attack.name, server, verdict, fell, held, figures };
}

async function run(): Promise<void> {
  const { attacks, databases, workers, seconds } = await readArguments();
  const directory = makeBenchDirectory();
  const postgres = databases.includes('postgres') ? await startPostgres() : undefined;
  const alone = attacks.filter(({ isFlood, env }) => isFlood === true || env !== undefined);
  const together = attacks.filter((attack) => !alone.includes(attack));
  try {
    const results: Result[] = [];
    for (const database of databases) {
      for (const count of workers) {
        const kind = { workers: count, seconds, postgres: database === 'postgres' ? postgres : undefined };
        for (const group of [together, ...alone.map((attack) => [attack])].filter(({ length }) => length > 0)) {
          await withTarget(directory, group[0]?.env ?? {}, kind, async (target) => {
            for (const attack of group) {
              results.push(await tryAttack(attack, target));
            }
          });
        }
      }
    }
    report(results);
  } finally {
    await postgres?.stop();
  }
}

function report(results: readonly Result[]): void {
  const fallen = results.filter(({ verdict }) => verdict !== 'held');
  console.log(
    [
      '',
      formatMachine(describeMachine()),
      '',
      ...formatTable([
        ['attack', 'server', 'verdict', 'promises held', 'measured'],
        ...results.map(({ attack, server, verdict, fell, held, figures }) => [
          attack,
          server,
          verdict,
          `${held.length} of ${held.length + fell.length}`,
          figures.join(', '),
        ]),
      ]),
      '',
      ...fallen.flatMap(({ attack, server, fell }) => [
        `${attack} (${server}):`,
        ...fell.slice(0, mostShown).map((text) => `  ${text.slice(0, 300)}`),
        ...(fell.length > mostShown ? [`  and ${fell.length - mostShown} more`] : []),
      ]),
      '',
      `${results.length - fallen.length} of ${results.length} attacks held.`,
      '',
    ].join('\n'),
  );
  keepResults('attack', { date: new Date().toISOString(), machine: describeMachine(), results });
  process.exitCode = fallen.length > 0 ? 1 : 0;
}

async function readArguments() {
  const { values } = parseOptions(
    {
      options: {
        only: { type: 'string' },
        database: { type: 'string', default: 'both' },
        workers: { type: 'string' },
        seconds: { type: 'string', default: '5' },
      },
    },
    usage,
  );
  const attacks = (await loadAttacks()).filter(({ name }) => name.includes(values.only ?? ''));
  if (attacks.length === 0) {
    throw new BenchError(`No attack has "${values.only}" in its name.\n${usage}`);
  }
  if (!['sqlite', 'postgres', 'both'].includes(values.database)) {
    throw new BenchError(`--database: "${values.database}" is not sqlite, postgres or both.\n${usage}`);
  }
  const databases = (['sqlite', 'postgres'] as const).filter((one) => [one, 'both'].includes(values.database));
  const workers = values.workers === undefined ? [1, 2] : [readCount('--workers', values.workers, 16, usage)];
  return { attacks, databases, workers, seconds: readCount('--seconds', values.seconds, 600, usage) };
}

if (import.meta.main) {
  await runProgram('attack', run);
}
