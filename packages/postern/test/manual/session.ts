/** A terminal in which the commands of a page run one after the other, and those beside it in which its servers run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export interface Session {
  /** Runs a script whose every command must succeed. Rejects with what it printed where one fails. */
  run(script: string): Promise<void>;
  /** Runs a command and answers what it printed, on both of its outputs, however it ended. */
  print(command: string): Promise<string>;
  /** Starts a server, and settles once it says that it listens. */
  serve(script: string, port: number): Promise<void>;
  /** Takes a server that runs already for one of its own. `stop` ends it. */
  adopt(port: number, stop: () => Promise<void>): void;
  /** Ends the servers, or the one on that port, as Ctrl-C does. */
  stopServers(port?: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Reads `mode file` from descriptor 3, runs the file in this shell, and says on 4 how it ended. What is shown is not mixed with
 * curl's progress, and in a strict script a call that is refused has failed.
 */
const loop = `
  set -o pipefail
  export CURL_HOME=$HOME
  while read -r -u 3 mode file; do
    echo silent > ~/.curlrc
    [ "$mode" = strict ] && set -e && printf 'show-error\nfail-with-body\n' >> ~/.curlrc
    . "$file" > "$file.out" 2>&1 3>&- 4>&-
    status=$?
    set +e
    echo "$status" >&4
  done`;

const timeoutMs = 120_000;

/** In the directory `cwd`, with scratch files in `scratch`. */
export function startSession(cwd: string, scratch: string, env: Record<string, string>): Session {
  const shell = spawn('bash', ['-c', loop], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const input = shell.stdio[3] as Writable;
  const output = (shell.stdio[4] as Readable).setEncoding('utf8');
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  /** What ends each, by its port. */
  const servers = new Map<number, () => Promise<void>>();
  let count = 0;

  async function execute(mode: 'strict' | 'free', script: string): Promise<string> {
    const file = join(scratch, `${++count}.sh`);
    writeFileSync(file, `${script}\n`);
    const timer = setTimeout(() => signal(shell, 'SIGKILL'), timeoutMs);
    const done = new Promise<string>((resolve) => output.once('data', resolve));
    input.write(`${mode} ${file}\n`);
    const status = await Promise.race([done, ended.then(() => 'ended')]);
    clearTimeout(timer);
    const printed = readFileSync(`${file}.out`, 'utf8');
    if (status === 'ended' || (mode === 'strict' && status !== '0\n')) {
      throw new Error(`failed:\n${script}\n\nIt printed:\n${printed}`);
    }
    return printed;
  }

  const session: Session = {
    run: async (script) => void (await execute('strict', script)),
    print: (command) => execute('free', command),
    async serve(script, port) {
      await session.stopServers(port);
      const child = spawn('bash', ['-ec', script], { cwd, env: { ...env, PORT: String(port) }, detached: true });
      servers.set(port, () => end(child));
      await listening(child);
    },
    adopt: (port, stop) => void servers.set(port, stop),
    async stopServers(port) {
      for (const [at, stop] of [...servers].filter(([at]) => port === undefined || at === port)) {
        servers.delete(at);
        await stop();
      }
    },
    async close() {
      await session.stopServers();
      input.end();
      await ended;
    },
  };
  return session;
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let written = '';
    const timer = setTimeout(() => reject(new Error(`does not listen:\n${written}`)), timeoutMs);
    const read = (text: string) => {
      written += text;
      if (/^Postern listens on|^http:\/\/localhost:\d+$|Server listening at/m.test(written)) {
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('close', () => reject(new Error(`ended instead of listening:\n${written}`)));
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      return resolve();
    }
    child.once('close', () => resolve());
    signal(child, 'SIGTERM');
  });
}

/** To it and to all that it started. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid !== undefined) {
    process.kill(-child.pid, name);
  }
}
