/** Steps of requests that arrive in one turn of the event loop. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurn } from './turn.ts';

test('all steps of a turn are taken before any of their callers continues', async () => {
  const takeTurn = createTurn();
  const order: string[] = [];
  const request = async (name: string) => {
    await takeTurn(() => void order.push(`step ${name}`));
    order.push(`answer ${name}`);
  };
  await Promise.all([request('a'), request('b'), request('c')]);
  expect(order).toEqual(['step a', 'step b', 'step c', 'answer a', 'answer b', 'answer c']);
});

test('a step that throws rejects its own caller only', async () => {
  const takeTurn = createTurn();
  const results = await Promise.allSettled([
    takeTurn(() => 1),
    takeTurn(() => {
      throw new Error('this one');
    }),
    takeTurn(() => 3),
  ]);
  expect(results).toEqual([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: new Error('this one') },
    { status: 'fulfilled', value: 3 },
  ]);
});

test('a lone step waits for nobody, and one that is asked for by another step has the next turn', async () => {
  const takeTurn = createTurn();
  const order: string[] = [];
  const later = takeTurn(() => {
    order.push('first');
    return takeTurn(() => order.push('second'));
  });
  await nextTurn();
  expect(order).toEqual(['first']);
  await later;
  expect(order).toEqual(['first', 'second']);
});

test('steps that take long leave room for others: after ten milliseconds the rest has the next turn, in order', async () => {
  let nowMs = 0;
  const takeTurn = createTurn(() => nowMs);
  const order: string[] = [];
  const slow = ['a', 'b', 'c'].map((name) =>
    takeTurn(() => {
      nowMs += 6;
      order.push(name);
    }),
  );
  await nextTurn();
  expect(order).toEqual(['a', 'b']);
  const late = takeTurn(() => order.push('d'));
  await Promise.all([...slow, late]);
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});
