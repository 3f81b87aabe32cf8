#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The `postern` command. This file is plain JavaScript, so that Node finds the compiled source in its cache before it
 * has to load what strips types. A small young generation (MB) keeps memory low: requests leave little behind.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// All that the command writes is for its user alone: data, secrets, and this cache, for what is in it is run.
process.umask(0o077);
if (process.env.HOME) {
  enableCompileCache(join(process.env.HOME, '.cache', 'postern'));
}
await import('../src/main.ts');
