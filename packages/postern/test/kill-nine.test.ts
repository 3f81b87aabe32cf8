/** `kill -9` in the middle of writing: what was acknowledged is there after the next start. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { inParallel } from './in-parallel.ts';

const rounds = 20;
const creations = 300;
/** Requests at a time. */
const concurrency = 16;

let directory: string;
let server: ServeProcess;

beforeAll(() => {
  directory = makeTemporaryDirectory();
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

test('every client that was acknowledged before a kill -9 is there after it, in each of 20 rounds', {
  timeout: 300_000,
}, async () => {
  // The same port each time, for the issuer holds it, so that one token of root does for all.
  const options = { port: await freePort(), env: { POSTERN_LOG_LEVEL: 'silent' } };
  server = await startServe(directory, options);
  const rootToken = await acquireToken(server.url, rootCredentials(server.dataDir));
  let total = 0;

  for (let round = 1; round <= rounds; round += 1) {
    // Anywhere in them, more often early, where it costs less time and tells as much.
    const killAfter = 1 + Math.floor((creations - concurrency) * Math.random() ** 2);
    const acknowledged = await createUntilKilled(rootToken, killAfter);
    server = await startServe(directory, options);

    const seen = `round ${round}, killed after ${killAfter} acknowledgements`;
    expect(acknowledged.length, seen).toBeGreaterThanOrEqual(killAfter);
    const lost: string[] = [];
    await inParallel(acknowledged, concurrency, async (client) => {
      await acquireToken(server.url, client).catch(() => lost.push(client.clientId));
    });
    expect(lost, seen).toEqual([]);
    expect(checkIntegrity(), seen).toEqual([{ integrity_check: 'ok' }]);
    total += acknowledged.length;
  }

  const list = await call('GET', `${server.url}/api/v1/oauth/client?size=1`, { authorization: `Bearer ${rootToken}` });
  expect(list.body.total).toBeGreaterThanOrEqual(total);
});

/** The clients whose creation was acknowledged. Kills the server as soon as there are `killAfter` of them. */
async function createUntilKilled(token: string, killAfter: number): Promise<RootCredentials[]> {
  const acknowledged: RootCredentials[] = [];
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const isKilled = () => acknowledged.length >= killAfter;
  await inParallel(Array.from({ length: creations }), concurrency, async () => {
    if (isKilled()) {
      return;
    }
    const url = `${server.url}/api/v1/oauth/client`;
    const answer = await call('POST', url, headers, '{"scopes":["policy:read"]}').catch((error) => {
      if (!isKilled()) {
        throw error;
      }
    });
    // Undefined: it was under way when the server was killed.
    if (answer !== undefined) {
      expect(answer.status).toBe(200);
      acknowledged.push({ clientId: answer.body.client_id, clientSecret: answer.body.client_secret });
      if (acknowledged.length === killAfter) {
        server.signal('SIGKILL');
      }
    }
  });
  expect((await server.exit).code).toBeNull();
  return acknowledged;
}

function checkIntegrity(): unknown[] {
  const database = new DatabaseSync(join(server.dataDir, 'postern.db'), { readOnly: true });
  const rows = database.prepare('pragma integrity_check').all();
  database.close();
  return rows.map((row) => ({ ...row }));
}
