/** Stores revoked access tokens until they would have expired. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';

export interface RevokedToken {
  readonly jti: string;
  readonly clientId: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

export async function loadRevokedTokens(db: Kysely<Database>): Promise<RevokedToken[]> {
  const rows = await db.selectFrom('revoked_tokens').selectAll().execute();
  return rows.map((row) => ({ jti: row.jti, clientId: row.client_id, expiresAt: row.expires_at }));
}

/** Which of the tokens are revoked. */
export async function findRevokedTokens(db: Kysely<Database>, jtis: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('revoked_tokens').select('jti').where('jti', 'in', jtis).execute();
  return new Set(rows.map(({ jti }) => jti));
}

/** Returns false if the token was revoked before. */
export async function insertRevokedToken(db: Kysely<Database>, token: RevokedToken): Promise<boolean> {
  const inserted = await db
    .insertInto('revoked_tokens')
    .values({ jti: token.jti, client_id: token.clientId, expires_at: token.expiresAt })
    .onConflict((conflict) => conflict.column('jti').doNothing())
    .returning('jti')
    .execute();
  return inserted.length > 0;
}

export async function deleteExpiredRevocations(db: Kysely<Database>, nowSeconds: number): Promise<void> {
  await db.deleteFrom('revoked_tokens').where('expires_at', '<=', Math.floor(nowSeconds)).execute();
}
