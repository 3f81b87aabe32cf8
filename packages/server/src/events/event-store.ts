/** The event log in the database, and its head: the one row that every change takes first. */
import { OAuthError } from '@postern/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database, EventTable } from '../db/schema.ts';
import type { EventKind, EventText, LoggedEvent, LogHead } from './event.ts';
import { isDeletion } from './thing.ts';

/** Returns the head, and the id that the log got when its database was created. */
export async function readLog(db: Kysely<Database>): Promise<LogHead & { readonly logId: string }> {
  const row = await db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
  return { sequence: row.sequence, hash: row.hash, logId: row.log_id };
}

/** The last event that is there, whatever the head of the log says. Undefined: there is none. */
export async function readLastEvent(db: Kysely<Database>): Promise<LogHead | undefined> {
  return db.selectFrom('events').select(['sequence', 'hash']).orderBy('sequence', 'desc').limit(1).executeTakeFirst();
}

/** Where a log ends. */
export interface LogEnd extends LogHead {
  readonly logId: string;
  /** Milliseconds since 1970. Undefined: the log is empty. */
  readonly occurredAt: number | undefined;
}

export async function readLogEnd(db: Kysely<Database>): Promise<LogEnd> {
  const head = await readLog(db);
  const [last] = await listEvents(db, { after: head.sequence - 1, order: 'asc', size: 1 });
  return { ...head, occurredAt: last?.occurredAt };
}

/**
 * Returns the present time, or that of the last event if it is earlier. What a node reads only once must not depend on a clock that
 * may be ahead just then: what it skipped would be missing when the clock is right again.
 */
export async function findLeastTime(db: Kysely<Database>, now: number): Promise<number> {
  const { occurredAt = now } = await readLogEnd(db);
  return Math.min(now, occurredAt);
}

/**
 * Locks the head until the end of the transaction, and returns it. Every change must lock it first, so that changes are
 * serialized: sequence numbers follow the order of commits, and what a change has checked still holds when it writes.
 */
export async function lockHead(transaction: Kysely<Database>): Promise<LogHead> {
  // An update that changes nothing locks a row on every database.
  return transaction
    .updateTable('event_head')
    .set((update) => ({ sequence: update.ref('sequence') }))
    .returning(['sequence', 'hash'])
    .executeTakeFirstOrThrow(
      () => new OAuthError('temporarily_unavailable', 'The database has just been restored: retry later.'),
    );
}

export async function moveHead(transaction: Kysely<Database>, head: LogHead): Promise<void> {
  await transaction.updateTable('event_head').set(head).execute();
}

/** An event as it is stored. */
export interface StoredEvent extends EventText {
  readonly hash: string;
  /** Of the hash. */
  readonly mac: string;
}

/** `thing`: what the event is about, if that has a version. */
export async function insertEvent(
  transaction: Kysely<Database>,
  { occurredAt, ...row }: StoredEvent,
  thing: string | undefined,
): Promise<void> {
  await transaction
    .insertInto('events')
    .values({ ...row, thing: thing ?? null, occurred_at: new Date(occurredAt).toISOString() })
    .execute();
}

/**
 * Finds the versions of things: of each that exists, the hash of the last event about it. That is the same on all nodes,
 * comes back neither when a thing is created again nor when the database goes back in time, and is known to no earlier change.
 * `upTo`: the versions that they had when this was the last event; undefined: now.
 */
export async function findVersions(
  db: Kysely<Database>,
  things: readonly string[],
  upTo?: number,
): Promise<Map<string, string>> {
  if (things.length === 0) {
    return new Map();
  }
  const rows = await db
    .selectFrom('events')
    .select(['thing', 'kind', 'hash'])
    .where('sequence', 'in', (last) =>
      last
        .selectFrom('events')
        .select((select) => select.fn.max('sequence').as('sequence'))
        .where('thing', 'in', things)
        .$if(upTo !== undefined, (events) => events.where('sequence', '<=', upTo as number))
        .groupBy('thing'),
    )
    .execute();
  return new Map(
    rows.flatMap(({ thing, kind, hash }) => (thing === null || isDeletion(thing, kind) ? [] : [[thing, hash]])),
  );
}

/** Finds the version of one thing; undefined if it does not exist. */
export async function findVersion(db: Kysely<Database>, thing: string): Promise<string | undefined> {
  return (await findVersions(db, [thing])).get(thing);
}

/** Lists the events after `sequence` as they are stored, in order, at most `most`. */
export async function listEventTexts(db: Kysely<Database>, sequence: number, most: number): Promise<StoredEvent[]> {
  const rows = await db
    .selectFrom('events')
    .selectAll()
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(most)
    .execute();
  return rows.map(({ occurred_at, kind, thing: _, ...row }) => ({
    ...row,
    kind: kind as EventKind,
    occurredAt: Date.parse(occurred_at),
  }));
}

/** Lists the events after `sequence`, in order, at most `most`. */
export async function listEventsAfter(db: Kysely<Database>, sequence: number, most: number): Promise<LoggedEvent[]> {
  const rows = await db
    .selectFrom('events')
    .selectAll()
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(most)
    .execute();
  return rows.map(fromRow);
}

