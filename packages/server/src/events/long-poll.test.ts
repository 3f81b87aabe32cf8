import { describe, expect, test } from 'vitest';
import { createLongPoll } from './long-poll.ts';

const { signal } = new AbortController();
const long = 3_600_000;

describe('a waiting call', () => {
  test('is woken by news', async () => {
    const longPoll = createLongPoll(2);
    const waiting = [longPoll.wait(0, long, signal), longPoll.wait(0, long, signal)];
    longPoll.wake();
    expect(await Promise.all(waiting)).toEqual([true, true]);
  });

  test('does not wait if there was news since it looked', async () => {
    const longPoll = createLongPoll(1);
    const { version } = longPoll;
    longPoll.wake();
    expect(await longPoll.wait(version, long, signal)).toBe(true);
  });

  test('ends without news when its time is over, also if it was over from the start', async () => {
    const longPoll = createLongPoll(1);
    expect(await longPoll.wait(0, 1, signal)).toBe(false);
    expect(await longPoll.wait(0, 0, signal)).toBe(false);
  });

  test('does not wait if too many calls wait, until one of them ends', async () => {
    const longPoll = createLongPoll(1);
    const listener = new AbortController();
    const first = longPoll.wait(0, long, listener.signal);
    expect(await longPoll.wait(0, long, signal)).toBe(false);
    listener.abort();
    expect(await first).toBe(false);
    const second = longPoll.wait(0, long, signal);
    longPoll.wake();
    expect(await second).toBe(true);
  });

  test('does not wait if its caller has disconnected', async () => {
    expect(await createLongPoll(1).wait(0, long, AbortSignal.abort())).toBe(false);
  });

  test('does not wait if its address has a quarter of all calls that may wait', async () => {
    const longPoll = createLongPoll(8);
    const waiting = [1, 2].map(() => longPoll.wait(0, long, signal, '192.0.2.1'));
    expect(await longPoll.wait(0, long, signal, '192.0.2.1')).toBe(false);
    const other = longPoll.wait(0, long, signal, '192.0.2.2');
    longPoll.wake();
    expect(await Promise.all([...waiting, other])).toEqual([true, true, true]);
    const again = longPoll.wait(1, long, signal, '192.0.2.1');
    longPoll.wake();
    expect(await again).toBe(true);
  });

  test('is released when the server stops, and no call waits after that', async () => {
    const longPoll = createLongPoll(1);
    const waiting = longPoll.wait(0, long, signal);
    longPoll.close();
    expect(await waiting).toBe(false);
    expect(await longPoll.wait(0, long, signal)).toBe(false);
  });
});
