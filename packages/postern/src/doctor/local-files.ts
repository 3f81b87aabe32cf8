/** The files that the server keeps: who may read them, and whether the database in them is whole. */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ServerConfig } from '@postern/server';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Bytes. */
const littleSpace = 1_073_741_824;

/** Nothing is made or changed. */
export function checkFiles({ dataDir, database }: ServerConfig): Finding[] {
  if (!existsSync(dataDir)) {
    return [ok('files', `${dataDir} is not there yet; the first start makes it.`)];
  }
  const paths = [dataDir, join(dataDir, 'root.env'), join(dataDir, 'master.key')];
  const open = [...paths, ...(database.kind === 'sqlite' ? [database.path] : [])].filter(isOpenToOthers);
  const { bavail, bsize } = statfsSync(dataDir);
  return [
    open.length === 0
      ? ok('files', `What is in ${dataDir} is for its user alone.`)
      : fail('files', `Other users can read ${open.join(' and ')}.`, `Close it: chmod -R go= ${dataDir}`),
    bavail * bsize < littleSpace
      ? warn(
          'disk',
          `The disk of ${dataDir} has ${Math.floor((bavail * bsize) / 1_048_576)} MB left.`,
          'Make room: a full disk stops all changes.',
        )
      : ok('disk', 'There is room on the disk.'),
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
        ? ok('database file', `${path} is whole.`)
        : fail('database file', `${path} is damaged: ${verdict}.`, restore);
    } finally {
      database.close();
    }
  } catch (error) {
    return fail('database file', `${path} cannot be read: ${(error as Error).message}.`, restore);
  }
}
