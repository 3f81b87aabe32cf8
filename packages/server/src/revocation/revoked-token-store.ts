/** Stores revoked access tokens until they expire, or until the end of their client covers them. */
import type { Kysely } from 'kysely';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';

/** The client of a token that was revoked by its id alone. */
export const unknownClient = '';

export interface RevokedToken {
  readonly jti: string;
  /** `unknownClient` if nobody knows it. */
  readonly clientId: string;
  /** Undefined for a token that no other revocation of its client covers for good: one of root. */
  readonly generation: number | undefined;
  /** Seconds since 1970. */
  readonly expiresAt: number;
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
    .values({
      jti: token.jti,
      client_id: token.clientId,
      generation: token.generation ?? null,
      expires_at: token.expiresAt,
    })
    .onConflict((conflict) => conflict.column('jti').doNothing())
    .returning('jti')
    .execute();
  return inserted.length > 0;
}

/** Whether at least `count` tokens of the client are stored that are of this generation or a later one; without one: of any and none. */
export async function hasRevokedTokens(
  db: Kysely<Database>,
  { clientId, generation }: { readonly clientId: string; readonly generation?: number },
  count: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('revoked_tokens')
    .select('jti')
    .where('client_id', '=', clientId)
    .$if(generation !== undefined, (tokens) => tokens.where('generation', '>=', generation as number))
    .offset(count - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Deletes the tokens of a client, which are inactive for good because of the client. */
export async function deleteRevocationsOf(db: Kysely<Database>, clientId: string): Promise<void> {
  await db.deleteFrom('revoked_tokens').where('client_id', '=', clientId).execute();
}

/** Deletes the tokens of generations before `generation`, which are inactive for good, of whatever client. */
export function deleteRevocationsBefore(db: Kysely<Database>, generation: number): Promise<void> {
  return deleteBelow(db, 'revoked_tokens', 'jti', 'generation', generation);
}

export function deleteExpiredRevocations(db: Kysely<Database>, nowSeconds: number): Promise<void> {
  return deleteBelow(db, 'revoked_tokens', 'jti', 'expires_at', Math.floor(nowSeconds) + 1);
}
