/** The event log inside a change that is under way: what is changed through it becomes part of that change. */
import type { Transaction } from 'kysely';
import type { Database } from '../db/schema.ts';
import { type RequireActive, recheckActor } from './actor.ts';
import type { EventDraft, PendingEvent } from './event.ts';
import { type Append, type EventLog, requireVersion } from './event-log.ts';
import type { EventListener } from './log-follower.ts';

export interface TransactionEventLogOptions {
  /** The log that the change is made in. */
  readonly events: EventLog;
  readonly transaction: Transaction<Database>;
  readonly append: Append;
  readonly requireActive: RequireActive;
}

/**
 * Changes run in `transaction`, each inside the other change, and are kept or undone with it. An earlier one may have
 * stopped the client that makes a later one, so that each checks its actor. Followers receive the events at once,
 * though they are not committed: only what ends with the transaction may follow.
 */
export function createTransactionEventLog(options: TransactionEventLogOptions): EventLog {
  const { events, transaction, append, requireActive } = options;
  const listeners: EventListener[] = [];
  return {
    ...events,
    // Nothing is reloaded: it is gone with the transaction.
    follow: (listener) => void listeners.push(listener),
    catchUp: async () => {},
    async change(actor, work) {
      const { authenticated } = await recheckActor(transaction, actor, requireActive);
      const appended: PendingEvent[] = [];
      const unchanged = (draft: EventDraft) => requireVersion(transaction, actor, draft);
      const appendToBoth = async (draft: EventDraft) => {
        await unchanged(draft);
        const event = await append(draft);
        appended.push(event);
        return event;
      };
      const withPending: Append = Object.assign(appendToBoth, append, { unchanged });
      const result = await work(transaction, withPending, authenticated);
      for (const event of appended) {
        for (const listener of listeners) {
          // What it follows is gone before the event has a place in the log.
          await listener({ ...event, sequence: 0, hash: '' });
        }
      }
      return result;
    },
  };
}
