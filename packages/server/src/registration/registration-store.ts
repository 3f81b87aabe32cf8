/** Registrations in the database, by which clients that registered themselves manage that registration. RFC 7592 §1.2. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { type RegistrationLimits, readLimits, serializeLimits } from './registration-limits.ts';

export interface Registration {
  readonly clientId: string;
  /** The digest of the registration access token. */
  readonly digest: Buffer;
  /** What the client may register for. */
  readonly limits: RegistrationLimits;
}

/** Finds the registration of the client by the digest of the token that was sent. */
export async function findRegistration(
  db: Kysely<Database>,
  clientId: string,
  digest: Buffer,
): Promise<Registration | undefined> {
  const row = await db
    .selectFrom('registrations')
    .selectAll()
    .where('client_id', '=', clientId)
    .where('digest', '=', toText(digest))
    .executeTakeFirst();
  return row && { clientId, digest, limits: readLimits(row.limits) };
}

export async function insertRegistration(db: Kysely<Database>, registration: Registration): Promise<void> {
  await db
    .insertInto('registrations')
    .values({
      client_id: registration.clientId,
      digest: toText(registration.digest),
      limits: serializeLimits(registration.limits),
    })
    .execute();
}

/** Returns false if the token is no longer the client's: of concurrent calls with one token, one gets true. */
export async function replaceRegistrationDigest(
  db: Kysely<Database>,
  { clientId, digest }: Registration,
  next: Buffer,
): Promise<boolean> {
  const updated = await db
    .updateTable('registrations')
    .set({ digest: toText(next) })
    .where('client_id', '=', clientId)
    .where('digest', '=', toText(digest))
    .returning('client_id')
    .execute();
  return updated.length > 0;
}

/** Returns false if the client has none. */
export async function deleteRegistration(db: Kysely<Database>, clientId: string): Promise<boolean> {
  const deleted = await db
    .deleteFrom('registrations')
    .where('client_id', '=', clientId)
    .returning('client_id')
    .execute();
  return deleted.length > 0;
}

function toText(digest: Buffer): string {
  return digest.toString('base64url');
}
