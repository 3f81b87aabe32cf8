/** Keeps a node current: woken by the database where it can, and looking by itself a few times a second in any case. */
import type { Clock } from '../clock.ts';
import type { DatabaseDriver } from '../db/driver.ts';
import type { EventLog } from './event-log.ts';

/** Milliseconds between two looks: what a change made elsewhere takes at the most, where no message tells of it. */
const intervalMs = 250;

export interface FollowOptions {
  readonly events: EventLog;
  readonly driver: Pick<DatabaseDriver, 'listen'>;
  readonly clock: Clock;
  readonly log: { warn(details: object, text: string): void; info(text: string): void };
}

/** Starts to follow. Returns what ends it. Says once when the log cannot be read, and once when it can again. */
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
        log.warn({ err: error }, 'cannot follow the changes of other nodes');
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
