/**
 * The checker: knows from the history when each token and credential ended, and counts the attempts that were answered
 * otherwise. It knows nothing of the processes but their answers.
 *
 * Does not judge an attempt while it is unknown what is right: after a change that got no answer, or at the moment of a
 * loss.
 */
import {
  type ChangeRecord,
  type CredentialRecord,
  type DatabaseRecord,
  type Ends,
  type HistoryRecord,
  type ProbeRecord,
  type StartRecord,
  starved,
  type TokenRecord,
} from './history.ts';
import { isGuard, Outages } from './outages.ts';
import type { Promises } from './promises.ts';

export type ViolationKind = 'dead accepted' | 'live refused' | 'acknowledgement lost' | 'fault';

export interface Violation {
  readonly kind: ViolationKind;
  readonly at: number;
  /** The process that broke the promise. */
  readonly by: string;
  readonly text: string;
}

export interface Report {
  readonly violations: readonly Violation[];
  /** Attempts that were judged, by what was right. */
  readonly dead: number;
  readonly live: number;
  /** Attempts that were not judged. */
  readonly unknown: number;
  /** Live ones that were refused, by the documented cause. */
  readonly excused: ReadonlyMap<string, number>;
  /** Acknowledged changes. */
  readonly acknowledged: number;
  /** Milliseconds from an end until the first attempt at each process that was refused, if nothing was broken. */
  readonly refusedAfterMs: readonly number[];
  /** Milliseconds for which the machine had no time for some process, so that nothing is said about it. */
  readonly starvedMs: number;
}

type Thing = TokenRecord | CredentialRecord;

/** What is right for a thing at a process. */
type Truth =
  | { readonly is: 'live' }
  | { readonly is: 'dead'; readonly since: number; readonly why: string }
  | { readonly is: 'unknown' };

interface End {
  readonly change: ChangeRecord;
  /** False: the thing may have been created after it. */
  readonly isCertain: boolean;
}

/** Milliseconds in which a request without an answer may still be carried out. */
const lateMs = 30_000;

/** When a change can have been made at the latest. */
function lastMomentOf({ at, outcome }: ChangeRecord): number {
  return outcome === 'unknown' ? at + lateMs : at;
}

const unknown: Truth = { is: 'unknown' };

