/** A short run of `npm run chaos` on fixed faults, one of which the checker must find: a guard that ignores what it is told. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeBenchDirectory } from '../bench-files.ts';
import { runChaos } from './chaos.ts';
import { checkHistory } from './check.ts';
import { makePlan, type Step } from './plan.ts';
import { promises } from './promises.ts';
import { createRandom } from './random.ts';

const plan: readonly Step[] = [
  { atMs: 2_000, fault: 'fail over' },
  { atMs: 3_500, fault: 'cut the link', process: 'guard-1', forMs: 500 },
  { atMs: 4_500, fault: 'pause', process: 'node-1', forMs: 500 },
  { atMs: 5_500, fault: 'kill the database', forMs: 300 },
];

test('nothing acknowledged is lost in a fail-over, and the checker reports the one guard that ignores revocations', async () => {
  const { records } = await runChaos({
    directory: join(makeBenchDirectory(), 'chaos'),
    seed: 1,
    durationMs: 7_000,
    leastChanges: 30,
    nodes: 2,
    guards: 2,
    plan,
    plant: 'deaf-guard',
    log: () => {},
  });
  const { violations, acknowledged, dead, live } = checkHistory(records, promises);
  expect(violations.filter(({ by }) => by !== 'guard-2')).toEqual([]);
  expect(new Set(violations.map(({ kind }) => kind))).toEqual(new Set(['dead accepted']));
  expect(acknowledged).toBeGreaterThan(29);
  expect(dead).toBeGreaterThan(20);
  expect(live).toBeGreaterThan(20);
});

test('a seed always gives the same plan, and another seed another one', () => {
  const planOf = (seed: number) =>
    makePlan({ nodes: ['node-1'], guards: ['guard-1'], durationMs: 180_000, random: createRandom(seed) });
  expect(planOf(7)).toEqual(planOf(7));
  expect(planOf(7)).not.toEqual(planOf(8));
});
