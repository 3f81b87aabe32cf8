/** A database file that is moved, deleted or replaced under a running server: no change is acknowledged that is lost. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';

describe.runIf(inject('postgres') === undefined)(
  'a change is refused, and the server is not ready and says why,',
  () => {
    let server: TestServer;
    let token: string;

    beforeEach(async () => {
      server = await startTestServer();
      token = await server.rootToken();
      expect((await create()).status).toBe(200);
    });
    afterEach(async () => {
      // What it has counted cannot be written any more, and it says so.
      await server.close().catch((error: Error) => expect(error.message).toMatch(/the database is lost|malformed/));
      rmSync(server.dataDir, { recursive: true, force: true });
    });

    const create = () => server.call('POST', '/api/v1/oauth/client', { token, body: {} });
    const path = (suffix = '') => join(server.dataDir, `postern.db${suffix}`);

    async function expectLost(reason: RegExp) {
      const [created, revoked] = [
        await create(),
        await server.call('POST', '/api/v1/batch', {
          token,
          body: { operations: [{ method: 'POST', path: '/api/v1/oauth/client', body: {} }] },
        }),
      ];
      for (const { status, body } of [created, revoked]) {
        expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
      }
      const ready = await server.call('GET', '/health/ready');
      expect([ready.status, ready.body.detail]).toEqual([503, expect.stringMatching(reason)]);
    }

    test('if the file was deleted', async () => {
      rmSync(path());
      await expectLost(/postern\.db is gone while the server has it open/);
    });

    test('if it was overwritten in place with what is no database', async () => {
      writeFileSync(path(), randomBytes(500_000));
      writeFileSync(path('-wal'), randomBytes(100_000));
      const { status, body } = await create();
      expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(server.log.join('')).toContain('"database":"damaged"');
      expect(server.log.join('')).toContain('postern restore');
    });

    test('if the file was moved, until it is back', async () => {
      renameSync(path(), path('.moved'));
      await expectLost(/postern\.db is gone/);
      renameSync(path('.moved'), path());
      expect((await create()).status).toBe(200);
      expect((await server.call('GET', '/health/ready')).status).toBe(200);
    });

    test('if another file took its place, also a copy of it', async () => {
      cpSync(path(), path('.copy'));
      renameSync(path('.copy'), path());
      await expectLost(/postern\.db is another file than the one that the server has open/);
    });

    test('if its write-ahead log was deleted', async () => {
      rmSync(path('-wal'));
      await expectLost(/postern\.db-wal is gone/);
    });

    test('if the whole directory was moved, and another one is in its place', async () => {
      const moved = `${server.dataDir}.moved`;
      renameSync(server.dataDir, moved);
      await expectLost(/postern\.db is gone/);
      mkdirSync(server.dataDir);
      await expectLost(/postern\.db is gone/);
      rmSync(server.dataDir, { recursive: true });
      renameSync(moved, server.dataDir);
    });

    test('if a symbolic link leads elsewhere now', async () => {
      const moved = `${server.dataDir}.moved`;
      const copy = `${server.dataDir}.copy`;
      renameSync(server.dataDir, moved);
      symlinkSync(moved, server.dataDir);
      expect((await create()).status).toBe(200);
      cpSync(moved, copy, { recursive: true });
      rmSync(server.dataDir);
      symlinkSync(copy, server.dataDir);
      await expectLost(/postern\.db is another file/);
      rmSync(server.dataDir);
      rmSync(copy, { recursive: true });
      renameSync(moved, server.dataDir);
    });
  },
);
