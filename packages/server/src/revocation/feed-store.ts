/** Reads the events that the revocation feed needs when a node starts. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { LoggedEvent } from '../events/event.ts';
import { feedKinds } from './feed-entry.ts';

export type FeedEvent = Pick<LoggedEvent, 'sequence' | 'occurredAt' | 'kind' | 'subject' | 'data'>;

/** Lists events of the kinds in `feedKinds`, at `since` (milliseconds since 1970) or later and after `sequence`, in order, at most `most`. */
export async function listFeedEvents(
  db: Kysely<Database>,
  sequence: number,
  since: number,
  most: number,
): Promise<FeedEvent[]> {
  const rows = await db
    .selectFrom('events')
    .select(['sequence', 'occurred_at', 'kind', 'subject', 'data'])
    .where('kind', 'in', feedKinds)
    .where('occurred_at', '>=', new Date(since).toISOString())
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(most)
    .execute();
  return rows.map((row) => ({
    sequence: row.sequence,
    occurredAt: Date.parse(row.occurred_at),
    kind: row.kind as LoggedEvent['kind'],
    subject: row.subject,
    data: JSON.parse(row.data),
  }));
}
