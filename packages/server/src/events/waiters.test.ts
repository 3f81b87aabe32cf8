import { describe, expect, test } from 'vitest';
import { createWaiters } from './waiters.ts';

const { signal } = new AbortController();
const long = 3_600_000;

describe('a waiter', () => {
  test('is woken by news', async () => {
    const waiters = createWaiters(2);
    const waiting = [waiters.wait(0, long, signal), waiters.wait(0, long, signal)];
    waiters.wake();
    expect(await Promise.all(waiting)).toEqual([true, true]);
  });

  test('does not wait where there was news since it looked', async () => {
    const waiters = createWaiters(1);
    const { version } = waiters;
    waiters.wake();
    expect(await waiters.wait(version, long, signal)).toBe(true);
  });

  test('is told in vain when its time is over, or was from the start', async () => {
    const waiters = createWaiters(1);
    expect(await waiters.wait(0, 1, signal)).toBe(false);
    expect(await waiters.wait(0, 0, signal)).toBe(false);
  });

  test('does not wait where too many do, until one of them is gone', async () => {
    const waiters = createWaiters(1);
    const listener = new AbortController();
    const first = waiters.wait(0, long, listener.signal);
    expect(await waiters.wait(0, long, signal)).toBe(false);
    listener.abort();
    expect(await first).toBe(false);
    const second = waiters.wait(0, long, signal);
    waiters.wake();
    expect(await second).toBe(true);
  });

  test('does not wait where nobody listens any more', async () => {
    expect(await createWaiters(1).wait(0, long, AbortSignal.abort())).toBe(false);
  });

  test('is released at the end, and nobody waits after it', async () => {
    const waiters = createWaiters(1);
    const waiting = waiters.wait(0, long, signal);
    waiters.close();
    expect(await waiting).toBe(false);
    expect(await waiters.wait(0, long, signal)).toBe(false);
  });
});
