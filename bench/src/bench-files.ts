/** Where a benchmark keeps what it needs while it runs and what it has measured, and how it says how far it is. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
// Its servers end when the process does, and must have when their data goes.
import './server-process.ts';

const resultDirectory = fileURLToPath(new URL('../results', import.meta.url));

/** Returns a directory that is removed when the benchmark ends, also if it is interrupted. */
export function makeBenchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  return directory;
}

export function progress(text: string): void {
  console.error(`bench: ${text}`);
}

/** Writes all measurements to `bench/results/<name>.json`, and says so. */
export function keepResults(name: string, results: object): void {
  const file = join(resultDirectory, `${name}.json`);
  mkdirSync(resultDirectory, { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`All measurements: ${relative(process.cwd(), file)}`);
}
