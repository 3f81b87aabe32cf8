/** The real `postern` command for tests: a process of its own, on data and a port of its own, spoken to over HTTP. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { freePort } from '@postern/testing/free-port';

const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));

/** One cache for all processes: compiling the sources takes four times as long as the rest of a short command. */
const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../node_modules/.cache/postern-test', import.meta.url)),
};

export interface Exit {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServeProcess {
  /** Where it listens. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** All that it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Settles once `text` is in the log, which goes to standard output. Rejects where the process ends before. */
  logged(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly exit: Promise<Exit>;
  /** Stops it as an operator would who is in a hurry: the second signal cuts off callers. */
  stop(): Promise<Exit>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** A directory for one test's data, which the command makes itself inside of it. */
export function makeTemporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'postern-test-'));
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true });
}

/** Runs the command with these arguments until it ends. It has these variables and the cache, and no others. */
export function run(args: readonly string[], env: Record<string, string> = {}, cwd = tmpdir()): Promise<Exit> {
  return exitOf(
    spawn(process.execPath, [main, ...args], { cwd, env: { ...compileCache, ...env }, ...endAfter(20_000) }),
  );
}

/** A process that hangs is killed after `timeoutMs`, and does not burn on when the test that started it gave up. */
function endAfter(timeoutMs: number) {
  return { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' } satisfies SpawnOptions;
}

export interface ServeOptions {
  /** What runs as `postern`. Default: this repository's, on the Node of the tests. */
  readonly command?: readonly [string, ...string[]];
  /** Default: `data` in the working directory. */
  readonly dataDir?: string;
  /** Default: one that is free. */
  readonly port?: number;
  readonly env?: Record<string, string>;
  /** Options of `postern serve`. */
  readonly args?: readonly string[];
}

/** `postern serve` in the directory `cwd`, once it listens. Rejects with its output if it does not start. */
export async function startServe(cwd: string, options: ServeOptions = {}): Promise<ServeProcess> {
  const { dataDir = join(cwd, 'data'), port = await freePort() } = options;
  // Where many tests share a machine, everything is late.
  const env = {
    ...compileCache,
    PORT: String(port),
    POSTERN_METRICS_PORT: String(port),
    POSTERN_DATA_DIR: dataDir,
    POSTERN_OVERLOAD_MS: '0',
    ...options.env,
  };
  const [program, ...args] = options.command ?? [process.execPath, main];
  const child = spawn(program, [...args, 'serve', ...(options.args ?? [])], { cwd, env, ...endAfter(300_000) });
  const output = collect(child);
  const exit = exitOf(child, output);

  const written = (stream: 'stdout' | 'stderr', text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (output[stream].includes(text)) {
          child[stream]?.off('data', look);
          resolve();
        }
      };
      child[stream]?.on('data', look);
      exit.then(({ stderr }) => reject(new Error(`ended without "${text}": ${stderr}`)), reject);
      look();
    });

  await written('stderr', 'Postern listens on');
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    dataDir,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    logged: (text) => written('stdout', text),
    signal: (name) => void child.kill(name),
    exit,
    stop() {
      child.kill('SIGTERM');
      child.kill('SIGINT');
      return exit;
    },
  };
}

export interface RootCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** As generated into `root.env` of a data directory. */
export function rootCredentials(dataDir: string): RootCredentials {
  const env = parseEnv(readFileSync(join(dataDir, 'root.env'), 'utf8'));
  return { clientId: env['OAUTH_ROOT_CLIENT_ID'] ?? '', clientSecret: env['OAUTH_ROOT_CLIENT_SECRET'] ?? '' };
}

/** `curl -d`: the pairs as they are, with the type that curl gives them. */
export function postForm(url: string, ...pairs: readonly string[]): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return call('POST', url, headers, pairs.join('&'));
}

/** `curl -X method url -H header… -d body`. */
export async function call(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

/** A token by client_credentials; throws where the server refuses. */
export async function acquireToken(url: string, { clientId, clientSecret }: RootCredentials): Promise<string> {
  const { status, body } = await postForm(
    `${url}/api/v1/oauth/token`,
    `client_id=${clientId}`,
    `client_secret=${clientSecret}`,
    'grant_type=client_credentials',
  );
  if (status !== 200) {
    throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
  }
  return body.access_token;
}

interface Output {
  stdout: string;
  stderr: string;
}

function collect(child: ChildProcess): Output {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return output;
}

function exitOf(child: ChildProcess, output = collect(child)): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
  });
}
