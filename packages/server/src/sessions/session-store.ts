/** Sessions in the database, each by the digest of its secret, which is stored nowhere. */
import type { Kysely } from 'kysely';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database, SessionTable } from '../db/schema.ts';
import { createRowMap } from '../db/thing-store.ts';
import type { Session, SessionCode, SessionKind } from './session.ts';

const { toRow, fromRow } = createRowMap<Omit<SessionTable, 'digest'>, Session>({
  generation: 'bigint',
  createdAt: 'time',
  expiresAt: 'time',
  endsAt: 'time',
});

const withoutDigest = ({ digest: _, ...row }: SessionTable) => fromRow(row);

export async function insertSession(db: Kysely<Database>, session: Session, digest: Buffer): Promise<void> {
  await db
    .insertInto('sessions')
    .values({ ...toRow(session), digest: digest.toString('base64url') })
    .execute();
}

export async function findSession(
  db: Kysely<Database>,
  by: { readonly id: string } | { readonly digest: Buffer },
): Promise<Session | undefined> {
  const select = db.selectFrom('sessions').selectAll();
  const row = await ('id' in by
    ? select.where('id', '=', by.id)
    : select.where('digest', '=', by.digest.toString('base64url'))
  ).executeTakeFirst();
  return row && withoutDigest(row);
}

/** Lists the sessions of a client, newest first. */
export async function listSessionsOf(db: Kysely<Database>, clientId: string): Promise<Session[]> {
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('client_id', '=', clientId)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(withoutDigest);
}

/** Moves the end of an idle session. */
export async function extendSession(db: Kysely<Database>, id: string, expiresAt: number): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ expires_at: new Date(expiresAt).toISOString() })
    .where('id', '=', id)
    .execute();
}

/** Returns false if there was none. */
export async function deleteSession(db: Kysely<Database>, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('sessions').where('id', '=', id).executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

export async function insertSessionCode(db: Kysely<Database>, code: SessionCode, digest: Buffer): Promise<void> {
  await db
    .insertInto('session_codes')
    .values({
      digest: digest.toString('base64url'),
      client_id: code.clientId,
      generation: code.generation,
      kind: code.kind,
      parent_id: code.parentId ?? null,
      challenge: code.challenge ?? null,
      expires_at: new Date(code.expiresAt).toISOString(),
    })
    .execute();
}

export async function findSessionCode(db: Kysely<Database>, digest: Buffer): Promise<SessionCode | undefined> {
  const row = await db
    .selectFrom('session_codes')
    .selectAll()
    .where('digest', '=', digest.toString('base64url'))
    .executeTakeFirst();
  return (
    row && {
      clientId: row.client_id,
      generation: Number(row.generation),
      kind: row.kind as SessionKind,
      parentId: row.parent_id ?? undefined,
      challenge: row.challenge ?? undefined,
      expiresAt: Date.parse(row.expires_at),
    }
  );
}

/** Returns false if it was used before. */
export async function deleteSessionCode(db: Kysely<Database>, digest: Buffer): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('session_codes')
    .where('digest', '=', digest.toString('base64url'))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** Deletes the codes that would begin a session of the client. */
export async function deleteSessionCodesOf(db: Kysely<Database>, clientId: string): Promise<void> {
  await db.deleteFrom('session_codes').where('client_id', '=', clientId).execute();
}

/** Deletes the sessions that have ended and the codes that have expired by `now`, in milliseconds since 1970. */
export async function deleteEndedSessions(db: Kysely<Database>, now: number): Promise<void> {
  const text = new Date(now + 1).toISOString();
  await deleteBelow(db, 'session_codes', 'digest', 'expires_at', text);
  await deleteBelow(db, 'sessions', 'id', 'expires_at', text);
}
