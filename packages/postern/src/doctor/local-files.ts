/** Checks the files of the server: who can read them, and whether the SQLite database is intact. */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ServerConfig } from '@postern/server';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Bytes of free space, below which there is a warning. */
const lowSpace = 1_073_741_824;

/** Creates and changes nothing. */
export function checkFiles({ dataDir, database }: ServerConfig): Finding[] {
  if (!existsSync(dataDir)) {
    return [ok('files', `${dataDir} does not exist yet; the first start creates it.`)];
  }
  const paths = [dataDir, join(dataDir, 'root.env'), join(dataDir, 'master.key')];
  const open = [...paths, ...(database.kind === 'sqlite' ? [database.path] : [])].filter(isOpenToOthers);
  const { bavail, bsize } = statfsSync(dataDir);
  return [
    open.length === 0
      ? ok('files', `Only its user can read ${dataDir}.`)
      : fail('files', `Other users can read ${open.join(' and ')}.`, `Close it: chmod -R go= ${dataDir}`),
    bavail * bsize < lowSpace
      ? warn(
          'disk',
          `The disk of ${dataDir} has ${Math.floor((bavail * bsize) / 1_048_576)} MB left.`,
          'Free some space: a full disk stops all changes.',
        )
      : ok('disk', 'There is enough space on the disk.'),
    ...(database.kind === 'sqlite' && existsSync(database.path) ? [checkSqlite(database.path)] : []),
  ];
}

function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && existsSync(path) && (statSync(path).mode & 0o077) !== 0;
}

function checkSqlite(path: string): Finding {
  const restore = 'Stop the server and restore a backup.';
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const [row] = database.prepare('pragma quick_check(1)').all();
      const verdict = String(row?.['quick_check']);
      return verdict === 'ok'
        ? ok('database file', `${path} is intact.`)
        : fail('database file', `${path} is damaged: ${verdict}.`, restore);
    } finally {
      database.close();
    }
  } catch (error) {
    return fail('database file', `${path} cannot be read: ${(error as Error).message}.`, restore);
  }
}
