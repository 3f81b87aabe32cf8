#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=8 --no-concurrent-recompilation
/**
 * The `postern` command. This file is plain JavaScript, so that Node finds the compiled code in its cache before it has
 * to load what strips types.
 *
 * The first line keeps memory low. A small young generation (MB) will do, for requests leave little behind; so will few
 * arenas of the C library's allocator; and compiling hot functions on the main thread saves 15 MB that the other
 * threads would keep for it.
 *
 * Nothing is imported before the version is checked: an older Node would end with a SyntaxError that names neither.
 */
const oldestMajor = 24;
const { node: version } = process.versions;
if (Number.parseInt(version, 10) < oldestMajor) {
  process.stderr.write(`Postern needs Node ${oldestMajor} or later; this is ${version}\n`);
  process.exit(1);
}
const { enableCompileCache } = await import('node:module');
const { join } = await import('node:path');

// All that the command writes is for its user alone: data, secrets, and this cache, for what is in it is run.
process.umask(0o077);
if (process.env.HOME) {
  enableCompileCache(join(process.env.HOME, '.cache', 'postern'));
}
// Other users see the arguments of a process in its title: a secret among them by mistake must not stay there.
process.title = 'postern';
// From its sources where somebody works on them.
await import((await import('./bundle-state.js')).isBundleCurrent() ? '../dist/main.js' : '../src/main.ts');
