/** `kill -9` in the middle of writing: what was acknowledged is there after the next start. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Answer,
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { inParallel } from './in-parallel.ts';

const rounds = 20;
const creations = 120;
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

test('every client that was acknowledged before a kill -9 is there after it, and no assertion is accepted again, in each of 20 rounds', {
  timeout: 300_000,
}, async () => {
  // The same port each time, for the issuer holds it, so that one token of root does for all.
  const options = { port: await freePort(), env: { POSTERN_LOG_LEVEL: 'silent' } };
  server = await startServe(directory, options);
  const rootToken = await acquireToken(server.url, rootCredentials(server.dataDir));
  const makeAssertion = await createKeyClient(rootToken);
  let total = 0;

  for (let round = 1; round <= rounds; round += 1) {
    // Anywhere in them, more often early, where it costs less time and tells as much.
    const killAfter = 1 + Math.floor((creations - concurrency) * Math.random() ** 2);
    const { acknowledged, used } = await createUntilKilled(rootToken, makeAssertion, killAfter);
    server = await startServe(directory, options);

    const seen = `round ${round}, killed after ${killAfter} acknowledgements`;
    expect(acknowledged.length, seen).toBeGreaterThanOrEqual(killAfter);
    const lost: string[] = [];
    await inParallel(acknowledged, concurrency, async (client) => {
      await acquireToken(server.url, client).catch(() => lost.push(client.clientId));
    });
    expect(lost, seen).toEqual([]);
    expect((await present(makeAssertion())).status, seen).toBe(200);
    // The last ones, since a client may fail only so often in a minute.
    await inParallel(used.slice(-4), concurrency, async (assertion) => {
      expect((await present(assertion)).status, seen).toBe(401);
    });
    expect(checkIntegrity(), seen).toEqual([{ integrity_check: 'ok' }]);
    total += acknowledged.length;
  }

  const list = await call('GET', `${server.url}/api/v1/oauth/client?size=1`, { authorization: `Bearer ${rootToken}` });
  expect(list.body.total).toBeGreaterThanOrEqual(total);
});

/**
 * The clients whose creation was acknowledged, and the assertions for which there was a token. Kills the server as soon as there
 * are `killAfter` of the clients.
 */
async function createUntilKilled(token: string, makeAssertion: () => string, killAfter: number) {
  const acknowledged: RootCredentials[] = [];
  const used: string[] = [];
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const isKilled = () => acknowledged.length >= killAfter;
  /** Undefined: it was under way when the server was killed. */
  const unlessKilled = (answer: Promise<Answer>) =>
    answer.catch((error) => {
      if (!isKilled()) {
        throw error;
      }
    });
  await inParallel(Array.from({ length: creations }).keys(), concurrency, async (number) => {
    if (isKilled()) {
      return;
    }
    const url = `${server.url}/api/v1/oauth/client`;
    const assertion = makeAssertion();
    const [created, issued] = await Promise.all([
      unlessKilled(call('POST', url, headers, '{"scopes":["policy:read"]}')),
      number % 4 === 0 ? unlessKilled(present(assertion)) : undefined,
    ]);
    if (issued !== undefined) {
      expect(issued.status).toBe(200);
      used.push(assertion);
    }
    if (created !== undefined) {
      expect(created.status).toBe(200);
      acknowledged.push({ clientId: created.body.client_id, clientSecret: created.body.client_secret });
      if (acknowledged.length === killAfter) {
        server.signal('SIGKILL');
      }
    }
  });
  expect((await server.exit).code).toBeNull();
  return { acknowledged, used };
}

/** Creates a client that authenticates by assertions, and returns what makes one. */
async function createKeyClient(token: string): Promise<() => string> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256' }] };
  const client = { scopes: ['policy:read'], token_endpoint_auth_method: 'private_key_jwt', jwks };
  const { body } = await call('POST', `${server.url}/api/v1/oauth/client`, headers, JSON.stringify(client));
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return () => {
    const iat = Math.floor(Date.now() / 1000);
    const claims = {
      iss: body.client_id,
      sub: body.client_id,
      aud: `http://localhost:${server.port}`,
      iat,
      exp: iat + 300,
      jti: randomUUID(),
    };
    const text = `${encode({ alg: 'ES256' })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  };
}

function present(assertion: string): Promise<Answer> {
  const type = 'client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  return postForm(
    `${server.url}/api/v1/oauth/token`,
    'grant_type=client_credentials',
    type,
    `client_assertion=${assertion}`,
  );
}

function checkIntegrity(): unknown[] {
  const database = new DatabaseSync(join(server.dataDir, 'postern.db'), { readOnly: true });
  const rows = database.prepare('pragma integrity_check').all();
  database.close();
  return rows.map((row) => ({ ...row }));
}
