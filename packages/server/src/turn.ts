/**
 * Lets the requests that arrive together take an expensive step together: a signature, or the writing of the answer that comes
 * next. One that follows another costs half of one in the middle of a request, since its code and data stay in the caches of the
 * processor.
 */

/** Takes a step at the end of this turn of the event loop, and returns what it returns or rejects with what it throws. */
export type Turn = <T>(step: () => T) => Promise<T>;

interface Waiting {
  readonly step: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Milliseconds after which the steps that are left wait for the next turn, so that everything else in the server continues: RSA keys sign slowly. */
const mostMs = 10;

/**
 * Steps of one kind. Nobody waits for requests that have not arrived: the turn ends when all that has been received is read,
 * so a lone request continues at once, and there are never more steps than requests that the server has admitted. `now` is in
 * milliseconds, by a clock that never jumps.
 */
export function createTurn(now = () => performance.now()): Turn {
  let waiting: Waiting[] = [];
  let isScheduled = false;

  const schedule = () => {
    if (!isScheduled) {
      isScheduled = true;
      setImmediate(takeSteps);
    }
  };

  const takeSteps = () => {
    isScheduled = false;
    const steps = waiting;
    waiting = [];
    const end = now() + mostMs;
    let taken = 0;
    // Callers continue only when this function has returned, so all steps come before the first answer.
    for (const { step, resolve, reject } of steps) {
      try {
        resolve(step() as never);
      } catch (error) {
        reject(error);
      }
      taken += 1;
      if (now() >= end) {
        break;
      }
    }
    waiting = [...steps.slice(taken), ...waiting];
    if (waiting.length > 0) {
      schedule();
    }
  };

  return (step) =>
    new Promise((resolve, reject) => {
      waiting.push({ step, resolve, reject });
      schedule();
    });
}
