/** Follows the log of changes: everything that is kept in memory hears every event of it, on every node. There is no other news. */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { LoggedEvent, LogHead } from './event.ts';
import { listEventsAfter, readLastEvent, readLog } from './event-store.ts';

/** Receives every event, in the order of the log. If one listener throws, all of them receive the event again later. */
export type EventListener = (event: LoggedEvent) => void | Promise<void>;

/** Drops what is kept in memory and reads it again. If one throws, all are called again later. */
export type Reload = () => void | Promise<void>;

export interface LogFollower {
  /** Created with the database: what was read from another log says nothing about this one. */
  id(): string;
  /**
   * Calls `listener` for every event from here on, whichever node appended it. Calls `reload` instead if the database has
   * another history than was heard: it was restored, or a replica that was behind has taken over.
   */
  follow(listener: EventListener, reload: Reload): void;
  /** Passes new events to the followers. To be called a few times a second, for what other nodes have changed. */
  catchUp(): Promise<void>;
  /** The last event that the followers of this node have heard. */
  head(): LogHead;
  /** Seconds since this node last knew that it was current. */
  lagSeconds(): number;
  /**
   * Throws `temporarily_unavailable` if this node has not been current for longer than is allowed, and while what its followers
   * keep is from a history that the database has lost.
   */
  requireCurrent(): void;
  /** Waits until that is no longer so, and throws the same if it remains so. */
  awaitHistory(): Promise<void>;
}

export interface LogFollowerOptions {
  readonly db: Kysely<Database>;
  readonly maxStalenessSeconds: number;
  /** Called when the followers have reloaded, since the database lost the event that was the last one before. */
  readonly onHistoryLost?: (lost: LogHead) => void;
  /** Milliseconds by a clock that never jumps. Default: that of the process. */
  readonly monotonic?: () => number;
}

/** Events per read. */
const batchSize = 500;

/** Follows the log from its present end: whatever is loaded into memory later misses no event. */
export async function openLogFollower({
  db,
  maxStalenessSeconds,
  onHistoryLost,
  monotonic = () => performance.now(),
}: LogFollowerOptions): Promise<LogFollower> {
  const followers: { readonly listener: EventListener; readonly reload: Reload }[] = [];
  let { logId, ...head }: LogHead & { readonly logId: string } = await readLog(db);
  /** The last event that was heard of a history that the database no longer has, until all followers have reloaded. */
  let lost: LogHead | undefined;
  let currentAt = monotonic();

  const reload = async (known: LogHead) => {
    lost = known;
    // Whatever is loaded after this misses no event. Followers hear events, so it is the last event that counts here: somebody who
    // changed the log may have made it another one than the head says.
    const log = await readLog(db);
    const last = await readLastEvent(db);
    for (const follower of followers) {
      await follower.reload();
    }
    logId = log.logId;
    head = last ?? { sequence: 0, hash: log.logId };
    lost = undefined;
    onHistoryLost?.(known);
  };

  const readNew = async () => {
    if (lost !== undefined) {
      await reload(lost);
    }
    let hasReloaded = false;
    for (let isBehind = true; isBehind; ) {
      const readAt = monotonic();
      // The event that is known is read again with those after it: a database that went back has another one, or none.
      const events = await listEventsAfter(db, head.sequence - 1, batchSize + 1);
      const known = head.sequence === 0 ? head : events.shift();
      if (known?.hash !== head.hash) {
        if (hasReloaded) {
          // The database changes again and again; the next look is soon enough.
          return;
        }
        await reload(head);
        hasReloaded = true;
        continue;
      }
      for (const event of events) {
        for (const { listener } of followers) {
          await listener(event);
        }
        head = { sequence: event.sequence, hash: event.hash };
      }
      isBehind = events.length >= batchSize;
      currentAt = isBehind ? currentAt : readAt;
    }
  };
  const catchUp = oneAfterTheOther(readNew);
  const lagSeconds = () => (monotonic() - currentAt) / 1000;

  const requireHistory = () => {
    if (lost !== undefined) {
      throw new OAuthError(
        'temporarily_unavailable',
        'The database has another history than before, and this node has not read it yet: retry later.',
      );
    }
  };

  return {
    id: () => logId,
    follow: (listener, reload) => void followers.push({ listener, reload }),
    catchUp,
    head: () => head,
    lagSeconds,
    async awaitHistory() {
      if (lost !== undefined) {
        await catchUp().catch(() => {});
        requireHistory();
      }
    },
    requireCurrent() {
      requireHistory();
      if (lagSeconds() > maxStalenessSeconds) {
        throw new OAuthError(
          'temporarily_unavailable',
          'This node cannot follow the changes of other nodes: retry later.',
          { reason: 'changes_not_followed' },
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
