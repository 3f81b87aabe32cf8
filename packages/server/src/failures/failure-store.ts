/** Stores which clients fail to get tokens, from where and why. All nodes add to it. */
import type { Slice } from '@postern/http-api';
import { type Kysely, sql } from 'kysely';
import { readLastIssue } from '../clients/last-issue.ts';
import { countFound } from '../db/count-rows.ts';
import type { Database } from '../db/schema.ts';
import { type CountedFailure, keyOf, mostAddresses } from './pending-failures.ts';

/** Rows in one statement. */
const mostRows = 500;

/** Failures that are kept; of more, those that are longest over are forgotten. */
const mostFailures = 10_000;

/** Adds the counts. A failure that was there already began when it began. */
export async function addFailures(db: Kysely<Database>, failures: readonly CountedFailure[]): Promise<void> {
  // In one order, so that two nodes cannot deadlock.
  const rows = failures
    .map((failure) => ({
      key: keyOf(failure),
      client_id: failure.clientId,
      address: failure.address,
      reason: failure.reason,
      requests: failure.requests,
      since: toText(failure.since),
      last_at: toText(failure.lastAt),
    }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
  for (let first = 0; first < rows.length; first += mostRows) {
    await db
      .insertInto('token_failures')
      .values(rows.slice(first, first + mostRows))
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet((value) => ({
          requests: value('token_failures.requests', '+', value.ref('excluded.requests')),
          last_at: sql<string>`case when excluded.last_at > token_failures.last_at then excluded.last_at else token_failures.last_at end`,
        })),
      )
      .execute();
  }
}

/** Deletes failures that were over before `before` (RFC 3339, UTC). */
export async function deleteOldFailures(db: Kysely<Database>, before: string): Promise<void> {
  await db.deleteFrom('token_failures').where('last_at', '<=', before).execute();
}

/**
 * Deletes the failures from all but the latest addresses of a client and reason, so that whoever has many addresses displaces no
 * other client, and all but the latest `mostFailures`.
 */
export async function deleteSurplusFailures(db: Kysely<Database>): Promise<void> {
  await deleteFurtherAddresses(db);
  const surplus = await db
    .selectFrom('token_failures')
    .select('last_at')
    .orderBy('last_at', 'desc')
    .offset(mostFailures)
    .limit(1)
    .executeTakeFirst();
  if (surplus !== undefined) {
    await deleteOldFailures(db, surplus.last_at);
  }
}

async function deleteFurtherAddresses(db: Kysely<Database>): Promise<void> {
  const placed = db
    .selectFrom('token_failures')
    .select((select) => [
      'key',
      select.fn
        .agg<number>('row_number')
        .over((rows) => rows.partitionBy(['client_id', 'reason']).orderBy('last_at', 'desc').orderBy('key'))
        .as('place'),
    ])
    .as('placed');
  await db
    .deleteFrom('token_failures')
    // One more is for the requests from further addresses.
    .where('key', 'in', (select) =>
      select
        .selectFrom(placed)
        .select('key')
        .where('place', '>', mostAddresses + 1),
    )
    .execute();
}

export interface StoredFailure {
  readonly key: string;
  readonly clientId: string | null;
  readonly name: string | null;
  readonly address: string | null;
  readonly reason: string;
  readonly requests: number;
  /** RFC 3339, UTC. */
  readonly since: string;
  readonly lastAt: string;
  /** When the client last got a token; null: never, as far as is known. */
  readonly lastIssuedAt: string | null;
}

export interface FailureOrder {
  readonly by: 'lastAt' | 'since' | 'requests';
  readonly direction: 'asc' | 'desc';
}

const orderColumns = { lastAt: 'failure.last_at', since: 'failure.since', requests: 'failure.requests' } as const;

export interface FailureFilter {
  readonly clientId: string | undefined;
  readonly reason: string | undefined;
  /** The root client, which is not in the table of clients. */
  readonly rootId: string;
}

/** Lists a part in that order, and the total number. Failures of clients that were deleted are left out. */
export async function listFailures(
  db: Kysely<Database>,
  { clientId, reason, rootId }: FailureFilter,
  { by, direction }: FailureOrder,
  { after, offset, limit }: Slice,
): Promise<{ readonly items: readonly StoredFailure[]; readonly total: number }> {
  const matching = db
    .selectFrom('token_failures as failure')
    .leftJoin('clients', 'clients.id', 'failure.client_id')
    .where((where) =>
      where.or([
        where('failure.client_id', 'is', null),
        where('failure.client_id', '=', rootId),
        where('clients.id', 'is not', null),
      ]),
    )
    .$if(clientId !== undefined, (query) => query.where('failure.client_id', '=', clientId as string))
    .$if(reason !== undefined, (query) => query.where('failure.reason', '=', reason as string));
  const total = await countFound(matching);
  const [value = '', key = ''] = after ?? [];
  const isAfter = sql.raw(direction === 'desc' ? '<' : '>');
  const rows = await matching
    .leftJoin('client_usage', 'client_usage.client_id', 'failure.client_id')
    .select([
      'failure.key',
      'failure.client_id',
      'failure.address',
      'failure.reason',
      'failure.requests',
      'failure.since',
      'failure.last_at',
      'clients.name',
      'client_usage.last_issued_at',
    ])
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(${sql.ref(orderColumns[by])}, failure.key) ${isAfter} (${by === 'requests' ? Number(value) || 0 : value}, ${key})`,
      ),
    )
    .orderBy(orderColumns[by], direction)
    .orderBy('failure.key', direction)
    .offset(offset)
    .limit(limit)
    .execute();
  return {
    total,
    items: rows.map((row) => ({
      key: row.key,
      clientId: row.client_id,
      name: row.name,
      address: row.address,
      reason: row.reason,
      requests: Number(row.requests),
      since: row.since,
      lastAt: row.last_at,
      lastIssuedAt: readLastIssue(row.last_issued_at),
    })),
  };
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}