export function checkHistory(records: readonly HistoryRecord[], promises: Promises): Report {
  const outages = new Outages(records, promises);
  const things = new Map<string, Thing>();
  const changes: ChangeRecord[] = [];
  const losses: DatabaseRecord[] = [];
  const firstUse = new Map<string, TokenRecord>();
  for (const record of records) {
    if (record.type === 'token') {
      firstUse.set(record.kid, firstUse.get(record.kid) ?? record);
    }
    if (record.type === 'token' || record.type === 'credential') {
      things.set(record.id, record);
    } else if (record.type === 'change' && record.outcome !== 'refused') {
      changes.push(record);
    } else if (record.type === 'database' && record.mayHaveLost) {
      losses.push(record);
    }
  }
  const endsOf = memoized((thing: Thing): End[] =>
    changes.flatMap((change) => {
      const ends = lastMomentOf(change) <= thing.sentAt ? [] : change.ends.filter(concerns(thing));
      return ends.length === 0 ? [] : [{ change, isCertain: thing.at <= change.sentAt }];
    }),
  );
  const startOf = (process: string, before: number): number => {
    const start = records.findLast(
      (record): record is StartRecord => record.type === 'start' && record.process === process && record.at <= before,
    );
    return start?.at ?? 0;
  };

  /** What is right if only what happened from `loss` to `to` counts. */
  const truthSince = (thing: Thing, loss: DatabaseRecord | undefined, to: number): Truth => {
    const since = loss?.at ?? Number.NEGATIVE_INFINITY;
    const ends = endsOf(thing).filter(({ change }) => change.sentAt < to && change.at > since);
    const acknowledged = ends.filter(
      ({ change, isCertain }) => isCertain && change.outcome === 'acknowledged' && change.at < to,
    );
    const first = acknowledged.toSorted((one, other) => one.change.at - other.change.at)[0]?.change;
    if (first !== undefined) {
      return { is: 'dead', since: first.at, why: `${first.what} at ${first.node}` };
    }
    // What was sent shortly before a loss may have been carried out after it.
    const late = endsOf(thing).some(
      ({ change }) => change.outcome === 'unknown' && change.sentAt < to && lastMomentOf(change) > since,
    );
    return ends.length > 0 || late ? unknown : { is: 'live' };
  };

  /**
   * Whether a key that was revoked has signed the token all the same, since the revocation was lost: guards that know of it refuse the
   * token, and those that were started later accept it.
   */
  const hasRevivedKey = (thing: Thing, before: number): boolean =>
    changes.some(
      ({ ends, sentAt, at }) =>
        losses.some((loss) => loss.at >= sentAt && loss.at < before) &&
        at <= thing.sentAt + lateMs &&
        ends.some((end) => 'kid' in end && concerns(thing)(end)),
    );

  const truthAt = (thing: Thing, observer: string, { from, to }: { from: number; to: number }): Truth => {
    if (
      losses.some(({ at }) => at >= from && at <= to) ||
      losses.some(({ at }) => at >= thing.sentAt && at <= thing.at)
    ) {
      return unknown;
    }
    if (isGuard(observer) && hasRevivedKey(thing, from)) {
      return unknown;
    }
    const loss = losses.findLast(({ at }) => at < from && at > thing.at);
    const now = truthSince(thing, loss, to);
    if (loss === undefined || now.is === 'dead') {
      return now;
    }
    const before = truthSince(
      thing,
      losses.findLast(({ at }) => at < loss.at && at > thing.at),
      loss.at,
    );
    const isActive = loss.active.includes(thing.id);
    if (!isGuard(observer)) {
      return isActive ? now : { is: 'dead', since: loss.at, why: `${loss.cause}: the database says so` };
    }
    if (before.is === 'live') {
      // No news can be about what the database has never known. What it lost earlier the guard may know to this day.
      return isActive && !endsOf(thing).some(({ change }) => change.sentAt < loss.at) ? now : unknown;
    }
    if (before.is === 'dead' && !isActive && !loss.clientless.includes(thing.id)) {
      return before;
    }
    const isKept =
      before.is === 'dead' &&
      endsOf(thing).some(
        ({ change }) =>
          change.outcome === 'acknowledged' &&
          change.at < loss.at &&
          outages.deadline(observer, change.at) < earliestOutage(outages, observer, loss.at) &&
          startOf(observer, from) < change.at,
      );
    return isKept && before.is === 'dead'
      ? { ...before, why: `${before.why}, which it knew before: ${loss.cause}` }
      : unknown;
  };

  const firstKid = records.find((record) => record.type === 'token')?.kid;
  const violations: Violation[] = [];
  const excused = new Map<string, number>();
  const refusedAfterMs: number[] = [];
  const timed = new Set<string>();
  const counts = { dead: 0, live: 0, unknown: 0 };

  const judge = (probe: ProbeRecord, thing: Thing) => {
    const truth = truthAt(thing, probe.observer, { from: probe.sentAt, to: probe.at });
    counts[truth.is] += 1;
    const subject = `${describe(thing)} by ${probe.how} (${probe.detail})`;
    if (truth.is === 'dead' && probe.verdict === 'accepted') {
      const deadline = outages.deadline(probe.observer, truth.since);
      if (probe.sentAt > deadline) {
        violations.push({
          kind: 'dead accepted',
          at: probe.sentAt,
          by: probe.observer,
          text: `${subject} ${seconds(probe.sentAt - truth.since)} s after ${truth.why}, ${seconds(probe.sentAt - deadline)} s after it had to know`,
        });
      }
    }
    if (truth.is === 'dead' && probe.verdict === 'refused') {
      const key = `${probe.observer} ${thing.id}`;
      if (!timed.has(key) && outages.find(probe.observer, { from: truth.since, to: probe.at }) === undefined) {
        refusedAfterMs.push(Math.max(0, probe.at - truth.since));
      }
      timed.add(key);
    }
    if (truth.is === 'live' && probe.verdict !== 'accepted') {
      const cause = findCause(probe, thing);
      if (cause === undefined) {
        violations.push({
          kind: 'live refused',
          at: probe.sentAt,
          by: probe.observer,
          text: `${subject} ${probe.verdict}`,
        });
      } else {
        excused.set(cause, (excused.get(cause) ?? 0) + 1);
      }
    }
  };

  /** Why a live token may be refused. Each is documented with its bound. */
  const findCause = (probe: ProbeRecord, thing: Thing): string | undefined => {
    const { observer, verdict, sentAt, at } = probe;
    const outage = outages.find(observer, { from: sentAt, to: at });
    if (thing.type === 'token') {
      const latest = latestClock(records, observer, sentAt - 1_000, at + 1_000);
      if (verdict === 'refused' && at + latest >= thing.expiresAt - promises.clockSkewMs) {
        return 'expired by the clock of the process';
      }
      const first = firstUse.get(thing.kid) ?? thing;
      const usedFrom = first.sentAt;
      const isEarly = latestClock(records, first.node, usedFrom - 1_000, usedFrom + 1_000) > promises.clockSkewMs;
      const boundMs = isEarly ? promises.earlyKeyMs : promises.unknownKeyMs;
      // Guards know the first key from their start.
      if (isGuard(observer) && thing.kid !== firstKid && usedFrom > startOf(observer, at)) {
        const known = outages.deadline(observer, usedFrom + boundMs - promises.deadAfterMs);
        if (at < known && (verdict === 'refused' || outage !== undefined)) {
          return isEarly ? 'key that a node with a wrong clock uses early' : 'key that has just begun to sign';
        }
      }
    }
    const loss = losses.findLast((one) => one.at < at && one.at > thing.at);
    if (loss !== undefined && verdict === 'refused' && sentAt <= outages.deadline(observer, loss.at)) {
      return 'node or guard has not seen the other history yet';
    }
    // By the clock of its node.
    const issuedAt =
      thing.sentAt + (thing.type === 'token' ? latestClock(records, thing.node, thing.sentAt, thing.at) : 0);
    const isJudgedByLost = losses.some(
      (one) =>
        one.at < thing.at &&
        issuedAt <= outages.deadline(observer, one.at) + promises.clockSkewMs + greatestAhead(records, one.at) &&
        changes.some((change) => change.at < one.at && change.ends.some(concerns(thing))),
    );
    if (isGuard(observer) && verdict === 'refused' && isJudgedByLost) {
      return 'issued when the guard had just learned that a change of its client was lost';
    }
    if (verdict !== 'unavailable' || outage === undefined) {
      return undefined;
    }
    const isEarly =
      isGuard(observer) &&
      at < outage.from + (3 / 4) * promises.guardStalenessMs - 2_000 &&
      startOf(observer, at) < outage.from - 5_000 &&
      !isProcessDown(records, observer, sentAt, at);
    return isEarly ? undefined : isGuard(observer) ? 'guard without news' : 'node without its database';
  };

  for (const record of records) {
    if (record.type === 'probe') {
      const thing = things.get(record.id);
      if (thing !== undefined) {
        judge(record, thing);
      }
    } else if (record.type === 'fault') {
      violations.push({ kind: 'fault', at: record.at, by: record.by, text: record.text });
    } else if (record.type === 'database' && !record.mayHaveLost) {
      for (const thing of things.values()) {
        if (thing.at >= record.at) {
          continue;
        }
        const truth = truthAt(thing, 'database', { from: record.at, to: record.at });
        const isActive = record.active.includes(thing.id);
        if ((truth.is === 'dead' && isActive) || (truth.is === 'live' && !isActive)) {
          violations.push({
            kind: 'acknowledgement lost',
            at: record.at,
            by: 'database',
            text:
              truth.is === 'dead'
                ? `${record.cause}: ${describe(thing)} is active after ${truth.why}`
                : `${record.cause}: ${describe(thing)} is unknown or ended, and nobody ended it`,
          });
        }
      }
    }
  }
  return {
    violations,
    ...counts,
    excused,
    acknowledged: records.filter((record) => record.type === 'change' && record.outcome === 'acknowledged').length,
    refusedAfterMs,
    starvedMs: records.reduce(
      (sum, record) => sum + (record.type === 'outage' && record.cause === starved ? record.to - record.from : 0),
      0,
    ),
  };
}

