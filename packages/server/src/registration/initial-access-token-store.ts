/** Initial access tokens in the database, by their digests. */
import type { Slice } from '@postern/http-api';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database, InitialAccessTokenTable } from '../db/schema.ts';
import type { InitialAccessToken } from './initial-access-token.ts';

export async function insertInitialAccessToken(
  db: Kysely<Database>,
  token: InitialAccessToken,
  digest: Buffer,
): Promise<void> {
  await db
    .insertInto('initial_access_tokens')
    .values({
      id: token.id,
      name: token.name,
      digest: digest.toString('base64url'),
      scopes: JSON.stringify(token.scopes),
      resources: JSON.stringify(token.resources),
      max_uses: token.maxUses,
      uses: token.uses,
      created_at: new Date(token.createdAt).toISOString(),
      created_by: token.createdBy,
      expires_at: new Date(token.expiresAt).toISOString(),
    })
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
  return row && fromRow(row);
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
  const { total } = await db
    .selectFrom('initial_access_tokens')
    .select((select) => select.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
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
  return { tokens: rows.map(fromRow), total: Number(total) };
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

function fromRow(row: Selectable<InitialAccessTokenTable>): InitialAccessToken {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as string[],
    resources: JSON.parse(row.resources) as string[],
    maxUses: row.max_uses,
    uses: row.uses,
    createdAt: Date.parse(row.created_at),
    expiresAt: Date.parse(row.expires_at),
    createdBy: row.created_by,
  };
}
