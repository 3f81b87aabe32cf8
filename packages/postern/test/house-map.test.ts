/** The map of the house in CONTRIBUTING.md: each file and each function that it names exists. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** Lines such as `2 token/target.ts   findTarget: what it does`: a path, and perhaps names in the file. */
const mapped = [
  ...readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').matchAll(
    /^ *(?:\d )?([\w*/-]+\/[\w*-]+\.ts) *(?:((?:[\w.]+(?:, )?)+):)?/gm,
  ),
].map(([, path = '', names]) => ({ path, names: names?.split(', ') ?? [] }));

test('the map names many files', () => {
  expect(mapped.length).toBeGreaterThan(25);
});

test.each(mapped)('$path has $names', ({ path, names }) => {
  const files = globSync([`packages/${path}`, `packages/*/src/${path}`], { cwd: root });
  expect(files.length).toBeGreaterThan(0);
  const code = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const missing = names.filter((name) => !new RegExp(`\\b${name.split('.').at(-1)}\\b`).test(code));
  expect(missing).toEqual([]);
});
