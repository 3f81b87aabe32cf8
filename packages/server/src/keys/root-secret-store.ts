/**
 * The root secret of a database: everything secret in it is encrypted or digested under keys that derive from this secret,
 * and the database has it encrypted under each master key that opens it. So a master key can be replaced while nodes run,
 * and no credential, token or audit trail depends on which one it is.
 */
import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { DatabaseDriver } from '../db/driver.ts';
import type { Database } from '../db/schema.ts';
import { createMasterKey, type MasterKey, type OperatorKey } from './master-key.ts';

const label = 'root secret';

export interface MasterKeyRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
}

/** Returns the keys that derive from the root secret; undefined if the master key is none of the database. */
export async function findRootKeys(db: Kysely<Database>, masterKey: OperatorKey): Promise<MasterKey | undefined> {
  const secret = await findRootSecret(db, masterKey);
  return secret && createMasterKey(secret);
}

/** Does the same, and creates the root secret of a database that has none. */
export async function openRootKeys(
  db: Kysely<Database>,
  driver: Pick<DatabaseDriver, 'lockChanges'>,
  masterKey: OperatorKey,
): Promise<MasterKey | undefined> {
  const found = await findRootKeys(db, masterKey);
  if (found !== undefined) {
    return found;
  }
  await db.transaction().execute(async (transaction) => {
    await driver.lockChanges(transaction);
    if ((await listMasterKeys(transaction)).length === 0) {
      await insertMasterKey(transaction, masterKey, randomBytes(32));
    }
  });
  return findRootKeys(db, masterKey);
}

/** Lists the master keys that open the database, oldest first. */
export async function listMasterKeys(db: Kysely<Database>): Promise<MasterKeyRecord[]> {
  const rows = await db
    .selectFrom('master_keys')
    .select(['id', 'added_at'])
    .orderBy('added_at')
    .orderBy('id')
    .execute();
  return rows.map(({ id, added_at }) => ({ id, addedAt: Date.parse(added_at) }));
}

/** Lets another master key open what `masterKey` opens. Returns false if it does already, and throws if `masterKey` does not. */
export async function addMasterKey(db: Kysely<Database>, masterKey: OperatorKey, added: OperatorKey): Promise<boolean> {
  const secret = await findRootSecret(db, masterKey);
  if (secret === undefined) {
    throw new Error('the master key is none of the database');
  }
  if ((await findRootSecret(db, added)) !== undefined) {
    return false;
  }
  await insertMasterKey(db, added, secret);
  return true;
}

export async function deleteMasterKey(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('master_keys').where('id', '=', id).execute();
}

async function findRootSecret(db: Kysely<Database>, masterKey: OperatorKey): Promise<Buffer | undefined> {
  const row = await db
    .selectFrom('master_keys')
    .select('sealed_root_secret')
    .where('id', '=', masterKey.id)
    .executeTakeFirst();
  return row && masterKey.open(row.sealed_root_secret, label);
}

async function insertMasterKey(db: Kysely<Database>, masterKey: OperatorKey, secret: Buffer): Promise<void> {
  await db
    .insertInto('master_keys')
    .values({
      id: masterKey.id,
      sealed_root_secret: masterKey.seal(secret, label),
      added_at: new Date().toISOString(),
    })
    .execute();
}
