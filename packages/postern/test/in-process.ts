/** The command inside the test's own process, which costs a tenth of a process of its own. */
import { Readable, Writable } from 'node:stream';
import { runProgram } from '../src/command/run-program.ts';
import { explainRefusal } from '../src/connection/refusal.ts';
import { loadProgram } from '../src/program.ts';
import type { Exit } from './harness.ts';

/** Calls share the standard streams, the variables and the exit code of the process, so that one runs at a time. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs the command with these arguments, with `input` on its standard input. It has these variables, and no others. `onNote` is called
 * with what it has written to its standard error so far.
 */
export function runInProcess(
  args: readonly string[],
  env: Record<string, string>,
  input = '',
  onNote: (text: string) => void = () => {},
): Promise<Exit> {
  const result = last.then(() => runAlone(args, env, input, onNote));
  last = result.catch(() => undefined);
  return result;
}

async function runAlone(
  args: readonly string[],
  env: Record<string, string>,
  input: string,
  onNote: (text: string) => void,
): Promise<Exit> {
  const stdout = new TextCollector();
  const stderr = new TextCollector(onNote);
  const own = { ...Object.getOwnPropertyDescriptors(process) };
  const { exitCode } = process;
  Object.defineProperties(process, {
    env: { value: { ...env }, configurable: true, writable: true, enumerable: true },
    stdin: { value: Readable.from([Buffer.from(input)]), configurable: true, enumerable: true },
    stdout: { value: stdout, configurable: true, enumerable: true },
    stderr: { value: stderr, configurable: true, enumerable: true },
  });
  process.exitCode = 0;
  try {
    await runProgram(await loadProgram(args[0]), args, async (error) => explainRefusal(error));
    return { code: Number(process.exitCode), stdout: stdout.text, stderr: stderr.text };
  } finally {
    const { env: variables, stdin, stdout: out, stderr: err } = own;
    Object.defineProperties(process, { env: variables, stdin, stdout: out, stderr: err } as PropertyDescriptorMap);
    process.exitCode = exitCode;
  }
}

class TextCollector extends Writable {
  text = '';
  readonly #onText: (text: string) => void;

  constructor(onText: (text: string) => void = () => {}) {
    super();
    this.#onText = onText;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    this.#onText(this.text);
    done();
  }
}
