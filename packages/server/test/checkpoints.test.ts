/** The audit trail is keyed and anchored: who writes the database without the master key cannot have a checkpoint signed over it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenOnLoopback } from '@postern/testing/loopback-listener';
import { testDatabase } from '@postern/testing/test-database';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let directory: string;
let file: string;
let server: TestServer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-checkpoints-'));
  file = join(directory, 'checkpoints.jsonl');
  server = await startTestServer({ env: { POSTERN_CHECKPOINT_FILE: file, POSTERN_CHECKPOINT_MINUTES: '10' } });
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const kept = (): { sequence: number; hash: string }[] => {
  const text = readFileSync(file, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};
const checkpoint = async (at = server) =>
  at.call('GET', '/api/v1/oauth/events/checkpoint', { token: await at.rootToken() });
const metric = async (name: string) => {
  const { body } = await server.call('GET', '/metrics');
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1]);
};

/** What somebody does who can write the database and has not the master key: all hashes, and the head. */
async function rewrite(): Promise<void> {
  const { db } = server;
  const { log_id } = await db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
  let hash = log_id;
  let last = 0;
  for (const { sequence, occurred_at, actor, kind, subject, data } of await db
    .selectFrom('events')
    .selectAll()
    .orderBy('sequence')
    .execute()) {
    hash = createHash('sha256')
      .update(JSON.stringify([hash, sequence, occurred_at, actor, kind, subject, data]))
      .digest('base64url');
    last = sequence;
    await db.updateTable('events').set({ hash }).where('sequence', '=', sequence).execute();
  }
  await db.updateTable('event_head').set({ hash, sequence: last }).execute();
}

const changeActor = () =>
  server.db.updateTable('events').set({ actor: 'somebody-else' }).where('sequence', '=', 2).execute();

describe('checkpoints are kept on a schedule', () => {
  test('in a file, a line for each', async () => {
    await server.advance(60);
    await server.createClient({});
    await server.advance(540);
    await server.advance(60);
    expect(kept().map(({ sequence }) => sequence)).toEqual([2, 4]);
    expect((await checkpoint()).body).toMatchObject({ sequence: 4, hash: kept()[1]?.hash });
  });

  test('in an S3-like store, by signed requests', async () => {
    const requests: { method: string | undefined; url: string | undefined; authorization: string; body: string }[] = [];
    let status = 200;
    const store: Server = createServer(async (request: IncomingMessage, response) => {
      let body = '';
      for await (const chunk of request) {
        body += chunk;
      }
      const { method, url, headers } = request;
      requests.push({ method, url, authorization: headers.authorization ?? '', body });
      response.writeHead(status).end();
    });
    const { port, close } = await listenOnLoopback(store);
    const anchored = await startTestServer({
      env: {
        POSTERN_CHECKPOINT_URL: `http://127.0.0.1:${port}/bucket/audit`,
        POSTERN_CHECKPOINT_ACCESS_KEY_ID: 'key-id',
        POSTERN_CHECKPOINT_SECRET_ACCESS_KEY: 'secret-key',
      },
    });
    try {
      status = 500;
      await anchored.advance(60);
      status = 200;
      await anchored.advance(60);
      const { log_id, hash } = (await checkpoint(anchored)).body;
      expect(requests.map(({ method, url }) => [method, url])).toEqual(
        Array(2).fill(['PUT', `/bucket/audit/${log_id}/000000000002-${hash.slice(0, 16)}.json`]),
      );
      expect(requests[1]?.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key-id\/\d{8}\/us-east-1\/s3\//);
      expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({ log_id, sequence: 2 });
      expect(anchored.log.join('')).not.toContain('secret-key');
    } finally {
      await anchored.close();
      await close();
    }
  });
});

describe('no checkpoint is signed over a history that changed', () => {
  test.each<[string, RegExp, () => Promise<unknown>]>([
    ['an event was changed', /event 2 .* does not match its hash/, changeActor],
    [
      'the whole log was rewritten with new hashes',
      /event 2 .* was not written by this server/,
      async () => {
        await changeActor();
        await rewrite();
      },
    ],
    [
      'the last events were removed, and the head with them',
      /the last ones were removed/,
      async () => {
        await server.db.deleteFrom('events').where('sequence', '>', 1).execute();
        await rewrite();
      },
    ],
    [
      'an event in the middle was removed',
      /event 2 is missing/,
      () => server.db.deleteFrom('events').where('sequence', '=', 2).execute(),
    ],
  ])('%s', async (_change, fault, act) => {
    await server.createClient({});
    await server.advance(60);
    expect([kept().length, await metric('postern_audit_trail_changed')]).toEqual([1, 0]);
    await act();
    const answer = await checkpoint();
    expect([answer.status, answer.body.error, answer.body.detail]).toEqual([
      409,
      'conflict',
      expect.stringMatching(fault),
    ]);
    await server.advance(600);
    await server.advance(60);
    expect(kept()).toHaveLength(1);
    expect(await metric('postern_audit_trail_changed')).toBe(1);
    expect(await metric('postern_checkpoint_failures_total')).toBeGreaterThan(0);
    expect(server.log.join('')).toContain('the audit trail was changed: no checkpoint is signed');
  });

  test('a server that starts later finds by the kept checkpoints that the end was cut off', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'postern-cut-'));
    const start = () => startTestServer({ dataDir, env: { POSTERN_CHECKPOINT_FILE: file } });
    const first = await start();
    await first.createClient({});
    await first.advance(60);
    const { sequence } = await first.db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
    await first.db.deleteFrom('events').where('sequence', '=', sequence).execute();
    const before = await first.db
      .selectFrom('events')
      .selectAll()
      .where('sequence', '=', sequence - 1)
      .executeTakeFirstOrThrow();
    await first.db.updateTable('event_head').set({ sequence: before.sequence, hash: before.hash }).execute();
    await first.close();
    const second = await start();
    try {
      expect((await checkpoint(second)).body.detail).toContain('the last ones were removed');
    } finally {
      await second.close();
      rmSync(dataDir, { recursive: true });
      await (await testDatabase(dataDir)).drop();
    }
  });

  test('a file of checkpoints that somebody else wrote is not believed', async () => {
    await server.advance(60);
    const [line = ''] = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, `${JSON.stringify({ ...JSON.parse(line), sequence: 1 })}\n`);
    await server.advance(600);
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(1);
    expect(server.log.join('')).toContain('is not a checkpoint that this server signed');
    const answer = await checkpoint();
    expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining('cannot be read')]);
  });

  test('a line that was cut off by an interrupted write was never kept, and the next checkpoint replaces it', async () => {
    await server.advance(60);
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, `${whole}${whole.slice(0, 100)}`);
    expect((await checkpoint()).status).toBe(200);
    await server.advance(600);
    expect(kept().map(({ sequence }) => sequence)).toEqual([2, expect.any(Number)]);
  });
});
