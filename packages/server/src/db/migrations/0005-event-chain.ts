/** The head of the event log, and the hashes that chain its rows. */
import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../schema.ts';

export async function up(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createTable('event_head')
    .addColumn('log_id', 'text', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .alterTable('events')
    .addColumn('hash', 'text', (column) => column.notNull().defaultTo(''))
    .execute();

  const logId = randomBytes(16).toString('base64url');
  const head = { sequence: 0, hash: logId };
  for (const row of await db.selectFrom('events').selectAll().orderBy('sequence').execute()) {
    const { sequence, occurred_at, actor, kind, subject, data } = row;
    head.hash = createHash('sha256')
      .update(JSON.stringify([head.hash, sequence, occurred_at, actor, kind, subject, data]))
      .digest('base64url');
    head.sequence = sequence;
    await db.updateTable('events').set({ hash: head.hash }).where('sequence', '=', sequence).execute();
  }
  await db
    .insertInto('event_head')
    .values({ log_id: logId, ...head })
    .execute();
}
