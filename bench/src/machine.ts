/** What the numbers were measured on. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';

export interface Machine {
  readonly processor: string;
  readonly logicalCores: number;
  readonly memoryBytes: number;
  readonly system: string;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    logicalCores: cpus().length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
  };
}

export function formatMachine({ processor, logicalCores, system }: Machine): string {
  return `${processor}, ${logicalCores} cores, ${system}`;
}

/** The version of an installed package. Throws `BenchError` if it is not installed. */
export function versionOf(name: string): string {
  try {
    const file = fileURLToPath(new URL(`../../node_modules/${name}/package.json`, import.meta.url));
    return JSON.parse(readFileSync(file, 'utf8')).version;
  } catch {
    throw new BenchError(`${name} is not installed: run npm install in the root of the checkout.`);
  }
}
