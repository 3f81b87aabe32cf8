#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=4
/**
 * The `postern` command. This file is plain JavaScript, so that Node finds the compiled source in its cache before it
 * has to load what strips types. A small young generation (MB) and few arenas of the C library's allocator keep memory
 * low: requests leave little behind, and hardly any of it comes from several threads at once.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// All that the command writes is for its user alone: data, secrets, and this cache, for what is in it is run.
process.umask(0o077);
if (process.env.HOME) {
  enableCompileCache(join(process.env.HOME, '.cache', 'postern'));
}
await import('../src/main.ts');
