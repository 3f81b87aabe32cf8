/**
 * The log of changes (who changed what, and when), and the only way to make one. Every change appends its events in its
 * own transaction, and everything that is kept in memory follows the log, on every node. There is no other news.
 */
import { OAuthError, toWireNames } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { DatabaseDriver } from '../db/driver.ts';
import type { Database } from '../db/schema.ts';
import { type Actor, type RequireActive, recheckActor } from './actor.ts';
import { dataText, type EventDraft, hashEvent, type LoggedEvent } from './event.ts';
import { insertEvent, listEventsAfter, lockHead, moveHead, readLog } from './event-store.ts';

/** Appends an event to the current change. */
export type Append = (event: EventDraft) => Promise<LoggedEvent>;

/** Receives every event, in the order of the log. If one listener throws, all of them receive the event again later. */
export type EventListener = (event: LoggedEvent) => void | Promise<void>;

export interface EventLog {
  /** Created with the database: what was read from another log says nothing about this one. */
  readonly id: string;
  /**
   * Runs `work` in a transaction and appends its events in the same, while no other change is under way on any node.
   * First checks, in that transaction, that the actor still may. The followers of this node have received the events
   * when the promise resolves. If `work` throws, nothing is changed and nobody is notified.
   */
  change<T, C>(
    actor: Actor<C>,
    work: (transaction: Transaction<Database>, append: Append, authenticated: C) => Promise<T>,
  ): Promise<T>;
  /** Calls `listener` for every event from here on, whichever node appended it. */
  follow(listener: EventListener): void;
  /** Passes new events to the followers. To be called a few times a second, for what other nodes have changed. */
  catchUp(): Promise<void>;
  /** Seconds since this node last knew that it was current. */
  lagSeconds(): number;
  /** Throws `temporarily_unavailable` if this node has not been current for longer than is allowed. */
  requireCurrent(): void;
}

export interface EventLogOptions {
  readonly db: Kysely<Database>;
  readonly driver: Pick<DatabaseDriver, 'announce'>;
  /** The check of the token behind a change. */
  readonly requireActive: RequireActive;
  readonly maxStalenessSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Events per read. */
const batchSize = 500;

/** Opens the log and follows it from its present end: whatever is loaded into memory later misses no event. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const { db, driver, requireActive, maxStalenessSeconds, now } = options;
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
  // After a clock was set back, nobody knows how long it has been: the difference may have passed.
  const lagSeconds = () => Math.abs(now() - currentAt) / 1000;

  return {
    id: logId,
    async change(actor, work) {
      const result = await db.transaction().execute(async (transaction) => {
        const start = await lockHead(transaction);
        const { name, authenticated } = await recheckActor(transaction, actor, requireActive);
        let head = start;
        const append: Append = async ({ kind, subject, data }) => {
          const wireData = toWireNames(data);
          const event = {
            sequence: head.sequence + 1,
            occurredAt: now(),
            actor: name,
            kind,
            subject,
            data: dataText(wireData),
          };
          head = { sequence: event.sequence, hash: hashEvent(head.hash, event) };
          await insertEvent(transaction, event, head.hash);
          return { ...event, kind, data: wireData, hash: head.hash };
        };
        const value = await work(transaction, append, authenticated);
        if (head !== start) {
          await moveHead(transaction, head);
          await driver.announce(transaction);
        }
        return value;
      });
      // If this fails, the change is committed all the same, but must not be reported while it does not hold here.
      await catchUp();
      return result;
    },
    follow: (listener) => void listeners.push(listener),
    catchUp,
    lagSeconds,
    requireCurrent() {
      if (lagSeconds() > maxStalenessSeconds) {
        throw new OAuthError(
          'temporarily_unavailable',
          'This node cannot follow the changes of other nodes: retry later.',
        );
      }
    },
  };
}

/**
 * Runs `work` for one caller at a time. A call that comes while it runs gets a run that starts later, since the one
 * under way may have read too early; all calls that come meanwhile share that run.
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
