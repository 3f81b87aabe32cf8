/** Whoever sets master key, root and PostgreSQL needs no directory: a container may have a file system that is read-only. */
import { existsSync } from 'node:fs';
import { startTestServer } from '@postern/testing/test-server';
import { expect, inject, test } from 'vitest';

test.skipIf(inject('postgres') === undefined)(
  'with PostgreSQL, the master key and root in the environment, no data directory is created',
  async () => {
    const dataDir = '/proc/no-such-directory/data';
    const server = await startTestServer({ env: { POSTERN_DATA_DIR: dataDir } });
    expect(await server.rootToken()).toEqual(expect.any(String));
    expect(existsSync(dataDir)).toBe(false);
    await server.close();
  },
);
