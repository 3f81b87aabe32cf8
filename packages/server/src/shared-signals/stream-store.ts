/** Event streams in the database. Each is a place in the event log, so that a change writes nothing for them. SSF 1.0 §8.1. */
import type { Kysely, Selectable } from 'kysely';
import { countFound } from '../db/count-rows.ts';
import type { Database, StreamTable } from '../db/schema.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { DefaultSubjects, Delivery, Stream, StreamConfiguration, StreamStatus } from './stream.ts';

/** Protects what receivers want in requests to them. */
type Sealing = Pick<MasterKey, 'seal' | 'open'>;

export async function insertStream(db: Kysely<Database>, sealing: Sealing, stream: Stream): Promise<void> {
  await db
    .insertInto('streams')
    .values({
      id: stream.id,
      client_id: stream.clientId,
      created_at: new Date(stream.createdAt).toISOString(),
      position: stream.position,
      received: JSON.stringify(stream.received),
      fault: null,
      status: stream.status,
      reason: stream.reason ?? null,
      ...toColumns(sealing, stream.id, stream),
    })
    .execute();
}

export async function updateConfiguration(
  db: Kysely<Database>,
  sealing: Sealing,
  id: string,
  configuration: StreamConfiguration,
): Promise<void> {
  await db
    .updateTable('streams')
    .set(toColumns(sealing, id, configuration))
    .where('id', '=', id)
    .execute();
}

/** `position`: where the stream continues; undefined: where it is. */
export async function updateStatus(
  db: Kysely<Database>,
  id: string,
  status: StreamStatus,
  reason: string | undefined,
  position: number | undefined,
): Promise<void> {
  await db
    .updateTable('streams')
    .set({ status, reason: reason ?? null, ...(position !== undefined && { position, received: '[]' }) })
    .where('id', '=', id)
    .execute();
}

export async function findStream(db: Kysely<Database>, sealing: Sealing, id: string): Promise<Stream | undefined> {
  const row = await db.selectFrom('streams').selectAll().where('id', '=', id).executeTakeFirst();
  return row && fromRow(sealing, row);
}

/** Lists the streams of a client, or of all, oldest first. */
export async function listStreams(db: Kysely<Database>, sealing: Sealing, clientId?: string): Promise<Stream[]> {
  const rows = await db
    .selectFrom('streams')
    .selectAll()
    .$if(clientId !== undefined, (streams) => streams.where('client_id', '=', clientId as string))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => fromRow(sealing, row));
}

/** Counts the streams of a client and of all. */
export async function countStreams(db: Kysely<Database>, clientId: string): Promise<{ own: number; all: number }> {
  const rows = await db
    .selectFrom('streams')
    .select(({ fn, case: when }) => [
      fn.countAll<number>().as('all'),
      fn.sum<number>(when().when('client_id', '=', clientId).then(1).else(0).end()).as('own'),
    ])
    .executeTakeFirstOrThrow();
  return { all: Number(rows.all), own: Number(rows.own ?? 0) };
}

export async function deleteStream(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('streams').where('id', '=', id).execute();
}

/**
 * Moves the stream on, unless somebody else has moved it since it was read, or the log does not reach so far any more, since the
 * database went back in time. Returns whether it has. That is no change that anybody makes, and the log has no event of it.
 */
export async function moveStream(
  db: Kysely<Database>,
  before: Pick<Stream, 'id' | 'position' | 'received'>,
  after: Pick<Stream, 'position' | 'received'>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('streams')
    .set({ position: after.position, received: JSON.stringify(after.received) })
    .where('id', '=', before.id)
    .where('position', '=', before.position)
    .where('received', '=', JSON.stringify(before.received))
    .where((where) =>
      where.exists(where.selectFrom('event_head').select('sequence').where('sequence', '>=', after.position)),
    )
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

export async function saveFault(db: Kysely<Database>, id: string, fault: string | undefined): Promise<void> {
  await db
    .updateTable('streams')
    .set({ fault: fault ?? null })
    .where('id', '=', id)
    .execute();
}

/** Which of the subjects are listed for the stream. */
export async function findListed(
  db: Kysely<Database>,
  streamId: string,
  subjects: readonly string[],
): Promise<ReadonlySet<string>> {
  if (subjects.length === 0) {
    return new Set();
  }
  const rows = await db
    .selectFrom('stream_subjects')
    .select('subject')
    .where('stream_id', '=', streamId)
    .where('subject', 'in', subjects)
    .execute();
  return new Set(rows.map(({ subject }) => subject));
}

export function countListed(db: Kysely<Database>, streamId: string): Promise<number> {
  return countFound(db.selectFrom('stream_subjects').where('stream_id', '=', streamId));
}

/** Returns whether it was not listed before. */
export async function listSubject(db: Kysely<Database>, streamId: string, subject: string): Promise<boolean> {
  const inserted = await db
    .insertInto('stream_subjects')
    .values({ stream_id: streamId, subject })
    .onConflict((conflict) => conflict.columns(['stream_id', 'subject']).doNothing())
    .returning('subject')
    .execute();
  return inserted.length > 0;
}

/** Returns whether it was listed before. */
export async function unlistSubject(db: Kysely<Database>, streamId: string, subject: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('stream_subjects')
    .where('stream_id', '=', streamId)
    .where('subject', '=', subject)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

export async function unlistSubjects(db: Kysely<Database>, streamId: string): Promise<void> {
  await db.deleteFrom('stream_subjects').where('stream_id', '=', streamId).execute();
}

/** What the header is sealed for: no other stream can use it. */
const labelOf = (id: string) => `authorization header of the stream ${id}`;

function toColumns(
  { seal }: Sealing,
  id: string,
  { delivery, eventsRequested, description, defaultSubjects }: StreamConfiguration,
) {
  const header = delivery.method === 'push' ? delivery.authorizationHeader : undefined;
  return {
    method: delivery.method,
    endpoint_url: delivery.method === 'push' ? delivery.endpointUrl : null,
    authorization_header: header === undefined ? null : seal(Buffer.from(header), labelOf(id)),
    events_requested: eventsRequested === undefined ? null : JSON.stringify(eventsRequested),
    description: description ?? null,
    default_subjects: defaultSubjects,
  };
}

function fromRow({ open }: Sealing, row: Selectable<StreamTable>): Stream {
  const header = row.authorization_header;
  const delivery: Delivery =
    row.endpoint_url === null
      ? { method: 'poll' }
      : {
          method: 'push',
          endpointUrl: row.endpoint_url,
          authorizationHeader: header === null ? undefined : open(header, labelOf(row.id)).toString(),
        };
  return {
    id: row.id,
    clientId: row.client_id,
    delivery,
    eventsRequested: row.events_requested === null ? undefined : JSON.parse(row.events_requested),
    description: row.description ?? undefined,
    defaultSubjects: row.default_subjects as DefaultSubjects,
    status: row.status as StreamStatus,
    reason: row.reason ?? undefined,
    createdAt: Date.parse(row.created_at),
    position: Number(row.position),
    received: JSON.parse(row.received),
    fault: row.fault ?? undefined,
  };
}
