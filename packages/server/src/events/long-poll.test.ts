import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Caller, createLongPoll } from './long-poll.ts';

/** A caller who is connected, or disconnects when 'close' is emitted. */
const createCaller = (closed = false) => Object.assign(new EventEmitter(), { closed }) as EventEmitter & Caller;
const caller = createCaller().setMaxListeners(0) as EventEmitter & Caller;
const long = 3_600_000;

describe('a waiting call', () => {
  test('is woken by news', async () => {
    const longPoll = createLongPoll(2);
    const waiting = [longPoll.wait(0, long, caller), longPoll.wait(0, long, caller)];
    longPoll.wake();
    expect(await Promise.all(waiting)).toEqual([true, true]);
  });

  test('does not wait if there was news since it looked', async () => {
    const longPoll = createLongPoll(1);
    const { version } = longPoll;
    longPoll.wake();
    expect(await longPoll.wait(version, long, caller)).toBe(true);
  });

  test('ends without news when its time is over, also if it was over from the start', async () => {
    const longPoll = createLongPoll(1);
    expect(await longPoll.wait(0, 1, caller)).toBe(false);
    expect(await longPoll.wait(0, 0, caller)).toBe(false);
  });

  test('does not wait if too many calls wait, until one of them ends', async () => {
    const longPoll = createLongPoll(1);
    const listener = createCaller();
    const first = longPoll.wait(0, long, listener);
    expect(await longPoll.wait(0, long, caller)).toBe(false);
    listener.emit('close');
    expect(await first).toBe(false);
    const second = longPoll.wait(0, long, caller);
    longPoll.wake();
    expect(await second).toBe(true);
  });

  test('does not wait if its caller has disconnected', async () => {
    expect(await createLongPoll(1).wait(0, long, createCaller(true))).toBe(false);
  });

  test('does not wait if its address has a quarter of all calls that may wait', async () => {
    const longPoll = createLongPoll(8);
    const waiting = [1, 2].map(() => longPoll.wait(0, long, caller, '192.0.2.1'));
    expect(await longPoll.wait(0, long, caller, '192.0.2.1')).toBe(false);
    const other = longPoll.wait(0, long, caller, '192.0.2.2');
    longPoll.wake();
    expect(await Promise.all([...waiting, other])).toEqual([true, true, true]);
    const again = longPoll.wait(1, long, caller, '192.0.2.1');
    longPoll.wake();
    expect(await again).toBe(true);
  });

  test('is woken in a later turn of the event loop if many wait, and is not woken for news that it has seen', async () => {
    const longPoll = createLongPoll(1_000);
    let woken = 0;
    const waitFor = async (version: number) => {
      await longPoll.wait(version, long, caller);
      woken += 1;
    };
    const waiting = Array.from({ length: 400 }, () => waitFor(0));
    longPoll.wake();
    const late = waitFor(1);
    const wokenInTurn: number[] = [];
    while (woken < 400) {
      await setImmediate();
      wokenInTurn.push(woken);
    }
    await Promise.all(waiting);
    expect(wokenInTurn.length).toBeGreaterThan(4);
    expect(wokenInTurn[0]).toBeLessThan(200);
    expect(woken).toBe(400);
    longPoll.wake();
    await late;
  });

  test('is released when the server stops, and no call waits after that', async () => {
    const longPoll = createLongPoll(1);
    const waiting = longPoll.wait(0, long, caller);
    longPoll.close();
    expect(await waiting).toBe(false);
    expect(await longPoll.wait(0, long, caller)).toBe(false);
  });
});
