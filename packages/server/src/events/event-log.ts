/**
 * The one log of changes: who did what to what, when. Every change appends its rows in its own transaction, and
 * whoever keeps something in memory follows the log to learn of it, on every node. Nothing else carries that news.
 */
import { OAuthError } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { DatabaseDriver } from '../db/driver.ts';
import type { Database } from '../db/schema.ts';
import { dataText, type EventDraft, hashEvent, type LoggedEvent } from './event.ts';
import { insertEvent, listEventsAfter, lockHead, moveHead, readLog } from './event-store.ts';

/** Appends an event to the change that is under way. */
export type Append = (event: EventDraft) => Promise<LoggedEvent>;

/** Hears of every event, in the order of the log. One that throws hears of it again later, as everybody does. */
export type EventListener = (event: LoggedEvent) => void | Promise<void>;

export interface EventLog {
  /** Made with the database: what was read from another log says nothing about this one. */
  readonly id: string;
  /**
   * Runs `work` in a transaction and appends its events in the same, while no other change is under way on any node.
   * Followers have heard of them when the promise resolves; where `work` throws, nothing is kept and nobody hears.
   */
  change<T>(actor: string, work: (transaction: Transaction<Database>, append: Append) => Promise<T>): Promise<T>;
  /** Calls `listener` for every event from here on, whichever node made it. */
  follow(listener: EventListener): void;
  /** Tells the followers what is new. To be called a few times a second, for what other nodes have changed. */
  catchUp(): Promise<void>;
  /** Seconds since this node last knew itself current. */
  lagSeconds(): number;
  /** Throws `temporarily_unavailable` where this node has not been current for longer than it may go on. */
  requireCurrent(): void;
}

export interface EventLogOptions {
  readonly db: Kysely<Database>;
  readonly driver: Pick<DatabaseDriver, 'announce'>;
  readonly maxStalenessSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Events read at once. */
const batchSize = 500;

/** The log, followed from where it ends now: what is loaded into memory after this misses nothing. */
export async function openEventLog({ db, driver, maxStalenessSeconds, now }: EventLogOptions): Promise<EventLog> {
  const listeners: EventListener[] = [];
  const { logId, sequence } = await readLog(db);
  let followed = sequence;
  let currentAt = now();

  const readNew = async () => {
    for (let isBehind = true; isBehind; ) {
      const readAt = now();
      const events = await listEventsAfter(db, followed, batchSize);
      for (const event of events) {
        for (const listener of listeners) {
          await listener(event);
        }
        followed = event.sequence;
      }
      isBehind = events.length === batchSize;
      currentAt = isBehind ? currentAt : readAt;
    }
  };
  const catchUp = oneAfterTheOther(readNew);
  // A clock that was set back tells nothing: what it lost may have passed.
  const lagSeconds = () => Math.abs(now() - currentAt) / 1000;

  return {
    id: logId,
    async change(actor, work) {
      const result = await db.transaction().execute(async (transaction) => {
        const start = await lockHead(transaction);
        let head = start;
        const value = await work(transaction, async ({ kind, subject, data }) => {
          const event = {
            sequence: head.sequence + 1,
            occurredAt: new Date(now()).toISOString(),
            actor,
            kind,
            subject,
            data: dataText(data),
          };
          head = { sequence: event.sequence, hash: hashEvent(head.hash, event) };
          await insertEvent(transaction, event, head.hash);
          return { ...event, kind, data, hash: head.hash };
        });
        if (head !== start) {
          await moveHead(transaction, head);
          await driver.announce(transaction);
        }
        return value;
      });
      // Where this fails the change is made all the same, but must not be called done while it does not hold here.
      await catchUp();
      return result;
    },
    follow: (listener) => void listeners.push(listener),
    catchUp,
    lagSeconds,
    requireCurrent() {
      if (lagSeconds() > maxStalenessSeconds) {
        throw new OAuthError('temporarily_unavailable', 'This node cannot follow the changes of others: try again.');
      }
    },
  };
}

/**
 * `work`, run by one caller at a time. A call that comes while it runs gets a run that starts later, since the one
 * under way may have looked too early; all that come meanwhile share that one.
 */
function oneAfterTheOther(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = () => {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) {
      return start();
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}
