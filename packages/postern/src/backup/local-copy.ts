/** Copies between the databases that two URLs name. It is the part of the verb that knows the server's code. */
import { dirname } from 'node:path';
import {
  type CopyRequest,
  copyToEmptyDatabase,
  describeDatabase,
  findMasterKey,
  readStorageConfig,
  type StorageConfig,
} from '@postern/server';
import type { Environment } from '../connection/profile.ts';
import { hostedMigrations, reportStartErrors } from './local-storage.ts';

export async function copyLocally(from: string, to: string, env: Environment, onProgress: CopyRequest['onProgress']) {
  return reportStartErrors(async () => {
    const [source, target] = [readDatabase('--from', from, env), readDatabase('--to', to, env)];
    const masterKeys = findMasterKeys([source, target]);
    const rows = await copyToEmptyDatabase({
      source: source.database,
      target: target.database,
      migrations: hostedMigrations,
      masterKeys,
      onProgress,
    });
    return {
      source: describeDatabase(source.database),
      target: describeDatabase(target.database),
      rows,
      masterKeys: masterKeys.map(({ where }) => where),
    };
  });
}

/** The variables of a server, with the database of an option. */
function readDatabase(option: string, url: string, env: Environment): StorageConfig {
  try {
    return readStorageConfig({ ...env, DATABASE_URL: url, DATABASE_URL_FILE: undefined });
  } catch (error) {
    const { message } = error as Error;
    throw Object.assign(error as Error, { message: message.replaceAll('DATABASE_URL', option) });
  }
}

/** The master keys that a server on one of the databases would have. */
function findMasterKeys(configs: readonly StorageConfig[]): CopyRequest['masterKeys'] {
  const places = configs.flatMap((config) => [
    config,
    ...(config.database.kind === 'sqlite' ? [{ ...config, dataDir: dirname(config.database.path) }] : []),
  ]);
  const found = places.flatMap((place) => findMasterKey(place) ?? []);
  return [...new Map(found.map((one) => [one.where, one])).values()];
}
