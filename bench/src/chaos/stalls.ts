/** Watches whether the machine gave each process the time that it wanted: what a starved process does says nothing about it. */
import { readFileSync } from 'node:fs';
import type { Actor } from './cast.ts';
import { type History, starved } from './history.ts';

/** Milliseconds between two looks. */
const intervalMs = 250;

/** Milliseconds of waiting for a processor, in an interval, from which on a process counts as starved. */
const starvedMs = 120;

/** Returns the function that stops. Records times without a processor as outages; only Linux tells of those of others. */
export function watchStalls(actors: readonly Actor[], history: History): () => void {
  const waited = new Map<number, number>();
  let lookedAt = history.now();
  const timer = setInterval(() => {
    const [from, to] = [lookedAt, history.now()];
    lookedAt = to;
    if (to - from > intervalMs + starvedMs) {
      history.add({ type: 'outage', of: 'machine', cause: starved, from, to });
    }
    for (const { name, pid } of actors) {
      const before = waited.get(pid);
      const now = readWaitedMs(pid);
      if (now !== undefined) {
        waited.set(pid, now);
        if (before !== undefined && now - before > starvedMs) {
          history.add({ type: 'outage', of: name, cause: starved, from, to });
        }
      }
    }
  }, intervalMs);
  return () => clearInterval(timer);
}

/** Milliseconds for which the main thread of a process has been ready to run and waited for a processor. */
function readWaitedMs(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return undefined;
  }
}
