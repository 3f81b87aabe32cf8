/** An SQLite file that appears complete or not at all, and that only its user can read. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../../start-error.ts';

/** The files beside a database that SQLite may have, and that are part of it. */
const companions = ['-wal', '-journal'] as const;

/** Whether there is a file with a content. */
export function isPresent(path: string): boolean {
  return existsSync(path) && (!statSync(path).isFile() || statSync(path).size > 0);
}

/**
 * Lets `write` create a database in a draft beside `path`, and renames it when it is on the disk. `beforeRename` may make room.
 * If anything fails, the draft is removed. Throws `StartError` if the place cannot be written.
 */
export async function writeWholeFile<T>(
  path: string,
  write: (draft: string) => Promise<T>,
  beforeRename: () => void = () => {},
): Promise<T> {
  const stray = companions.map((suffix) => path + suffix).find((file) => !existsSync(path) && isPresent(file));
  if (stray !== undefined) {
    throw new StartError(
      `${stray} is of a database that is not there: move it away, since SQLite would take it for a part of ${path}.`,
    );
  }
  const draft = `${path}.${process.pid}.new`;
  create(draft);
  try {
    const result = await write(draft);
    foldLog(draft);
    flush(draft);
    beforeRename();
    renameSync(draft, path);
    flush(dirname(path));
    return result;
  } catch (error) {
    removeDatabase(draft);
    throw error;
  }
}

/** Gives a database another name, with all that is part of it. */
export function renameDatabase(path: string, to: string): void {
  for (const suffix of companions) {
    if (existsSync(path + suffix)) {
      renameSync(path + suffix, to + suffix);
    }
  }
  rmSync(`${path}-shm`, { force: true });
  renameSync(path, to);
}

export function removeDatabase(path: string): void {
  for (const suffix of ['', '-shm', ...companions]) {
    rmSync(path + suffix, { force: true });
  }
}

function create(draft: string): void {
  try {
    closeSync(openSync(draft, 'wx', 0o600));
  } catch (error) {
    throw new StartError(`cannot write ${draft} (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Makes it one file, which can also be read on a disk that cannot be written. */
function foldLog(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('pragma journal_mode = delete');
  } finally {
    database.close();
  }
}

/** Waits until a file, or the names in a directory, are on the disk. */
function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
