/**
 * Requests that wait for news (long polling), up to a limit, of which one address may use a quarter. If many wait, they are woken
 * in several turns of the event loop, so that other requests are answered in between.
 */
import type { ServerResponse } from 'node:http';

/** The answer that somebody waits for, which closes if he disconnects. */
export type Caller = Pick<ServerResponse, 'closed' | 'once' | 'off'>;

export interface LongPoll {
  /** Rises with all news. Read it before you look for something, so that `wait` recognizes later news. */
  readonly version: number;
  /**
   * Resolves to true as soon as there is news since `version`. Resolves to false after `ms` without news, when `caller`
   * disconnects, and at once if too many wait already, in all or for `address`, or the server stops.
   */
  wait(version: number, ms: number, caller: Caller, address?: string): Promise<boolean>;
  wake(): void;
  /** Wakes all, and lets no request wait from then on. */
  close(): void;
}

interface Waiter {
  /** The version since which it waits for news. */
  readonly seen: number;
  readonly resume: (isNews: boolean) => void;
}

/** Requests that are woken in one turn: some milliseconds of work. */
const mostInTurn = 50;

export function createLongPoll(most: number): LongPoll {
  /** In the order in which they came, so that those who wait for the latest version are the last. */
  const waiting = new Set<Waiter>();
  /** How many wait, by address. */
  const counts = new Map<string | undefined, number>();
  const mostOfAddress = Math.ceil(most / 4);
  let version = 0;
  let isResuming = false;
  let isClosed = false;

  const resumeSome = () => {
    isResuming = false;
    let resumed = 0;
    for (const { seen, resume } of waiting) {
      if (seen === version) {
        return;
      }
      if (resumed === mostInTurn) {
        isResuming = true;
        setImmediate(resumeSome);
        return;
      }
      resumed += 1;
      resume(true);
    }
  };
  const countOf = (address: string | undefined) => counts.get(address) ?? 0;
  const isFullFor = (address: string | undefined) =>
    waiting.size >= most || (address !== undefined && countOf(address) >= mostOfAddress);

  return {
    get version() {
      return version;
    },
    async wait(seen, ms, caller, address) {
      if (seen !== version) {
        return true;
      }
      if (ms <= 0 || isClosed || caller.closed || isFullFor(address)) {
        return false;
      }
      return new Promise((resolve) => {
        const resume = (isNews: boolean) => {
          clearTimeout(timer);
          caller.off('close', giveUp);
          waiting.delete(waiter);
          counts.set(address, countOf(address) - 1);
          if (countOf(address) === 0) {
            counts.delete(address);
          }
          resolve(isNews);
        };
        const waiter = { seen, resume };
        const giveUp = () => resume(false);
        const timer = setTimeout(giveUp, ms);
        caller.once('close', giveUp);
        waiting.add(waiter);
        counts.set(address, countOf(address) + 1);
      });
    },
    wake() {
      version += 1;
      if (!isResuming) {
        resumeSome();
      }
    },
    close() {
      isClosed = true;
      for (const { resume } of waiting) {
        resume(false);
      }
    },
  };
}
