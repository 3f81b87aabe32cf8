/** The event log in the database, and its head: the one row that every change takes first. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventKind, EventText, LoggedEvent, LogHead } from './event.ts';

/** The head, and the id that the log got when its database was made. */
export async function readLog(db: Kysely<Database>): Promise<LogHead & { readonly logId: string }> {
  const row = await db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
  return { sequence: row.sequence, hash: row.hash, logId: row.log_id };
}

/**
 * The head, locked until the end of the transaction. Whoever appends must hold it, so that changes come one after the
 * other: sequence numbers follow the order of commits, and what a change has checked still holds when it is written.
 */
export async function lockHead(transaction: Kysely<Database>): Promise<LogHead> {
  // An update that changes nothing is the one way to lock a row that every database has.
  return transaction
    .updateTable('event_head')
    .set((update) => ({ sequence: update.ref('sequence') }))
    .returning(['sequence', 'hash'])
    .executeTakeFirstOrThrow();
}

export async function moveHead(transaction: Kysely<Database>, head: LogHead): Promise<void> {
  await transaction.updateTable('event_head').set(head).execute();
}

export async function insertEvent(transaction: Kysely<Database>, event: EventText, hash: string): Promise<void> {
  const { sequence, occurredAt, actor, kind, subject, data } = event;
  await transaction
    .insertInto('events')
    .values({ sequence, occurred_at: occurredAt, actor, kind, subject, data, hash })
    .execute();
}

/** Those after `sequence`, in their order, `most` of them at the most. */
export async function listEventsAfter(db: Kysely<Database>, sequence: number, most: number): Promise<LoggedEvent[]> {
  const rows = await db
    .selectFrom('events')
    .selectAll()
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(most)
    .execute();
  return rows.map((row) => ({
    sequence: row.sequence,
    occurredAt: row.occurred_at,
    actor: row.actor,
    kind: row.kind as EventKind,
    subject: row.subject,
    data: JSON.parse(row.data),
    hash: row.hash,
  }));
}
