/**
 * The guard decides the whole catalogue of cases on Bun, Deno and workerd as on Node, by Web Crypto. docs/guard-cases.md,
 * docs/protect-an-api.md.
 */
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterAll, describe, expect, test } from 'vitest';
import type { GuardCase } from '../cases/guard-case.ts';
import type { CatalogueReport } from './runtimes/run-catalogue.ts';

const run = promisify(execFile);
const docs = new URL('../../../docs/', import.meta.url).pathname;
const source = (name: string) => new URL(`runtimes/${name}`, import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'postern-runtimes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cases = globSync('guard-cases/*.json', { cwd: docs }).flatMap(
  (path): GuardCase[] => JSON.parse(readFileSync(docs + path, 'utf8')).cases,
);
const casesPath = join(folder, 'cases.json');
writeFileSync(casesPath, JSON.stringify(cases));

/** Returns the path of a program in the first of these packages that is installed, each of which is for one kind of machine. */
function findProgram(...paths: readonly string[]): string | undefined {
  const { resolve } = createRequire(import.meta.url);
  for (const path of paths) {
    try {
      return resolve(path);
    } catch {
      // The package is for another kind of machine.
    }
  }
  return undefined;
}

const bun = findProgram(
  '@oven/bun-linux-x64/bin/bun',
  '@oven/bun-linux-aarch64/bin/bun',
  '@oven/bun-darwin-aarch64/bin/bun',
);
const deno = findProgram('@deno/linux-x64-glibc/deno', '@deno/linux-arm64-glibc/deno', '@deno/darwin-arm64/deno');
const workerd = findProgram(
  '@cloudflare/workerd-linux-64/bin/workerd',
  '@cloudflare/workerd-linux-arm64/bin/workerd',
  '@cloudflare/workerd-darwin-arm64/bin/workerd',
);

for (const [name, program] of Object.entries({ Bun: bun, Deno: deno, workerd })) {
  if (program === undefined) {
    process.stderr.write(
      `SKIPPED: the cases of the guard on ${name}: its package for this machine is not installed.\n`,
    );
  }
}

function expectAll(report: string): void {
  const { passed, failed, verifiedByWebCrypto }: CatalogueReport = JSON.parse(report);
  expect(failed).toEqual([]);
  expect(passed).toBe(cases.length);
  expect(verifiedByWebCrypto).toBeGreaterThan(cases.length / 3);
}

describe.skipIf(bun === undefined)('Bun', () => {
  test('decides every case of the catalogue, by Web Crypto', async () => {
    const { stdout } = await run(bun as string, [source('on-bun-or-deno.ts'), casesPath]);
    expectAll(stdout);
  });
});

describe.skipIf(deno === undefined)('Deno', () => {
  test('decides every case of the catalogue, by Web Crypto', async () => {
    const permissions = ['--no-remote', '--node-modules-dir=manual', '--allow-read', '--no-check'];
    const { stdout } = await run(deno as string, ['run', ...permissions, source('on-bun-or-deno.ts'), casesPath], {
      env: { DENO_DIR: join(folder, 'deno'), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
    });
    expectAll(stdout);
  });
});

describe.skipIf(workerd === undefined)('workerd', () => {
  test('decides every case of the catalogue, by Web Crypto', async () => {
    await bundle(source('in-worker.ts'), join(folder, 'worker.mjs'));
    const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  bindings = [(name = "CASES", json = embed "cases.json")],
  compatibilityDate = "2026-01-01",
))]);`;
    writeFileSync(join(folder, 'workerd.capnp'), config);
    const { stdout } = await run(workerd as string, ['test', join(folder, 'workerd.capnp')]);
    expectAll(stdout);
  });
});

/** As bundlers for Workers do, among which is that of Wrangler. */
async function bundle(input: string, file: string): Promise<void> {
  const build = await rolldown({
    input,
    platform: 'browser',
    resolve: { conditionNames: ['workerd', 'worker', 'import'] },
  });
  await build.write({ file, format: 'esm' });
  await build.close();
}
