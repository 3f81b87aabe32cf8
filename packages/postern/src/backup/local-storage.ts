/** What the verbs for backups know of the server's code: its variables, tables and errors. */
import { parseEnv } from 'node:util';
import { policyMigrations } from '@postern/policy-api';
import { readStorageConfig, StartError, type StorageConfig, serverMigrations } from '@postern/server';
import { CommandError } from '../command/command-error.ts';
import { readInput } from '../input/read-input.ts';

/** Of all tables that `postern serve` has. */
export const hostedMigrations = [serverMigrations, policyMigrations];

/** Reads the variables of a server from a file, or from the environment. */
export async function readStorage(envFile: string | undefined): Promise<StorageConfig> {
  return readStorageConfig(envFile === undefined ? process.env : parseEnv(await readInput(envFile)));
}

/** Rethrows what people can resolve as `CommandError`. */
export async function reportStartErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StartError) {
      throw new CommandError(error.message, { cause: error });
    }
    throw error;
  }
}
