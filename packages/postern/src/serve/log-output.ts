/** The output of the log: standard output. */
import { pino } from 'pino';

/** Characters that are collected before they are written, and the longest time that they wait. */
const batchLength = 4_096;
const batchMs = 100;

/**
 * Opens standard output. Lines are written in batches, since a write takes 7 µs more than a line in a batch.
 * `isShared`: other processes write there too, so each line is written at once, and no line of another gets into it.
 */
export function openLogOutput(isShared: boolean) {
  const output = pino.destination({ dest: 1, sync: true, minLength: isShared ? 0 : batchLength });
  if (!isShared) {
    setInterval(() => output.flush(), batchMs).unref();
  }
  return output;
}
