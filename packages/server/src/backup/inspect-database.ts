/** Whether a database is intact, of this version, and of the master key at hand. Changes nothing. */
import { countImportedForms } from '../clients/client-secret-store.ts';
import type { DatabaseConfig } from '../config/config.ts';
import { describeDatabase } from '../db/connect.ts';
import { readSnapshot } from '../db/copy/copy-database.ts';
import type { MigrationSet } from '../db/migrate.ts';
import { findSqliteFault } from '../db/sqlite-files.ts';
import { findEventHash, type LogEnd, readLogEnd } from '../events/event-store.ts';
import { StartError } from '../start-error.ts';
import { type KnownMasterKey, requireMasterKeys } from './known-master-key.ts';

/**
 * Returns where the audit trail ends, and how many secrets from another server wait for their first use. Throws `StartError` that says what is wrong. Does not verify the audit trail, except
 * that its last event is there.
 */
export async function inspectDatabase(
  config: DatabaseConfig,
  migrations: readonly MigrationSet[],
  masterKey: KnownMasterKey | undefined,
): Promise<LogEnd & { readonly importedSecrets: number }> {
  const name = describeDatabase(config);
  const fault = config.kind === 'sqlite' ? findSqliteFault(config.path) : undefined;
  if (fault !== undefined) {
    throw new StartError(`${name} is not intact: ${fault}.`);
  }
  return readSnapshot(config, migrations, async (db) => {
    await requireMasterKeys(db, name, masterKey === undefined ? [] : [masterKey]);
    const end = await readLogEnd(db);
    if (end.sequence > 0 && (await findEventHash(db, end.sequence)) !== end.hash) {
      throw new StartError(`${name} is not intact: its audit trail lacks event ${end.sequence}, with which it ends.`);
    }
    const imported = await countImportedForms(db);
    return { ...end, importedSecrets: [...imported.values()].reduce((sum, secrets) => sum + secrets, 0) };
  });
}
