#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The `postern` command. This file is plain JavaScript, so that Node finds the compiled source in its cache before it
 * has to load what strips types. A small young generation (MB) keeps memory low: requests leave little behind.
 */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// In the user's own directory, for what is in the cache is run. Where that cannot be written there is no cache.
enableCompileCache(join(homedir(), '.cache', 'postern'));
await import('../src/main.ts');
