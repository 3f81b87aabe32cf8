/** Checks what is in the database: whether it is intact, of this version, and opens under the master key. */
import { policyMigrations } from '@postern/policy-api';
import {
  describeDatabase,
  findMasterKey,
  hasSqliteTables,
  inspectDatabase,
  isEmptyDatabase,
  type ServerConfig,
  StartError,
  serverMigrations,
} from '@postern/server';
import { type Finding, fail, ok } from './finding.ts';
import { findSecretFile } from './local-files.ts';

const migrations = [serverMigrations, policyMigrations];
const about = 'database content';

/** Creates and changes nothing. */
export async function checkDatabaseContent(config: ServerConfig): Promise<Finding> {
  const { database, dataDir } = config;
  const name = describeDatabase(database);
  const secret = findSecretFile(dataDir);
  try {
    if (database.kind === 'sqlite' && secret !== undefined && !hasSqliteTables(database.path)) {
      return fail(
        about,
        `${name} is missing or empty, although ${secret} is of an earlier start: the server does not start.`,
        'Put it back, or restore a backup: postern restore FILE',
      );
    }
    if (await isEmptyDatabase(database, migrations)) {
      return ok(about, `${name} is empty; the first start creates its tables.`);
    }
    const { sequence, importedSecrets } = await inspectDatabase(database, migrations, findMasterKey(config));
    const waiting =
      importedSecrets === 0 ? '' : ` Secrets from another server that wait for their first use: ${importedSecrets}.`;
    return ok(about, `${name} is intact, and its audit trail ends with event ${sequence}.${waiting}`);
  } catch (error) {
    if (!(error instanceof StartError)) {
      throw error;
    }
    return fail(about, error.message, 'Stop the server and restore a backup: postern restore FILE');
  }
}
