/**
 * The log of changes (who changed what, and when), and the only way to make one. Every change appends its events in its
 * own transaction, and everything that is kept in memory follows the log, on every node. There is no other news.
 */
import { heldTokens, invalidTokenError } from '@postern/guard';
import { OAuthError, toWireNames } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { DatabaseDriver } from '../db/driver.ts';
import type { Database } from '../db/schema.ts';
import { type Actor, type Caller, preconditionOf, type RequireActive, recheckActor } from './actor.ts';
import {
  dataText,
  type EventDraft,
  hashEvent,
  type LoggedEvent,
  type LogHead,
  type MacEvent,
  type PendingEvent,
} from './event.ts';
import {
  findEventHash,
  findVersion,
  hasEventsAfter,
  insertEvent,
  listEventsAfter,
  lockHead,
  moveHead,
  readLastEvent,
  readLog,
} from './event-store.ts';
import { type AnswerKeys, type AnswerPlace, createKeptAnswers } from './kept-answers.ts';
import { requirePrecondition } from './precondition.ts';
import { isDeletion, kindOfThing, thingOf } from './thing.ts';

/**
 * Appends an event to the current change. It gets its place in the log when the change is committed. Throws
 * `precondition_failed` if the call is about another version of the thing that the event is about.
 */
export interface Append {
  (event: EventDraft): Promise<PendingEvent>;
  /** Appends nothing, since the thing is as the event would make it already, and throws as `append` does. */
  unchanged(event: EventDraft): Promise<void>;
  /** What was appended so far, which the log in the database does not have yet. */
  readonly pending: readonly PendingEvent[];
}

/** Makes a change in a transaction. `authenticated` is what the credential of its actor authenticated. */
export type Work<T, C> = (transaction: Transaction<Database>, append: Append, authenticated: C) => Promise<T>;

/** Receives every event, in the order of the log. If one listener throws, all of them receive the event again later. */
export type EventListener = (event: LoggedEvent) => void | Promise<void>;

/** Drops what is kept in memory and reads it again. If one throws, all are called again later. */
export type Reload = () => void | Promise<void>;

export interface EventLog {
  /** Created with the database: what was read from another log says nothing about this one. */
  readonly id: string;
  /**
   * Runs `work` in a transaction and appends its events in the same, while no other change is under way on any node.
   * First checks, in that transaction, that the actor still may. The followers of this node have received the events
   * when the promise resolves. If `work` throws, nothing is changed and nobody is notified.
   *
   * An urgent change, such as the revocation of a token, waits for no other change, so it must touch nothing that others
   * check.
   */
  change<T, C>(actor: Actor<C>, work: Work<T, C>, options?: { readonly isUrgent?: boolean }): Promise<T>;
  /**
   * Does the same for work that takes long, apart from the database: other changes go on meanwhile. If there were any
   * except revocations of tokens, or one waits for a row that the work has changed, the work is done again, and the third
   * time, unless it is a dry run, others wait for it. Throws
   * `temporarily_unavailable` if other nodes interfere even then. A dry run ends before anything is changed.
   */
  changeApart<T, C>(actor: Actor<C>, work: Work<T, C>, options: { readonly isDryRun: boolean }): Promise<T>;
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

export interface EventLogOptions {
  readonly db: Kysely<Database>;
  readonly driver: Pick<DatabaseDriver, 'announce' | 'lockChanges' | 'tryLockChanges' | 'isAwaited' | 'runApart'>;
  readonly macEvent: MacEvent;
  /** Protects what calls have answered that may be sent again. */
  readonly masterKey: AnswerKeys;
  /** The check of the token behind a change. */
  readonly requireActive: RequireActive;
  readonly maxStalenessSeconds: number;
  /** Called when the followers have reloaded, since the database lost the event that was the last one before. */
  readonly onHistoryLost?: (lost: LogHead) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. Default: that of the process. */
  readonly monotonic?: () => number;
}

/** How often work is done apart before others wait for it. */
const mostAttempts = 3;

/** The one kind of event that changes nothing that other changes check. */
const urgentKind = 'token.revoked';

/** Events per read. */
const batchSize = 500;

/** Opens the log and follows it from its present end: whatever is loaded into memory later misses no event. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const { db, driver, macEvent, requireActive, maxStalenessSeconds, onHistoryLost, now } = options;
  const { monotonic = () => performance.now() } = options;
  const answers = createKeptAnswers(options);
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

  /** Resolves when changes of this node need not wait for one that is made apart. */
  let gate: Promise<unknown> = Promise.resolve();

