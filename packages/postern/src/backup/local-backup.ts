/** Backs up the database of the environment. It is the part of the verb that knows the server's code. */
import { resolve } from 'node:path';
import { backUpDatabase, type CopyRequest, describeDatabase, findMasterKey } from '@postern/server';
import { hostedMigrations, readStorage, reportStartErrors } from './local-storage.ts';

export function backUpLocally(path: string, envFile: string | undefined, onProgress: CopyRequest['onProgress']) {
  return reportStartErrors(async () => {
    const storage = await readStorage(envFile);
    const backup = await backUpDatabase({
      source: storage.database,
      path: resolve(path),
      migrations: hostedMigrations,
      onProgress,
    });
    const secrets =
      findMasterKey(storage)?.where.includes('/') === true
        ? `master.key and root.env in ${storage.dataDir}`
        : 'POSTERN_MASTER_KEY, OAUTH_ROOT_CLIENT_ID and OAUTH_ROOT_CLIENT_SECRET';
    return { ...backup, source: describeDatabase(storage.database), secrets };
  });
}
