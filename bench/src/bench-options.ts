/** What the options of a benchmark mean. */
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