  /**
   * Runs the work of a change, and returns where the log ended before, and the events that it appended. If the work was
   * done before, by the same call, returns what it has returned then.
   */
  const run = async <T, C>(
    transaction: Transaction<Database>,
    actor: Actor<C>,
    work: Work<T, C>,
    place: AnswerPlace | undefined,
  ) => {
    const start = await readLog(transaction);
    const { name, authenticated } = await recheckActor(transaction, actor, requireActive);
    const pending: PendingEvent[] = [];
    const kept = place && (await answers.find(transaction, place));
    if (kept !== undefined) {
      return { value: kept.value as T, start, pending };
    }
    const append = async ({ kind, subject, data }: EventDraft) => {
      const event = { occurredAt: now(), actor: name, kind, subject, data: toWireNames(data) };
      await requireVersion(transaction, actor, event);
      pending.push(event);
      return event;
    };
    const unchanged = (draft: EventDraft) => requireVersion(transaction, actor, draft);
    const value = await work(transaction, Object.assign(append, { unchanged, pending }), authenticated);
    if (place !== undefined) {
      await answers.keep(transaction, place, value);
    }
    return { value, start, pending };
  };

  /** Writes the events at the end of the log, as the last step of a change. Returns where the log ends then. */
  const log = async (
    transaction: Transaction<Database>,
    actor: Actor,
    { start, pending }: { readonly start: LogHead; readonly pending: readonly PendingEvent[] },
  ): Promise<LogHead> => {
    if (pending.length === 0) {
      return start;
    }
    let head = await lockHead(transaction);
    // Revocations of tokens do not wait for other changes: one may have stopped the actor of this one meanwhile.
    if (head.sequence !== start.sequence && typeof actor === 'object' && 'jti' in actor) {
      const jtis = heldTokens(actor).map(({ jti }) => jti);
      if (await hasEventsAfter(transaction, start.sequence, { kind: urgentKind, subjects: jtis })) {
        throw invalidTokenError('token_revoked');
      }
    }
    for (const { occurredAt, actor: name, kind, subject, data } of pending) {
      const event = { sequence: head.sequence + 1, occurredAt, actor: name, kind, subject, data: dataText(data) };
      head = { sequence: event.sequence, hash: hashEvent(head.hash, event) };
      const thing = thingOf({ kind, subject, data });
      await insertEvent(transaction, { ...event, hash: head.hash, mac: macEvent(head.hash) }, thing);
      const precondition = preconditionOf(actor);
      if (precondition === undefined || thing === undefined || kindOfThing(thing) !== precondition.kind) {
        continue;
      }
      if (isDeletion(thing, kind)) {
        precondition.versions.delete(thing);
      } else {
        precondition.versions.set(thing, head.hash);
      }
    }
    await moveHead(transaction, head);
    await driver.announce(transaction);
    return head;
  };

  /**
   * Tells the followers of a change that was committed. If this fails, the change is committed all the same, but must not be
   * reported while it does not hold here, or if the database has lost it already, since a replica that was behind took over.
   */
  const conclude = async (end: LogHead) => {
    await catchUp();
    if (!(await hasEvent(db, end))) {
      onHistoryLost?.(end);
      throw new OAuthError('temporarily_unavailable', 'The database has just lost this change: make it again.');
    }
  };

