/**
 * All clients, part by part, for what has to look at each: between two parts everything else has its turn, for SQLite
 * answers on the thread that issues tokens.
 */
import { setImmediate } from 'node:timers/promises';
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import type { Database } from './schema.ts';

/** Clients in a part: looking at as many takes a few milliseconds. */
const partSize = 2_000;

export interface ClientOrder {
  /** Has an index, with the id after it. */
  readonly column: 'created_at' | 'sort_name';
  readonly direction: 'asc' | 'desc';
}

export const oldestFirst: ClientOrder = { column: 'created_at', direction: 'asc' };

/** Is true of the clients of one part. */
export type WithinPart = (where: ExpressionBuilder<Database, 'clients'>) => Expression<SqlBool>;

interface Place {
  readonly key: string;
  readonly id: string;
}

/** One condition a part, in order. A client that is made or sorted elsewhere meanwhile may be in none. */
export async function* clientParts(
  db: Kysely<Database>,
  { column, direction }: ClientOrder,
): AsyncGenerator<WithinPart> {
  const [beyond, upTo] = direction === 'asc' ? (['>', '<='] as const) : (['<', '>='] as const);
  const compare =
    (operator: '>' | '<' | '>=' | '<=', { key, id }: Place): WithinPart =>
    (where) =>
      where(where.refTuple(column, 'id'), operator, where.tuple(key, id));

  let start: Place | undefined;
  do {
    const after = start === undefined ? undefined : compare(beyond, start);
    const end: Place | undefined = await db
      .selectFrom('clients')
      .select([`${column} as key`, 'id'])
      .$if(after !== undefined, (select) => select.where(after as WithinPart))
      .orderBy(column, direction)
      .orderBy('id', direction)
      .offset(partSize - 1)
      .limit(1)
      .executeTakeFirst();
    const until = end === undefined ? undefined : compare(upTo, end);
    yield (where) => where.and([after, until].flatMap((condition) => condition?.(where) ?? []));
    start = end;
    await setImmediate();
  } while (start !== undefined);
}
