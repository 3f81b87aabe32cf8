/**
 * Reads all clients in parts. Between two parts other work runs, since SQLite answers on the thread that issues tokens.
 */
import { setImmediate } from 'node:timers/promises';
import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Database } from '../db/schema.ts';

/** Clients in a part: reading them takes a few milliseconds. */
const partSize = 2_000;

export interface ClientOrder {
  /** Has an index, with the id after it. */
  readonly column: 'created_at' | 'sort_name';
  readonly direction: 'asc' | 'desc';
}

export const oldestFirst: ClientOrder = { column: 'created_at', direction: 'asc' };

/**
 * Narrows a query to the clients of one part, in order. A search among these belongs in a query around it: inside,
 * PostgreSQL would read the whole table for every part instead of a piece of the index.
 */
export type ClientPart = <O>(query: ClientQuery<O>) => ClientQuery<O>;

type ClientQuery<O> = SelectQueryBuilder<Database, 'clients', O>;

interface Place {
  readonly key: string;
  readonly id: string;
}

/** Yields the parts in order. A client that is created, or whose sort key changes, meanwhile may be in none. */
export async function* clientParts(
  db: Kysely<Database>,
  { column, direction }: ClientOrder,
): AsyncGenerator<ClientPart> {
  const [later, upTo] = direction === 'asc' ? (['>', '<='] as const) : (['<', '>='] as const);
  const bounded = <O>(query: ClientQuery<O>, operator: '>' | '<' | '>=' | '<=', place: Place | undefined) =>
    place === undefined
      ? query
      : query.where((where) =>
          where(where.refTuple(`clients.${column}`, 'clients.id'), operator, where.tuple(place.key, place.id)),
        );
  const ordered = <O>(query: ClientQuery<O>) =>
    query.orderBy(`clients.${column}`, direction).orderBy('clients.id', direction);

  let start: Place | undefined;
  do {
    const after = start;
    const end: Place | undefined = await ordered(
      bounded(db.selectFrom('clients').select([`clients.${column} as key`, 'clients.id']), later, after),
    )
      .offset(partSize - 1)
      .limit(1)
      .executeTakeFirst();
    yield (query) => ordered(bounded(bounded(query, later, after), upTo, end)).limit(partSize);
    start = end;
    await setImmediate();
  } while (start !== undefined);
}
