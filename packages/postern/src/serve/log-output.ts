/** Where the lines of the log go: to standard output, many at a time. */
import { type DestinationStream, pino } from 'pino';

export interface LogOutput extends DestinationStream {
  /** Writes what waits. To be called when the process ends. */
  flushSync(): void;
}

/** Characters that wait for one another, and for how long at the most. */
const batchLength = 16_384;
const batchMs = 100;

/**
 * Many lines are written at once, for a write for each would cost more than signing the token that it tells of.
 * `isShared`: other processes write there too, so each line is a write of its own, which no other gets into.
 */
export function openLogOutput(isShared: boolean): LogOutput {
  const output = pino.destination({ dest: 1, sync: true });
  if (isShared) {
    return output;
  }
  // A text that is only added to costs next to nothing; the output measures all that waits at every line.
  let waiting = '';
  const flush = () => {
    if (waiting !== '') {
      output.write(waiting);
      waiting = '';
    }
  };
  setInterval(flush, batchMs).unref();
  return {
    write(line) {
      waiting += line;
      if (waiting.length >= batchLength) {
        flush();
      }
    },
    flushSync() {
      flush();
      output.flushSync();
    },
  };
}
