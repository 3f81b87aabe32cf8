/** The guard decides every case of the catalogue as the files say that other guards must. docs/guard-cases.md. RFC 9068 §4, RFC 6750 §3. */
import { globSync, readFileSync } from 'node:fs';
import { Compile } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import type { GuardCase, RequestStep } from '../cases/guard-case.ts';
import { runGuardCase } from '../cases/run-guard-case.ts';
import * as library from '../src/index.ts';

const docs = new URL('../../../docs/', import.meta.url).pathname;

const files = globSync('guard-cases/*.json', { cwd: docs }).toSorted();
const read = (path: string) => JSON.parse(readFileSync(docs + path, 'utf8'));
const cases = files.flatMap((path): GuardCase[] => read(path).cases);

describe.concurrent('every case of the catalogue', () => {
  test.for(cases)('$id: $title', async (guardCase, { expect }) => {
    const expected = guardCase.steps.filter((step): step is RequestStep => 'expect' in step);
    expect(await runGuardCase(library, guardCase)).toEqual(expected.map((step) => step.expect));
  });
});

test.each(files)('%s is as its schema says', (path) => {
  expect(Compile(read('schema/guard-cases.schema.json')).Errors(read(path))).toEqual([true, []]);
});

test('the catalogue has at least 300 cases, each with an id of its own', () => {
  expect(cases.length).toBeGreaterThanOrEqual(300);
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
});
