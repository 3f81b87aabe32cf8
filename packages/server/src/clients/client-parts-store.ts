/**
 * Reads all clients in parts. Between two parts other work runs, since SQLite answers on the thread that issues tokens.
 */
import { setImmediate } from 'node:timers/promises';
import { type Kysely, type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../db/schema.ts';

/** Clients in a part: reading them takes a few milliseconds. */
const partSize = 2_000;

/** The columns of the index that has the order: what it sorts by, and the id after it. */
const orderColumns = {
  created_at: ['clients.created_at', 'clients.id'],
  sort_name: ['clients.sort_name', 'clients.id'],
  last_issued_at: ['client_usage.last_issued_at', 'client_usage.client_id'],
} as const;

export interface ClientOrder {
  readonly column: keyof typeof orderColumns;
  readonly direction: 'asc' | 'desc';
}

export const oldestFirst: ClientOrder = { column: 'created_at', direction: 'asc' };

/** Where a client stands in an order: what it is sorted by, and its id. */
type Place = readonly string[];

type ClientQuery<O> = SelectQueryBuilder<Database, 'clients', O>;

/** Selects what the clients are sorted by as `key`, in order. */
export function orderedClients(db: Kysely<Database>, { column, direction }: ClientOrder) {
  const [key, id] = orderColumns[column];
  const clients = db.selectFrom('clients');
  const joined =
    column === 'last_issued_at' ? clients.innerJoin('client_usage', 'client_usage.client_id', 'clients.id') : clients;
  return (joined as ClientQuery<unknown>)
    .select(sql<string>`${sql.ref(key)}`.as('key'))
    .orderBy(sql.ref(key), direction)
    .orderBy(sql.ref(id), direction);
}

/** SQL for whether a client comes after the place in that order; undefined: all do. */
export function comesAfter({ column, direction }: ClientOrder, place: Place | undefined): RawBuilder<SqlBool> {
  return comparesTo(orderColumns[column], direction === 'asc' ? '>' : '<', place);
}

/** The same of what `orderedClients` selected. */
export function keyComesAfter({ direction }: ClientOrder, place: Place | undefined): RawBuilder<SqlBool> {
  return comparesTo(['key', 'id'], direction === 'asc' ? '>' : '<', place);
}

function comparesTo(
  columns: readonly [string, string],
  operator: '>' | '<' | '>=' | '<=',
  place: Place | undefined,
): RawBuilder<SqlBool> {
  const [key, id] = columns.map((column) => sql.ref(column));
  return place === undefined ? sql`1 = 1` : sql`(${key}, ${id}) ${sql.raw(operator)} (${place[0]}, ${place[1]})`;
}

/**
 * Narrows a query of `orderedClients` to one part. A search among these belongs in a query around it: inside, PostgreSQL
 * would read the whole table for every part instead of a piece of the index.
 */
export type ClientPart = <O>(query: ClientQuery<O>) => ClientQuery<O>;

/** Yields the parts in order. A client that is created, or whose sort key changes, meanwhile may be in none. */
export async function* clientParts(db: Kysely<Database>, order: ClientOrder): AsyncGenerator<ClientPart> {
  const columns = orderColumns[order.column];
  const upTo = order.direction === 'asc' ? '<=' : '>=';
  let start: Place | undefined;
  do {
    const after = start;
    const end = await orderedClients(db, order)
      .select('clients.id')
      .where(comesAfter(order, after))
      .offset(partSize - 1)
      .limit(1)
      .executeTakeFirst();
    const last = end && [end.key, end.id];
    yield (query) =>
      query
        .where(comesAfter(order, after))
        .where(comparesTo(columns, upTo, last))
        .limit(partSize);
    start = last;
    await setImmediate();
  } while (start !== undefined);
}
