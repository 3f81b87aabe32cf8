/** The threat model: each line names tests and attacks that exist, and each attack of ours is named. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');

/** The rows of the table: an attack, the defense, and the names of what tests it. */
const rows = [...page.matchAll(/^\| (?!---|attack \||\|)(.+?) \| .+ \| ([^|]+) \|$/gm)].map(
  ([, attack = '', cell = '']) => ({
    attack,
    names: [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  }),
);
const attacks = globSync('bench/src/attack/attacks/*.ts', { cwd: root }).map(
  (file) => `attacks/${basename(file, '.ts')}`,
);

const known = new Set([
  ...globSync('packages/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] }).map((file) =>
    basename(file, '.test.ts'),
  ),
  ...globSync('packages/*/test/*/', { cwd: root }).map((directory) => basename(directory)),
  ...attacks,
  'npm ci',
]);

test('the table has many rows', () => {
  expect(rows.length).toBeGreaterThan(25);
});

test.each(rows)('$attack: its tests exist', ({ names }) => {
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test('every attack of ours is named', () => {
  const named = new Set(rows.flatMap(({ names }) => names));
  expect(attacks.filter((attack) => !named.has(attack))).toEqual([]);
});