function concerns(thing: Thing): (end: Ends) => boolean {
  return (end) => {
    if (thing.type === 'credential') {
      return 'credentialsOf' in end && end.credentialsOf === thing.clientId;
    }
    if ('jti' in end) {
      return end.jti === thing.id || thing.parents.some(({ jti }) => jti === end.jti);
    }
    if ('kid' in end) {
      return [thing, ...thing.parents].some(({ kid }) => kid === end.kid);
    }
    if ('all' in end) {
      return true;
    }
    return (
      'clientId' in end &&
      [thing, ...thing.parents].some(({ clientId }) => clientId === end.clientId) &&
      (end.scope === undefined || thing.scopes.includes(end.scope)) &&
      (end.resource === undefined || thing.resources.includes(end.resource))
    );
  };
}

/** When the outage began in which a loss became visible to a process, or the time itself. */
function earliestOutage(outages: Outages, observer: string, at: number): number {
  return outages.find(observer, { from: at, to: at })?.from ?? at;
}

/** The greatest offset of the clock of a process in an interval. */
function latestClock(records: readonly HistoryRecord[], process: string, from: number, to: number): number {
  let offsets = [0];
  for (const record of records) {
    if (record.type === 'clock' && record.process === process && record.at <= to) {
      offsets = record.at < from ? [record.offsetMs] : [...offsets, record.offsetMs];
    }
  }
  return Math.max(...offsets);
}

/** By how much any clock has been ahead until a time: of a node, whose tokens say that they were issued so much later, or of a guard. */
function greatestAhead(records: readonly HistoryRecord[], until: number): number {
  return Math.max(0, ...records.map((record) => (record.type === 'clock' && record.at <= until ? record.offsetMs : 0)));
}

/** Whether a process itself was stopped or cut off from its callers, so that it cannot have answered. */
function isProcessDown(records: readonly HistoryRecord[], process: string, from: number, to: number): boolean {
  return records.some(
    (record) =>
      record.type === 'outage' &&
      [process, 'machine'].includes(record.of) &&
      record.from <= to &&
      record.to + 1_000 >= from,
  );
}

function describe(thing: Thing): string {
  return thing.type === 'token' ? `token ${thing.id} of ${thing.clientId}` : `secret of ${thing.clientId}`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

function memoized<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) {
      known.set(key, compute(key));
    }
    return known.get(key) as V;
  };
}
