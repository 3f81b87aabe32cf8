/** Checks the files of the server: who can read them, and whether there is room for more. */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerConfig } from '@postern/server';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Bytes of free space, below which there is a warning. */
const lowSpace = 1_073_741_824;

/** Creates and changes nothing. */
export function checkFiles({ dataDir, database }: ServerConfig): Finding[] {
  if (!existsSync(dataDir)) {
    return [ok('files', `${dataDir} does not exist yet; the first start creates it.`)];
  }
  const paths = [dataDir, ...secretFiles(dataDir)];
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
  ];
}

function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && existsSync(path) && (statSync(path).mode & 0o077) !== 0;
}

function secretFiles(dataDir: string): string[] {
  return ['root.env', 'master.key'].map((name) => join(dataDir, name));
}

/** Finds a file with a secret, which an earlier start has generated. */
export function findSecretFile(dataDir: string): string | undefined {
  return secretFiles(dataDir).find((file) => existsSync(file));
}
