/** A server under test: a child process, on its own core if there is one, that never outlives the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from './bench-error.ts';

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** All of its environment beside PATH, so that no setting of the person who runs the benchmark changes the result. */
  readonly env?: Readonly<Record<string, string>>;
  /** The file that takes what the server prints, as a service manager would have it. */
  readonly logFile: string;
  /** Undefined: any. */
  readonly core: number | undefined;
}

/** Milliseconds for a server to answer for the first time. */
const startTimeoutMs = 60_000;

/** Milliseconds for a server to end by SIGTERM before it is killed. */
const stopTimeoutMs = 15_000;

/** Milliseconds between two attempts to reach a server that starts: how finely a start can be timed. */
const attemptIntervalMs = 2;

const running = new Set<ChildProcess>();

// Also if the benchmark fails or is interrupted.
process.on('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL');
  }
});

export class ServerProcess {
  readonly name: string;
  readonly #logFile: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor({ name, command, args, env, logFile, core }: ServerCommand) {
    this.name = name;
    this.#logFile = logFile;
    const log = openSync(logFile, 'a', 0o600);
    const [program, ...rest] = [...(core === undefined ? [] : ['taskset', '--cpu-list', `${core}`]), command, ...args];
    this.#child = spawn(program as string, rest, {
      stdio: ['ignore', log, log],
      // Scripts that say `env node` get the version that runs the benchmark.
      env: { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...env },
    });
    closeSync(log);
    running.add(this.#child);
    this.#ended = new Promise((resolve) => {
      const end = () => {
        running.delete(this.#child);
        resolve();
      };
      this.#child.once('exit', end).once('error', end);
    });
  }

  /**
   * What `attempt` returns as soon as it returns anything; a connection that fails counts as nothing yet. Throws
   * `BenchError`, with the end of the server's log, if the server ends before or takes over 60 seconds.
   */
  async untilReady<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + startTimeoutMs;
    while (performance.now() < deadline) {
      if (!running.has(this.#child)) {
        throw new BenchError(`${this.name} ended before it answered.\n${this.#lastWords()}`);
      }
      const result = await attempt().catch((error: Error) => {
        if (!isNetworkFault(error)) {
          throw new BenchError(`${this.name}: ${error.message}`);
        }
        return undefined;
      });
      if (result !== undefined) {
        return result;
      }
      await sleep(attemptIntervalMs);
    }
    throw new BenchError(`${this.name} did not answer within ${startTimeoutMs / 1000} seconds.\n${this.#lastWords()}`);
  }

  /** Seconds of processor time used so far by the process and its descendants; undefined if there is no /proc. */
  cpuSeconds(): number | undefined {
    return this.#sum((pid) => {
      // Fields are counted after the name, which may hold spaces: utime is the 12th from there, stime the 13th.
      const fields = readProc(pid, 'stat')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
    });
  }

  /** The most resident memory so far, in bytes, of the process and its descendants; undefined if there is no /proc. */
  peakMemoryBytes(): number | undefined {
    return this.#sum((pid) => 1024 * Number(/^VmHWM:\s*(\d+) kB/m.exec(readProc(pid, 'status'))?.[1]));
  }

  /** Of the process itself; 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether it still runs, or is paused. */
  get isRunning(): boolean {
    return running.has(this.#child);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it in the middle of its work. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
    await this.#ended;
    clearTimeout(killer);
  }

  #sum(measure: (pid: number) => number): number | undefined {
    const pid = this.#child.pid;
    return process.platform !== 'linux' || pid === undefined
      ? undefined
      : familyOf(pid).reduce((sum, member) => sum + measure(member), 0);
  }

  #lastWords(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  }
}

/** True if something listens on the port, and otherwise undefined. */
export function findListener(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(undefined));
  });
}

/** The unit of processor times in /proc, the same on every Linux that Node runs on. */
const clockTicksPerSecond = 100;

function familyOf(pid: number): number[] {
  const children = readProc(pid, `task/${pid}/children`)
    .split(' ')
    .filter((text) => text !== '');
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

function readProc(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8');
}

/** `fetch` wraps the socket's error. */
function isNetworkFault({ cause }: Error): boolean {
  const { code } = (cause ?? {}) as { code?: string };
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}
