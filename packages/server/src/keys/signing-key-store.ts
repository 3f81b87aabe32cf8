/** Signing keys in the database, their private halves sealed. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { MasterKey } from './master-key.ts';
import { openSigningKey, type SigningKey, sealSigningKey } from './signing-key.ts';

/** Oldest first. Throws where the master key is not the one that sealed them. */
export async function loadSigningKeys(db: Kysely<Database>, masterKey: MasterKey): Promise<SigningKey[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('kid').execute();
  return rows.map((row) => openSigningKey(row.kid, row.sealed_private_key, row.created_at, masterKey));
}

export async function insertSigningKey(db: Kysely<Database>, key: SigningKey, masterKey: MasterKey): Promise<void> {
  await db
    .insertInto('signing_keys')
    .values({
      kid: key.kid,
      alg: key.alg,
      sealed_private_key: sealSigningKey(key, masterKey),
      created_at: key.createdAt,
    })
    .execute();
}
