/**
 * Builds the static files of the console into `packages/postern/console/`, unless they are newer than their sources. Run by
 * `npm ci`, `npm start` and the tests. Without the build tools (`npm ci --omit=dev`) it prints a message and does nothing.
 */
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = import.meta.dirname;
const sources = ['src/**', '*.*', '../admin/src/**', '../protocol/src/**'];

export async function buildConsole(): Promise<void> {
  if (newest(['../postern/console/index.html']) > newest(sources)) {
    return;
  }
  const { build } = await import('vite');
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
  for (const name of globSync('../postern/console/assets/*.{js,css}', { cwd: root })) {
    writeFileSync(join(root, `${name}.gz`), gzipSync(readFileSync(join(root, name)), { level: 9 }));
  }
}

/** Returns when the newest of the files was written, in milliseconds since 1970; 0 if there is none. */
function newest(patterns: string[]): number {
  const times = globSync(patterns, { cwd: root }).map((name) => statSync(join(root, name)).mtimeMs);
  return Math.max(0, ...times);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await buildConsole();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') {
      throw error;
    }
    process.stderr.write('The console is not built: its build tools are not installed (--omit=dev).\n');
  }
}
