/** The options of a benchmark: what they mean, and what is said about those that are wrong. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { BenchError } from './bench-error.ts';

/** How long a benchmark runs: so many rounds, and so many seconds of load on each server in each. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** How many things of those that `scale` counts there are. */
  readonly percent: number;
}

/** Throws `BenchError` unless `text` is a whole number from 1 to `most`. */
export function readCount(option: string, text: string, most: number, usage: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 1 && count <= most)) {
    throw new BenchError(`${option}: "${text}" is not a whole number from 1 to ${most}.\n${usage}`);
  }
  return count;
}

/** Throws `BenchError` with `usage` for arguments that the configuration does not have. */
export function parseOptions<Config extends ParseArgsConfig>(config: Config, usage: string) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new BenchError(`${(error as Error).message}\n${usage}`);
  }
}

/** Runs a program, and says what is wrong if it throws a `BenchError`. */
export async function runProgram(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof BenchError)) {
      throw error;
    }
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
