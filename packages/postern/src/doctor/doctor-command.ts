/** `postern doctor`: checks whether a deployment works, and what in it is not fit for production. */
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import { CommandError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { type ConnectionOptions, findConnection, findServer, readServer } from '../connection/connection.ts';
import type { Environment } from '../connection/profile.ts';
import { explainRefusal } from '../connection/refusal.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { readInput } from '../input/read-input.ts';
import { print } from '../output/output.ts';
import { paint } from '../output/paint.ts';
import { oneLine } from '../output/terminal-text.ts';
import { type Finding, fail } from './finding.ts';
import { checkFromOutside } from './outside-checks.ts';

interface DoctorOptions extends ConnectionOptions {
  readonly local?: true;
  readonly envFile?: string;
}

interface Report {
  readonly result: Finding['severity'];
  readonly findings: readonly (Finding & { readonly seen: 'outside' | 'locally' })[];
}

export function doctorCommand(): Command {
  return serverVerb('doctor', 'Check a deployment, and say what to do about each finding.', [
    ['doctor --server https://auth.example.com', 'from outside, as every caller sees it'],
    ['doctor --local', 'the configuration and the files of the server on this machine, before or while it runs'],
    ['doctor --local --env-file /etc/postern.env', 'with the variables of its unit'],
  ])
    .option('--local', 'check the environment variables and files of this machine; also the server if one is named')
    .option('--env-file <file>', 'with --local: file with the variables, one NAME=value per line')
    .addHelpText('after', 'Exit code 0: no finding, or only warnings. 1: something must be fixed.')
    .action(doctor);
}

async function doctor(_options: unknown, command: Command): Promise<void> {
  const { local, envFile, ...options } = command.opts<DoctorOptions>();
  const server = local ? await findServer(options, process.env) : await readServer(options, process.env);
  const findings = [
    ...(local ? await findLocally(envFile) : []).map((finding) => ({ seen: 'locally', ...finding }) as const),
    ...(server === undefined ? [] : await findOutside(server, options)).map(
      (finding) => ({ seen: 'outside', ...finding }) as const,
    ),
  ];
  const worst = (['fail', 'warn'] as const).find((severity) => findings.some((one) => one.severity === severity));
  print<Report>(command, { result: worst ?? 'ok', findings }, formatReport);
  if (worst === 'fail') {
    process.exitCode = exitCodes.failed;
  }
}

/** The server's code is loaded only if its configuration is checked. */
async function findLocally(envFile: string | undefined): Promise<Finding[]> {
  const { checkLocally } = await import('./local-config.ts');
  const env: Environment = envFile === undefined ? process.env : parseEnv(await readInput(envFile));
  return checkLocally(env, Date.now());
}

async function findOutside(server: string, options: ConnectionOptions): Promise<Finding[]> {
  const findings = await checkFromOutside(server);
  const connection = await findConnection(options, process.env);
  if (connection === undefined || connection.server !== server || findings.length === 1) {
    return findings;
  }
  const { checkTokens } = await import('./token-checks.ts');
  try {
    return [...findings, ...(await checkTokens(connection, Date.now()))];
  } catch (thrown) {
    const error = explainRefusal(thrown);
    if (!(error instanceof CommandError)) {
      throw error;
    }
    return [
      ...findings,
      fail('sign-in', `The signed-in client gets no token: ${error.message}`, 'Sign in again: postern login'),
    ];
  }
}

const marks = { ok: ['green', 'ok  '], warn: ['yellow', 'WARN'], fail: ['red', 'FAIL'] } as const;
const headlines = {
  ok: 'Everything is fine.',
  warn: 'The deployment works, but is not fit for production.',
  fail: 'Something must be fixed.',
};

function formatReport({ result, findings }: Report): string {
  const width = Math.max(...findings.map(({ about }) => about.length));
  const lines = findings.flatMap(({ severity, about, text, next }) => [
    `  ${paint(marks[severity][0], marks[severity][1])}  ${about.padEnd(width)}  ${oneLine(text)}\n`,
    ...(next === undefined ? [] : [`        ${' '.repeat(width)}  ${oneLine(next)}\n`]),
  ]);
  return `${headlines[result]}\n\n${lines.join('')}`;
}
