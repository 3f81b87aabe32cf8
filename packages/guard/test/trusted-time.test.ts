import { createClock } from '@postern/testing/clock';
import { expect, test } from 'vitest';
import { createTrustedTime } from '../src/trusted-time.ts';

const start = 1_800_000_000;
const day = 86_400;

function open() {
  const clock = createClock(start * 1000);
  const read = createTrustedTime(clock);
  return { clock, trusted: (otherNowMs?: number) => read(otherNowMs)?.keptSinceSeconds };
}

test('everything is kept for a day after it expired', async () => {
  const { clock, trusted } = open();
  await clock.advance(2 * day);
  expect(trusted()).toBe(start + day);
});

test('nothing is forgotten in the first hour, in which a clock that is wrong at the start may be set right', async () => {
  const { clock, trusted } = open();
  await clock.advance(3_599);
  expect(trusted()).toBeUndefined();
  await clock.advance(1);
  expect(trusted()).toBe(start + 3_600 - day);
});

test.each([
  ['ahead', 365 * day],
  ['back', -365 * day],
  ['a little', 61],
])('nothing is forgotten until an hour after the wall clock jumped: %s', async (_, seconds) => {
  const { clock, trusted } = open();
  await clock.advance(3_600);
  expect(trusted()).toBeDefined();
  clock.jump(seconds);
  expect(trusted()).toBeUndefined();
  await clock.advance(60);
  clock.jump(-seconds);
  expect(trusted()).toBeUndefined();
  await clock.advance(3_599);
  expect(trusted()).toBeUndefined();
  await clock.advance(1);
  expect(trusted()).toBe(start + 3_600 + 60 + 3_600 - day);
});

test('a clock that is adjusted a little at a time is trusted', async () => {
  const { clock, trusted } = open();
  for (let minute = 0; minute < 120; minute += 1) {
    await clock.advance(60);
    clock.jump(1);
    trusted();
  }
  expect(trusted()).toBeDefined();
});

test('nothing is forgotten while another clock disagrees', async () => {
  const { clock, trusted } = open();
  await clock.advance(2 * day);
  expect(trusted(clock.now() + 61_000)).toBeUndefined();
  expect(trusted(clock.now() - 61_000)).toBeUndefined();
  expect(trusted(clock.now() + 59_000)).toBe(start + day);
});
