/** Keeps a node current: it reads the log when the database notifies it, and in any case a few times a second. */
import type { Clock } from '../clock.ts';
import type { DatabaseDriver } from '../db/driver.ts';
import { describeForLog } from '../db/outage.ts';
import type { EventLog } from './event-log.ts';

/** Milliseconds between two reads: the longest delay of a change on another node if no notification arrives. */
const intervalMs = 250;

export interface FollowOptions {
  readonly events: EventLog;
  readonly driver: Pick<DatabaseDriver, 'listen'>;
  readonly clock: Clock;
  readonly log: { warn(details: object, text: string): void; info(text: string): void };
}

/** Starts to follow the log. Returns the function that stops. Logs once that the log cannot be read, and once that it can. */
export function followLog({ events, driver, clock, log }: FollowOptions): () => Promise<void> {
  let isCut = false;
  const look = async () => {
    try {
      await events.catchUp();
      if (isCut) {
        isCut = false;
        log.info('following the changes of other nodes again');
      }
    } catch (error) {
      if (!isCut) {
        isCut = true;
        log.warn(describeForLog(error), 'cannot follow the changes of other nodes');
      }
    }
  };
  const stopLooking = clock.every(intervalMs, look);
  const stopListening = driver.listen(look);
  return async () => {
    stopLooking();
    await stopListening();
  };
}
