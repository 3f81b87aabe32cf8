/** Indexes of the event log by what is asked for. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['kind', 'subject', 'actor']) {
    await db.schema.createIndex(`events_by_${column}`).on('events').columns([column, 'sequence']).execute();
  }
}
