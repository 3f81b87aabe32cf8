/** A lane for work that takes a core for long: one at a time, and addresses take turns, so that none of them waits for all of another. */

/** Work that may wait, of one address and of all. */
const mostOfAddress = 100;
const mostWaiting = 500;

export interface FairLane {
  /** Runs the work when it is its turn. Returns undefined, at once, if too much waits already. */
  run<T>(address: string, work: () => Promise<T>): Promise<T> | undefined;
}

export function createFairLane(): FairLane {
  /** Per address, in the order in which they get their next turn. */
  const waiting = new Map<string, (() => Promise<void>)[]>();
  let count = 0;
  let isRunning = false;

  const runAll = async () => {
    isRunning = true;
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const [address, queue] = next;
      const work = queue.shift();
      waiting.delete(address);
      if (queue.length > 0) {
        waiting.set(address, queue);
      }
      count -= 1;
      await work?.();
    }
    isRunning = false;
  };

  return {
    run<T>(address: string, work: () => Promise<T>) {
      const queue = waiting.get(address) ?? [];
      if (count >= mostWaiting || queue.length >= mostOfAddress) {
        return undefined;
      }
      const done = Promise.withResolvers<T>();
      queue.push(() => work().then(done.resolve, done.reject));
      waiting.set(address, queue);
      count += 1;
      if (!isRunning) {
        void runAll();
      }
      return done.promise;
    },
  };
}
