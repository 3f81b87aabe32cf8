/** The command inside the test's own process, which costs a tenth of a process of its own: signed in by the environment. */
import { runProgram } from '../src/command/run-program.ts';
import { explainRefusal } from '../src/connection/refusal.ts';
import { loadProgram } from '../src/program.ts';
import type { RootCredentials } from './harness.ts';

export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls follow each other: they share standard output and the exit code. */
export function createCommand(server: string, { clientId, clientSecret }: RootCredentials) {
  Object.assign(process.env, {
    POSTERN_SERVER: server,
    POSTERN_CLIENT_ID: clientId,
    POSTERN_CLIENT_SECRET: clientSecret,
    XDG_CONFIG_HOME: '/nonexistent',
  });
  return async (...args: readonly string[]): Promise<Printed> => {
    const written = { stdout: '', stderr: '' };
    const { stdout, stderr } = process;
    const writes = { stdout: stdout.write, stderr: stderr.write };
    const { exitCode } = process;
    for (const name of ['stdout', 'stderr'] as const) {
      process[name].write = ((text: string) => {
        written[name] += text;
        return true;
      }) as typeof stdout.write;
    }
    process.exitCode = 0;
    try {
      await runProgram(await loadProgram(args[0]), args, async (error) => explainRefusal(error));
      return { code: Number(process.exitCode), ...written };
    } finally {
      stdout.write = writes.stdout;
      stderr.write = writes.stderr;
      process.exitCode = exitCode;
      stdout.removeAllListeners('error');
    }
  };
}
