/**
 * The guard decides the whole catalogue of cases on Bun, Deno and workerd as on Node, by Web Crypto. docs/guard-cases.md,
 * docs/protect-an-api.md.
 */
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import type { GuardCase } from '../cases/guard-case.ts';
import { bun, bundle, deno, workerd } from './runtimes/programs.ts';
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
