/** Changes which master keys open the database, while nodes run on it: the steps of `postern master-key`. */
import type { DatabaseConfig } from './config/config.ts';
import { connectDatabase } from './db/connect.ts';
import { isPresent } from './db/copy/whole-file.ts';
import type { MigrationSet } from './db/migrate.ts';
import { openOfflineEventLog } from './events/offline-event-log.ts';
import type { OperatorKey } from './keys/master-key.ts';
import {
  addMasterKey,
  deleteMasterKey,
  findRootKeys,
  listMasterKeys,
  type MasterKeyRecord,
} from './keys/root-secret-store.ts';
import { StartError } from './start-error.ts';

export interface OpenedMasterKeys {
  /** All that open the database, oldest first. */
  list(): Promise<readonly MasterKeyRecord[]>;
  /** Lets `added` open the database too. Changes nothing if it does already. */
  add(added: OperatorKey): Promise<void>;
  /** Lets no other master key open the database any more. Returns the ids of those that did. */
  removeOthers(): Promise<readonly string[]>;
}

export interface MasterKeysRequest {
  readonly database: DatabaseConfig;
  readonly migrations: readonly MigrationSet[];
  /** The one that opens the database now. */
  readonly masterKey: OperatorKey;
}

/** Runs `work` on the master keys of a database. Throws `StartError` if there is none, or the master key does not open it. */
export async function withMasterKeys<T>(
  { database, migrations, masterKey }: MasterKeysRequest,
  work: (keys: OpenedMasterKeys) => Promise<T>,
): Promise<T> {
  if (database.kind === 'sqlite' && !isPresent(database.path)) {
    throw new StartError(`there is no database ${database.path}: start postern serve first.`);
  }
  const { db, driver } = await connectDatabase(database, migrations);
  try {
    const rootKeys = await findRootKeys(db, masterKey);
    if (rootKeys === undefined) {
      throw new StartError('the master key that is configured here does not open the database.');
    }
    const openLog = () => openOfflineEventLog({ installation: { db, driver, masterKey: rootKeys }, now: Date.now });
    return await work({
      list: () => listMasterKeys(db),
      async add(added) {
        const events = await openLog();
        await events.change('postern', async (transaction, append) => {
          if (await addMasterKey(transaction, masterKey, added)) {
            await append({ kind: 'master_key.added', subject: added.id, data: {} });
          }
        });
      },
      async removeOthers() {
        const events = await openLog();
        return events.change('postern', async (transaction, append) => {
          const others = (await listMasterKeys(transaction)).map(({ id }) => id).filter((id) => id !== masterKey.id);
          for (const id of others) {
            await deleteMasterKey(transaction, id);
            await append({ kind: 'master_key.removed', subject: id, data: {} });
          }
          return others;
        });
      },
    });
  } finally {
    await db.destroy();
  }
}