/** Whether the log has events after `sequence`, of a kind and about one of several subjects, or of any other kind. */
export async function hasEventsAfter(
  db: Kysely<Database>,
  sequence: number,
  filter: { readonly kind: EventKind; readonly subjects: readonly string[] } | { readonly exceptKind: EventKind },
): Promise<boolean> {
  const after = db.selectFrom('events').select('sequence').where('sequence', '>', sequence).limit(1);
  const matching =
    'exceptKind' in filter
      ? after.where('kind', '!=', filter.exceptKind)
      : after.where('kind', '=', filter.kind).where('subject', 'in', filter.subjects);
  return (await matching.executeTakeFirst()) !== undefined;
}

export interface EventQuery {
  /** Exclusive, as `before`. */
  readonly after: number;
  readonly before?: number | undefined;
  readonly order: 'asc' | 'desc';
  readonly size: number;
  readonly kinds?: readonly EventKind[] | undefined;
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
  /** Milliseconds since 1970, inclusive. */
  readonly from?: number | undefined;
  /** Milliseconds since 1970, exclusive. */
  readonly until?: number | undefined;
}

/** Lists the events that match, in the order of the query. */
export async function listEvents(db: Kysely<Database>, asked: EventQuery): Promise<LoggedEvent[]> {
  const query = await narrowToTimes(db, asked);
  if (query === undefined) {
    return [];
  }
  if (query.kinds === undefined) {
    return listOfKind(db, undefined, query);
  }
  // One query per kind: each reads an index in order, and a query for all kinds would sort the log.
  const found: LoggedEvent[] = [];
  for (const kind of query.kinds) {
    found.push(...(await listOfKind(db, kind, query)));
  }
  const direction = query.order === 'asc' ? 1 : -1;
  return found.toSorted((one, other) => direction * (one.sequence - other.sequence)).slice(0, query.size);
}

/**
 * Adds the sequence numbers between which all events of the times of the query are, which an index tells, so that no query reads the
 * whole log for the events of a day. Clocks jump, so that events of other times may be among them. Undefined: there are none.
 */
async function narrowToTimes(db: Kysely<Database>, query: EventQuery): Promise<EventQuery | undefined> {
  let { after, before } = query;
  if (query.from !== undefined) {
    const { first } = await db
      .selectFrom('events')
      .select(({ fn }) => fn.min<number | null>('sequence').as('first'))
      .where('occurred_at', '>=', new Date(query.from).toISOString())
      .executeTakeFirstOrThrow();
    if (first === null) {
      return undefined;
    }
    after = Math.max(after, first - 1);
  }
  if (query.until !== undefined) {
    const { last } = await db
      .selectFrom('events')
      .select(({ fn }) => fn.max<number | null>('sequence').as('last'))
      .where('occurred_at', '<', new Date(query.until).toISOString())
      .executeTakeFirstOrThrow();
    if (last === null) {
      return undefined;
    }
    before = Math.min(before ?? last + 1, last + 1);
  }
  return { ...query, after, before };
}

async function listOfKind(
  db: Kysely<Database>,
  kind: EventKind | undefined,
  { after, before, order, size, actor, subject, from, until }: EventQuery,
): Promise<LoggedEvent[]> {
  let select = db.selectFrom('events').selectAll().where('sequence', '>', after).orderBy('sequence', order).limit(size);
  if (before !== undefined) {
    select = select.where('sequence', '<', before);
  }
  if (from !== undefined) {
    select = select.where('occurred_at', '>=', new Date(from).toISOString());
  }
  if (until !== undefined) {
    select = select.where('occurred_at', '<', new Date(until).toISOString());
  }
  for (const [column, value] of [
    ['subject', subject],
    ['actor', actor],
    ['kind', kind],
  ] as const) {
    select = value === undefined ? select : select.where(column, '=', value);
  }
  return (await select.execute()).map(fromRow);
}

/** Finds the newest event of one of the kinds. */
export async function findLastEvent(db: Kysely<Database>, ...kinds: EventKind[]): Promise<LoggedEvent | undefined> {
  const [last] = await listEvents(db, { kinds, after: 0, order: 'desc', size: 1 });
  return last;
}

/** Selects the data of the newest event of a kind, as it is stored. */
export function lastEventData(db: Kysely<Database>, kind: EventKind) {
  return db
    .selectFrom('events')
    .select('events.data')
    .where('events.kind', '=', kind)
    .orderBy('events.sequence', 'desc')
    .limit(1);
}

/** Returns undefined if the log has no such event. */
export async function findEventHash(db: Kysely<Database>, sequence: number): Promise<string | undefined> {
  return (await findEventHashes(db, [sequence])).get(sequence);
}

/** Finds the hashes of those of the events that the log has, all at one moment, by sequence. */
export async function findEventHashes(
  db: Kysely<Database>,
  sequences: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await db.selectFrom('events').select(['sequence', 'hash']).where('sequence', 'in', sequences).execute();
  return new Map(rows.map(({ sequence, hash }) => [sequence, hash]));
}

function fromRow(row: Selectable<EventTable>): LoggedEvent {
  return {
    sequence: row.sequence,
    occurredAt: Date.parse(row.occurred_at),
    actor: row.actor,
    kind: row.kind as EventKind,
    subject: row.subject,
    data: JSON.parse(row.data),
    hash: row.hash,
  };
}
