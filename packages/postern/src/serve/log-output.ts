/** The output of the log: standard output. The server outlives whoever reads it, and never waits for it. */
import { writeSync } from 'node:fs';

/** Characters that are collected before they are written, and the longest time that they wait. */
const batchLength = 65_536;
const batchMs = 100;

/** Characters that wait at most for a reader that is slow. Further lines are dropped. */
const mostWaiting = 4_194_304;

/** Times that the end of the process waits for a slow reader, and the milliseconds of each. */
const mostWaits = 50;
const waitMs = 20;

export interface LogOutput {
  write(line: string): void;
  /** Writes what waits, and waits for a slow reader for a second. Call it when the process ends. */
  end(): void;
}

/**
 * Opens standard output. Lines are written in batches, since a write takes 7 µs more than a line in a batch.
 * `isShared`: other processes write there too, so each line is written at once, and no line of another gets into it.
 */
export function openLogOutput(isShared: boolean): LogOutput {
  let waiting = '';
  let rest: Buffer = Buffer.alloc(0);
  let isLossTold = false;

  /** Once, since standard error may be lost as well. */
  const tellLoss = (cause: string) => {
    if (!isLossTold) {
      isLossTold = true;
      process.stderr.write(`postern: lines of the log are lost, since standard output cannot be written: ${cause}\n`);
    }
  };
  const flush = () => {
    if (rest.length === 0) {
      rest = Buffer.from(waiting);
      waiting = '';
    }
    try {
      while (rest.length > 0) {
        rest = rest.subarray(writeSync(1, rest));
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') {
        rest = Buffer.alloc(0);
        tellLoss(message);
      }
    }
  };

  process.stderr.on('error', () => {});
  setInterval(flush, batchMs).unref();
  return {
    write(line) {
      if (waiting.length > mostWaiting) {
        tellLoss('it is read too slowly');
        return;
      }
      waiting += line;
      if (isShared || waiting.length >= batchLength) {
        flush();
      }
    },
    end() {
      flush();
      for (let waits = 0; waits < mostWaits && rest.length + waiting.length > 0; waits += 1) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
        flush();
      }
    },
  };
}
