/** The steps of `postern master-key` on the files and the database of this machine. */
import { accessSync, closeSync, constants, existsSync, fsyncSync, linkSync, openSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findMasterKey, readOrGenerateMasterKey, StartError, withMasterKeys } from '@postern/server';
import { hostedMigrations, readStorage, reportStartErrors } from '../backup/local-storage.ts';

export interface Rotation {
  /** The file with the new master key. */
  readonly file: string;
  readonly id: string;
  readonly previousId: string;
  /** Where the previous master key was put; undefined if it stays where it is. */
  readonly previousFile: string | undefined;
}

/**
 * Lets a new master key open the database too, and then puts it in the place of the present one, or into `to`. If it is
 * interrupted, the present one still opens the database, and the next call continues.
 */
export function rotateMasterKey(envFile: string | undefined, to: string | undefined): Promise<Rotation> {
  return withDatabase(envFile, async ({ present, place, open }) => {
    const file = to ?? `${place ?? ''}.next`;
    if (to === undefined && place === undefined) {
      throw new StartError(
        'POSTERN_MASTER_KEY has the master key, and this command cannot change a variable: name a file for the new one by --to.',
      );
    }
    requireWritableDirectory(file);
    const next = readOrGenerateMasterKey(file);
    if (next.id === present.id) {
      throw new StartError(`${file} has the present master key: name a file that does not exist, or has another one.`);
    }
    await open((keys) => keys.add(next));
    const result = { id: next.id, previousId: present.id };
    if (to !== undefined || place === undefined) {
      return { ...result, file, previousFile: undefined };
    }
    const previousFile = `${place}.${present.id}`;
    if (!existsSync(previousFile)) {
      linkSync(place, previousFile);
    }
    renameSync(file, place);
    flushDirectory(dirname(place));
    return { ...result, file: place, previousFile };
  });
}

export interface ListedMasterKey {
  readonly id: string;
  readonly added_at: string;
  /** Whether it is the one that is configured here. */
  readonly configured: boolean;
}

export function listMasterKeys(envFile: string | undefined): Promise<ListedMasterKey[]> {
  return withDatabase(envFile, async ({ present, open }) =>
    (await open((keys) => keys.list())).map(({ id, addedAt }) => ({
      id,
      added_at: new Date(addedAt).toISOString(),
      configured: id === present.id,
    })),
  );
}

/** Lets only the configured master key open the database. Returns its id, and those of the others. */
export function retireMasterKeys(envFile: string | undefined): Promise<{ id: string; removed: readonly string[] }> {
  return withDatabase(envFile, async ({ present, open }) => ({
    id: present.id,
    removed: await open((keys) => keys.removeOthers()),
  }));
}

interface Place {
  readonly present: NonNullable<ReturnType<typeof findMasterKey>>['key'];
  /** The file with the present master key; undefined if a variable has it. */
  readonly place: string | undefined;
  readonly open: <T>(work: Parameters<typeof withMasterKeys<T>>[1]) => Promise<T>;
}

function withDatabase<T>(envFile: string | undefined, work: (place: Place) => Promise<T>): Promise<T> {
  return reportStartErrors(async () => {
    const storage = await readStorage(envFile);
    const found = findMasterKey(storage);
    if (found === undefined) {
      throw new StartError(
        `there is no master key here: set POSTERN_MASTER_KEY_FILE, or POSTERN_DATA_DIR to the directory with master.key (now ${storage.dataDir}).`,
      );
    }
    return work({
      present: found.key,
      place: storage.masterKey === undefined ? join(storage.dataDir, 'master.key') : storage.masterKeyFile,
      open: (inner) =>
        withMasterKeys({ database: storage.database, migrations: hostedMigrations, masterKey: found.key }, inner),
    });
  });
}

function requireWritableDirectory(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (cause) {
    throw new StartError(
      `cannot write ${file} (${(cause as NodeJS.ErrnoException).code}): name another file for the new master key by --to.`,
      { cause },
    );
  }
}

/** So that the new name of a file is on the disk before anything says so. */
function flushDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
