/** Initial access tokens in the database, by their digests. */
import type { Slice } from '@postern/http-api';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { countFound } from '../db/count-rows.ts';
import type { Database, InitialAccessTokenTable } from '../db/schema.ts';
import { createRowMap } from '../db/thing-store.ts';
import type { InitialAccessToken } from './initial-access-token.ts';

const { toRow, fromRow } = createRowMap<Omit<InitialAccessTokenTable, 'digest'>, InitialAccessToken>({
  scopes: 'json',
  resources: 'json',
  createdAt: 'time',
  expiresAt: 'time',
});

const withoutDigest = ({ digest: _, ...row }: InitialAccessTokenTable) => fromRow(row);

export async function insertInitialAccessToken(
  db: Kysely<Database>,
  token: InitialAccessToken,
  digest: Buffer,
): Promise<void> {
  await db
    .insertInto('initial_access_tokens')
    .values({ ...toRow(token), digest: digest.toString('base64url') })
    .execute();
}

export async function findInitialAccessToken(
  db: Kysely<Database>,
  by: { readonly digest: Buffer } | { readonly id: string },
): Promise<InitialAccessToken | undefined> {
  const select = db.selectFrom('initial_access_tokens').selectAll();
  const row = await ('id' in by
    ? select.where('id', '=', by.id)
    : select.where('digest', '=', by.digest.toString('base64url'))
  ).executeTakeFirst();
  return row && withoutDigest(row);
}

/** Throws `not_found`. */
export async function getInitialAccessToken(db: Kysely<Database>, id: string): Promise<InitialAccessToken> {
  const token = await findInitialAccessToken(db, { id });
  if (token === undefined) {
    throw new OAuthError('not_found', `There is no initial access token ${showName(id)}.`);
  }
  return token;
}

/** Lists part of them, oldest first, and how many there are. Their place is the time of their creation and their id. */
export async function listInitialAccessTokens(
  db: Kysely<Database>,
  { after, offset, limit }: Slice,
): Promise<{ readonly tokens: readonly InitialAccessToken[]; readonly total: number }> {
  const total = await countFound(db.selectFrom('initial_access_tokens'));
  const rows = await db
    .selectFrom('initial_access_tokens')
    .selectAll()
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('created_at', 'id'), '>', tuple(after?.[0] ?? '', after?.[1] ?? '')),
      ),
    )
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { tokens: rows.map(withoutDigest), total };
}

/** Counts one use. Returns false if none is left: of concurrent calls, as many get true as there are uses left. */
export async function useInitialAccessToken(db: Kysely<Database>, id: string): Promise<boolean> {
  const updated = await db
    .updateTable('initial_access_tokens')
    .set((value) => ({ uses: value('uses', '+', 1) }))
    .where('id', '=', id)
    .whereRef('uses', '<', 'max_uses')
    .returning('id')
    .execute();
  return updated.length > 0;
}

export async function deleteInitialAccessToken(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('initial_access_tokens').where('id', '=', id).execute();
}
