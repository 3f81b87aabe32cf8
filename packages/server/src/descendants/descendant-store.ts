/** Stores how many tokens were issued by exchange below each token. Writing adds to the stored counts, since other nodes add to them too. */
import { type Kysely, sql } from 'kysely';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';
import type { Ancestor, DescendantCount, Uncounted } from './pending-descendants.ts';

/** The `jti` of the row for what is not counted below all tokens behind it. */
const uncountedJti = '';

/** Counts of one token or client that are read. */
const mostRead = 1_000;

/** Which tokens are meant: those below one token, or below all of a client that may be active at a time, in seconds since 1970. */
export type StoredDescendantsOf = { readonly jti: string } | { readonly clientId: string; readonly nowSeconds: number };

export interface StoredDescendants {
  /** Of all counts, also of those that are not among `counts`. */
  readonly tokensIssued: number;
  /** Those with the most tokens. */
  readonly counts: readonly DescendantCount[];
  /** The client of the token, if something was counted below it. */
  readonly ancestorClientId: string | undefined;
}

/** Adds the counts below some tokens. */
export async function addDescendants(db: Kysely<Database>, ancestors: ReadonlyMap<string, Ancestor>): Promise<void> {
  const rows = [...ancestors].flatMap(([jti, { clientId, counts }]) =>
    [...counts.values()].map((count) => ({
      jti,
      ancestor_client_id: clientId,
      client_id: count.clientId,
      resource: count.resource,
      tokens_issued: count.tokensIssued,
      tokens_below_client: count.tokensBelowClient,
      last_expires_at: Math.ceil(count.lastExpiresAt),
    })),
  );
  await addRows(db, rows);
}

export async function addUncountedTokens(
  db: Kysely<Database>,
  { tokensIssued, lastExpiresAt }: Uncounted,
): Promise<void> {
  await addRows(db, [
    {
      jti: uncountedJti,
      ancestor_client_id: '',
      client_id: '',
      resource: '',
      tokens_issued: tokensIssued,
      tokens_below_client: 0,
      last_expires_at: Math.ceil(lastExpiresAt),
    },
  ]);
}

interface Row {
  readonly jti: string;
  readonly ancestor_client_id: string;
  readonly client_id: string;
  readonly resource: string;
  readonly tokens_issued: number;
  readonly tokens_below_client: number;
  readonly last_expires_at: number;
}

/** Rows in one statement. */
const mostRows = 1_000;

async function addRows(db: Kysely<Database>, rows: readonly Row[]): Promise<void> {
  for (let first = 0; first < rows.length; first += mostRows) {
    await db
      .insertInto('token_descendants')
      .values(rows.slice(first, first + mostRows))
      .onConflict((conflict) =>
        conflict.columns(['jti', 'client_id', 'resource']).doUpdateSet((value) => ({
          tokens_issued: value('token_descendants.tokens_issued', '+', value.ref('excluded.tokens_issued')),
          tokens_below_client: value(
            'token_descendants.tokens_below_client',
            '+',
            value.ref('excluded.tokens_below_client'),
          ),
          last_expires_at: sql<number>`case when excluded.last_expires_at > token_descendants.last_expires_at then excluded.last_expires_at else token_descendants.last_expires_at end`,
        })),
      )
      .execute();
  }
}

export async function findDescendants(db: Kysely<Database>, of: StoredDescendantsOf): Promise<StoredDescendants> {
  const column = 'jti' in of ? 'tokens_issued' : 'tokens_below_client';
  const matching = () => {
    const all = db.selectFrom('token_descendants');
    return 'jti' in of
      ? all.where('jti', '=', of.jti)
      : all
          .where('ancestor_client_id', '=', of.clientId)
          .where('last_expires_at', '>', Math.floor(of.nowSeconds))
          .where('tokens_below_client', '>', 0);
  };
  const counted = matching()
    .select(['client_id', 'resource'])
    .select((select) => [
      select.fn.sum<number>(column).as('tokens'),
      select.fn.max('last_expires_at').as('last_expires_at'),
      select.fn.max('ancestor_client_id').as('ancestor_client_id'),
    ])
    .groupBy(['client_id', 'resource'])
    .orderBy('tokens', 'desc')
    .limit(mostRead)
    .execute();
  const summed = matching()
    .select((select) => select.fn.sum<number | null>(column).as('tokens'))
    .executeTakeFirstOrThrow();
  const [rows, { tokens }] = await Promise.all([counted, summed]);
  return {
    tokensIssued: Number(tokens ?? 0),
    counts: rows.map((row) => ({
      clientId: row.client_id,
      resource: row.resource,
      tokensIssued: Number(row.tokens),
      tokensBelowClient: Number(row.tokens),
      lastExpiresAt: Number(row.last_expires_at),
    })),
    ancestorClientId: rows[0]?.ancestor_client_id,
  };
}

/** Whether tokens that may be active are not counted below all tokens behind them. */
export async function hasUncountedTokens(db: Kysely<Database>, nowSeconds: number): Promise<boolean> {
  const row = await db
    .selectFrom('token_descendants')
    .select('jti')
    .where('jti', '=', uncountedJti)
    .where('last_expires_at', '>', Math.floor(nowSeconds))
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether there are at least so many counts. */
export async function hasDescendantRows(db: Kysely<Database>, count: number): Promise<boolean> {
  const row = await db
    .selectFrom('token_descendants')
    .select('jti')
    .offset(count - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Deletes counts of which the last token has expired at `nowSeconds`, in seconds since 1970. */
export function deleteExpiredDescendants(db: Kysely<Database>, nowSeconds: number): Promise<void> {
  return deleteBelow(db, 'token_descendants', 'jti', 'last_expires_at', Math.floor(nowSeconds) + 1);
}
