import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each([0, 1])(
  'a process that had a PostgreSQL ends with its own code, %i, so that a failed test is told',
  (code) => {
    const module = new URL('./own-postgres.ts', import.meta.url).href;
    const program = `await import(${JSON.stringify(module)}); process.exitCode = ${code};`;
    expect(spawnSync(process.execPath, ['--input-type=module', '--eval', program]).status).toBe(code);
  },
);
