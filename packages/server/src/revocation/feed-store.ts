/** Reads the events that the revocation feed needs when a node starts, and no others. */
import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventKind, LoggedEvent } from '../events/event.ts';
import { feedKinds } from './feed-entry.ts';

export type FeedEvent = Pick<LoggedEvent, 'sequence' | 'occurredAt' | 'kind' | 'subject' | 'data'>;

/** Events per read: so few that they are gone from memory before the garbage collector copies them. */
const batchSize = 1_000;

/**
 * Yields batches of the events from which entries of the feed are made, at `since` (milliseconds since 1970) or later and up to
 * the event `head`, in order. An event behind one of these in the log is later as well, although the clock of its node may have been
 * days behind.
 */
export async function* loadFeedEvents(
  db: Kysely<Database>,
  since: number,
  head: number,
): AsyncGenerator<readonly FeedEvent[]> {
  // One query per kind: each reads an index in order, and a query for all kinds would sort the log for each batch.
  const first = (await findFirstSince(db, since)) ?? head;
  const ofKind = (kind: EventKind) => readKind(db, kind, { since, first, head });
  let others: FeedEvent[] = [];
  for (const kind of feedKinds.filter((kind) => kind !== 'token.revoked')) {
    others = others.concat(...(await Array.fromAsync(ofKind(kind))));
  }
  others.sort(inOrder);
  for await (const revoked of ofKind('token.revoked')) {
    const last = revoked.at(-1)?.sequence ?? head;
    const count = others.findIndex(({ sequence }) => sequence > last);
    const earlier = count === -1 ? others : others.slice(0, count);
    others = others.slice(earlier.length);
    yield earlier.length === 0 ? revoked : [...earlier, ...revoked].sort(inOrder);
  }
  yield others;
}

/** Returns the earliest event at `since` or later, by the time that it says. */
async function findFirstSince(db: Kysely<Database>, since: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('events')
    .select('sequence')
    .where('occurred_at', '>=', new Date(since).toISOString())
    .orderBy('occurred_at')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  return row?.sequence;
}

interface FeedEventRange {
  readonly since: number;
  readonly first: number;
  readonly head: number;
}

async function* readKind(
  db: Kysely<Database>,
  kind: EventKind,
  { since, first, head }: FeedEventRange,
): AsyncGenerator<readonly FeedEvent[]> {
  let select = db
    .selectFrom('events')
    .select(['sequence', 'subject', 'data'])
    // Nothing depends on when a token was revoked, of which there may be a million.
    .$if(kind !== 'token.revoked', (events) => events.select('occurred_at'))
    .where('kind', '=', kind)
    .where((where) =>
      where.or([where('occurred_at', '>=', new Date(since).toISOString()), where('sequence', '>', first)]),
    )
    .where('sequence', '<=', head)
    .orderBy('sequence')
    .limit(batchSize);
  if (kind === 'client.updated' || kind === 'client.revoked') {
    select = select.where('data', 'like', '%"status":%');
  }
  for (let after = 0; ; ) {
    const rows = await select.where('sequence', '>', after).execute();
    yield rows.map(({ sequence, occurred_at, subject, data }) => ({
      sequence,
      occurredAt: occurred_at === undefined ? 0 : Date.parse(occurred_at),
      kind,
      subject,
      data: JSON.parse(data),
    }));
    const end = rows.at(-1);
    if (end === undefined || rows.length < batchSize) {
      return;
    }
    after = end.sequence;
    // Others get a turn, for it may be that the node is running, and reads everything again.
    await setImmediate();
  }
}

function inOrder(one: { readonly sequence: number }, other: { readonly sequence: number }): number {
  return one.sequence - other.sequence;
}
