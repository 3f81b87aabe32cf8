/**
 * The log of changes (who changed what, and when), and the only way to make one. Every change appends its events in its
 * own transaction, and everything that is kept in memory follows the log, on every node. There is no other news.
 */
import { heldTokens, invalidTokenError } from '@postern/guard';
import { OAuthError, toWireNames } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { DatabaseDriver } from '../db/driver.ts';
import type { Database } from '../db/schema.ts';
import { sentTogether } from '../db/sent-together.ts';
import { type Actor, type Caller, preconditionOf, type RequireActive, recheckActor } from './actor.ts';
import {
  dataText,
  type EventDraft,
  generationIn,
  hashEvent,
  type LogHead,
  type MacEvent,
  type PendingEvent,
} from './event.ts';
import {
  findEventHash,
  findLastEvent,
  findVersion,
  hasEventsAfter,
  insertEvent,
  lockHead,
  moveHead,
  readLog,
} from './event-store.ts';
import { type AnswerKeys, type AnswerPlace, createKeptAnswers } from './kept-answers.ts';
import { type LogFollower, type LogFollowerOptions, openLogFollower } from './log-follower.ts';
import { isConditional, requirePrecondition } from './precondition.ts';
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
  /**
   * The present time in milliseconds since 1970, or more: above every generation that this node has heard of, also in changes that the
   * database has lost, whatever the clocks said that gave them.
   */
  leastGeneration(): number;
}

/** Makes a change in a transaction. `authenticated` is what the credential of its actor authenticated. */
export type Work<T, C> = (transaction: Transaction<Database>, append: Append, authenticated: C) => Promise<T>;

export interface EventLog extends LogFollower {
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
}

export interface EventLogOptions extends LogFollowerOptions {
  readonly driver: Pick<
    DatabaseDriver,
    'dialect' | 'announce' | 'lockChanges' | 'tryLockChanges' | 'isAwaited' | 'runApart'
  >;
  readonly macEvent: MacEvent;
  /** Protects what calls have answered that may be sent again. */
  readonly masterKey: AnswerKeys;
  /** The check of the token behind a change. */
  readonly requireActive: RequireActive;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How often work is done apart before others wait for it. */
const mostAttempts = 3;

/** The one kind of event that changes nothing that other changes check. */
const urgentKind = 'token.revoked';

/** Opens the log and follows it from its present end: whatever is loaded into memory later misses no event. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const { db, driver, macEvent, requireActive, onHistoryLost, now } = options;
  const answers = createKeptAnswers(options);
  const follower = await openLogFollower(options);
  let greatestGeneration = generationIn(
    (await findLastEvent(db, 'history.lost')) ?? { kind: 'history.lost', data: {} },
  );
  follower.follow(
    (event) => {
      greatestGeneration = Math.max(greatestGeneration, generationIn(event));
    },
    () => {},
  );
  const leastGeneration = () => Math.max(Math.floor(now()), greatestGeneration + 1);

  /** Resolves when changes of this node need not wait for one that is made apart. */
  let gate: Promise<unknown> = Promise.resolve();

  /**
   * Runs the work of a change, and returns where the log ended before, and the events that it appended. If the work was
   * done before, by the same call, returns what it has returned then. `lock`: of other changes, if it was just asked for.
   */
  const run = async <T, C>(
    transaction: Transaction<Database>,
    actor: Actor<C>,
    work: Work<T, C>,
    place: AnswerPlace | undefined,
    lock?: Promise<void>,
  ) => {
    // They are performed in this order, so that all of it is read under the lock.
    const [, start, { name, displayName, authenticated }] = await Promise.all([
      lock,
      readLog(transaction),
      recheckActor(transaction, actor, requireActive),
    ]);
    const pending: PendingEvent[] = [];
    const kept = place && (await answers.find(transaction, place));
    if (kept !== undefined) {
      return { value: kept.value as T, start, pending };
    }
    const append = async ({ kind, subject, data }: EventDraft) => {
      const named = { ...data, ...(displayName !== undefined && { actorName: displayName }) };
      const event = { occurredAt: now(), actor: name, kind, subject, data: toWireNames(named) };
      if (isConditional(preconditionOf(actor))) {
        await requireVersion(transaction, actor, event);
      }
      pending.push(event);
      return event;
    };
    const unchanged = (draft: EventDraft) => requireVersion(transaction, actor, draft);
    const value = await work(
      transaction,
      Object.assign(append, { unchanged, pending, leastGeneration }),
      authenticated,
    );
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
    const written: Promise<void>[] = [];
    for (const { occurredAt, actor: name, kind, subject, data } of pending) {
      const event = { sequence: head.sequence + 1, occurredAt, actor: name, kind, subject, data: dataText(data) };
      head = { sequence: event.sequence, hash: hashEvent(head.hash, event) };
      const thing = thingOf({ kind, subject, data });
      written.push(insertEvent(transaction, { ...event, hash: head.hash, mac: macEvent(head.hash) }, thing));
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
    await Promise.all([...written, moveHead(transaction, head), driver.announce(transaction)]);
    return head;
  };

  /**
   * Tells the followers of a change that was committed. If this fails, the change is committed all the same, but must not be
   * reported while it does not hold here, or if the database has lost it already, since a replica that was behind took over.
   */
  const conclude = async (end: LogHead) => {
    await follower.catchUp();
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
      // Its members stay the same, `pending` itself included.
      return work(transaction, Object.assign(appendUnlessAwaited, append), authenticated);
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
    ...follower,
    async change(actor, work, { isUrgent = false } = {}) {
      const place = nextPlace(actor);
      if (!isUrgent) {
        await gate;
      }
      const { value, end } = await db.transaction().execute(async (begun) => {
        const transaction = await sentTogether(begun, driver.dialect);
        const lock = isUrgent ? undefined : driver.lockChanges(transaction);
        const { value, ...ran } = await run(transaction, actor, work, place, lock);
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
