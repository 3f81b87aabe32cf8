/** Whether a database can be used with the master keys at hand: what is encrypted in it must open under each. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { OperatorKey } from '../keys/master-key.ts';
import { findRootKeys } from '../keys/root-secret-store.ts';
import { StartError } from '../start-error.ts';

export interface KnownMasterKey {
  /** Where it was found: a variable or a file. */
  readonly where: string;
  readonly key: OperatorKey;
}

/** Throws `StartError` that names the first key that does not open the signing keys of the database. */
export async function requireMasterKeys(
  db: Kysely<Database>,
  name: string,
  keys: readonly KnownMasterKey[],
): Promise<void> {
  for (const { where, key } of keys) {
    if ((await findRootKeys(db, key)) === undefined) {
      throw new StartError(
        `the master key in ${where} does not open the signing keys in ${name}: all credentials would be useless under it. ` +
          'Use the master key that the database was created with or that it was rotated to.',
      );
    }
  }
}
