/** Whether the bundle of the command is as its sources are. Plain JavaScript, for the command asks before it loads anything. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const here = resolve(import.meta.dirname, '..');
const packages = join(here, '..');

/** Says whether `dist/` is newer than all that it is made of. What npm publishes has no sources, and is always current. */
export function isBundleCurrent() {
  if (!existsSync(join(here, 'src/main.ts'))) {
    return true;
  }
  const built = lastChange(join(here, 'dist/main.js'));
  const sources = readdirSync(packages).flatMap((name) => filesIn(join(packages, name, 'src')));
  return [...sources, join(here, 'bundle.ts'), join(packages, '../package-lock.json')].every(
    (path) => lastChange(path) < built,
  );
}

/** @param {string} directory */
function filesIn(directory) {
  return existsSync(directory)
    ? readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => `${directory}/${name}`)
    : [];
}

/**
 * When the file was written, in milliseconds since 1970; 0 if there is none.
 *
 * @param {string} path
 */
function lastChange(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
