/** The event log as it is inside a change that is under way: what is changed through it becomes part of that one. */
import type { Transaction } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { LoggedEvent } from './event.ts';
import type { Append, EventListener, EventLog } from './event-log.ts';

/**
 * Changes run in `transaction`, one inside the other change, and are kept or lost with it. Followers hear of them at
 * once, though they are not committed: only what lives and dies with the transaction may follow.
 */
export function createTransactionEventLog(
  events: EventLog,
  transaction: Transaction<Database>,
  append: Append,
): EventLog {
  const listeners: EventListener[] = [];
  return {
    ...events,
    follow: (listener) => void listeners.push(listener),
    catchUp: async () => {},
    async change(_actor, work) {
      const appended: LoggedEvent[] = [];
      const result = await work(transaction, async (draft) => {
        const event = await append(draft);
        appended.push(event);
        return event;
      });
      for (const event of appended) {
        for (const listener of listeners) {
          await listener(event);
        }
      }
      return result;
    },
  };
}