  /** `isLocking`: other changes wait until the attempt ends. Otherwise it ends as soon as one waits for it. */
  const attemptApart = async <T, C>(
    actor: Actor<C>,
    work: Work<T, C>,
    place: AnswerPlace | undefined,
    { isDryRun, isLocking }: { readonly isDryRun: boolean; readonly isLocking: boolean },
  ) => {
    if (isLocking) {
      // Changes of this node that are under way end first.
      await db.transaction().execute((transaction) => driver.lockChanges(transaction));
    }
    let isInTheWay = false;
    const givingWay: Work<T, C> = (transaction, append, authenticated) => {
      const appendUnlessAwaited = async (draft: EventDraft) => {
        if (await driver.isAwaited(transaction)) {
          isInTheWay = true;
          throw interfering();
        }
        return append(draft);
      };
      const { unchanged, pending } = append;
      return work(transaction, Object.assign(appendUnlessAwaited, { unchanged, pending }), authenticated);
    };
    try {
      return await driver.runApart(db, async (transaction, keep) => {
        if (isLocking) {
          await driver.lockChanges(transaction);
        }
        const { value, ...ran } = await run(transaction, actor, isLocking ? work : givingWay, place);
        let end: LogHead = ran.start;
        if (!isDryRun) {
          await keep(async (target) => {
            const isAlone = (await driver.tryLockChanges(target)) && (await hasEvent(target, ran.start));
            if (!isAlone || (await hasEventsAfter(target, ran.start.sequence, { exceptKind: urgentKind }))) {
              throw new Interrupted();
            }
            end = await log(target, actor, ran);
          });
        }
        return { value, end };
      });
    } catch (thrown) {
      // The work may have made another error of it.
      throw isInTheWay ? new Interrupted() : thrown;
    }
  };

  return {
    get id() {
      return logId;
    },
    async change(actor, work, { isUrgent = false } = {}) {
      const place = nextPlace(actor);
      if (!isUrgent) {
        await gate;
      }
      const { value, end } = await db.transaction().execute(async (transaction) => {
        if (!isUrgent) {
          await driver.lockChanges(transaction);
        }
        const { value, ...ran } = await run(transaction, actor, work, place);
        return { value, end: await log(transaction, actor, ran) };
      });
      await conclude(end);
      return value;
    },
    async changeApart(actor, work, { isDryRun }) {
      const place = nextPlace(actor);
      for (let attempt = 1; ; attempt += 1) {
        const isLast = attempt === mostAttempts;
        // A dry run holds up nobody.
        const isLocking = isLast && !isDryRun;
        const { sequence } = await readLog(db);
        try {
          const done = attemptApart(actor, work, place, { isDryRun, isLocking });
          if (isLocking) {
            gate = done.catch(() => {});
          }
          const { value, end } = await done;
          await conclude(end);
          return value;
        } catch (thrown) {
          if (isLast) {
            throw thrown instanceof Interrupted ? interfering() : thrown;
          }
          // What failed may have seen the half of a change that came between.
          if (!(thrown instanceof Interrupted || (await hasEventsAfter(db, sequence, { exceptKind: urgentKind })))) {
            throw thrown;
          }
        }
      }
    },
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

/** Which answer of a call that may be sent again its next change gives; undefined for any other actor. */
function nextPlace(actor: Actor): AnswerPlace | undefined {
  const { clientId, call } = actor as Partial<Caller>;
  if (clientId === undefined || call === undefined) {
    return undefined;
  }
  call.changes += 1;
  return { clientId, call, number: call.changes };
}

/**
 * Throws `precondition_failed` if the call that makes the change is about another version of what the event is about: the
 * one from before the change, which has no place in the log yet.
 */
export async function requireVersion(
  transaction: Transaction<Database>,
  actor: Actor,
  event: EventDraft,
): Promise<void> {
  const precondition = preconditionOf(actor);
  const thing = thingOf({ ...event, data: toWireNames(event.data) });
  if (precondition === undefined || thing === undefined || kindOfThing(thing) !== precondition.kind) {
    return;
  }
  const version = await findVersion(transaction, thing);
  requirePrecondition(precondition, thing, version);
  if (version !== undefined) {
    precondition.versions.set(thing, version);
  }
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

/** Whether the database still has the event that ended the log when work began. */
async function hasEvent(db: Kysely<Database>, { sequence, hash }: LogHead): Promise<boolean> {
  return sequence === 0 || (await findEventHash(db, sequence)) === hash;
}

function interfering(): OAuthError {
  return new OAuthError('temporarily_unavailable', 'Other changes interfere with this one; retry later.', {
    reason: 'changes_interfere',
  });
}

/** Thrown to do work again, since another change came between. */
class Interrupted extends Error {}
