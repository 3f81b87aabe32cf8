/** A lane in which addresses take turns. */
import { expect, test } from 'vitest';
import { createFairLane } from './fair-lane.ts';

/** Work that ends when it is told to, and records when it begins. */
function createWork() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    start: (name: string) => () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.push(() => resolve(name)));
    },
    endAll: async () => {
      while (ends.length > 0) {
        ends.shift()?.();
        await new Promise(setImmediate);
      }
    },
  };
}

test('runs one at a time, and addresses take turns', async () => {
  const { begun, start, endAll } = createWork();
  const lane = createFairLane();
  const all = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => lane.run(name.charAt(0), start(name)));
  expect(begun).toEqual(['a1']);
  await endAll();
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'b2']);
  expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
});

test('continues after work that fails', async () => {
  const lane = createFairLane();
  const failed = lane.run('a', () => Promise.reject(new Error('broken')));
  const next = lane.run('a', async () => 'next');
  await expect(failed).rejects.toThrow('broken');
  expect(await next).toBe('next');
  expect(await lane.run('a', async () => 'later')).toBe('later');
});

test('holds 100 of one address and 500 of all, and has room again when they are done', async () => {
  const { start, endAll } = createWork();
  const lane = createFairLane();
  const first = lane.run('first', start('first'));
  const waiting = Array.from({ length: 500 }, (_, index) => lane.run(`address ${index % 5}`, start('x')));
  expect(waiting.every((one) => one !== undefined)).toBe(true);
  expect(lane.run('address 0', start('too much of one'))).toBeUndefined();
  expect(lane.run('another', start('too much'))).toBeUndefined();
  await endAll();
  await Promise.all([first, ...waiting]);
  const last = lane.run('address 0', start('last'));
  await endAll();
  expect(await last).toBe('last');
});
