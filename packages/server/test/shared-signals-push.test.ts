/** Event streams that are pushed to their receivers, over HTTPS. RFC 8935, SSF 1.0 §6.1.1, docs/shared-signals.md. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowLocalFetches, type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import { listenOnLoopback } from '@postern/testing/loopback-listener';
import { testDatabase } from '@postern/testing/test-database';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { moveStream } from '../src/shared-signals/stream-store.ts';
import {
  createReceiver,
  type PushEndpoint,
  pushMethod,
  type Receiver,
  servePushes,
  streamUpdated,
  tell,
  tokensRevoked,
  verification,
  verifySet,
} from './receiver.ts';
import { saveTables } from './saved-tables.ts';

let server: TestServer;
let other: DocumentServer;
let receiver: Receiver;
let endpoint: PushEndpoint;
let count = 0;

beforeAll(async () => {
  other = await startHttpsServer();
  server = await startTestServer({ env: allowLocalFetches });
  receiver = await createReceiver(server);
});
afterAll(async () => {
  await server.close();
  await other.close();
});
beforeEach(() => {
  count += 1;
  endpoint = servePushes(other, `/events/${count}`);
});

async function asRoot(method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, { token: await server.rootToken(), body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

const createStream = (delivery: object = {}) =>
  receiver.create({
    events_requested: [tokensRevoked],
    delivery: { method: pushMethod, endpoint_url: endpoint.url, ...delivery },
  });
const createClient = () => server.createClient({ scopes: ['policy:read'] });
const revokeOf = ({ clientId }: Credentials) => asRoot('POST', `/api/v1/oauth/client/${clientId}/revoke`);
const aboutClient = ({ clientId }: Credentials) => ({ format: 'iss_sub', iss: server.url, sub: clientId });

/** What the endpoint was sent, when it was sent `most`. */
async function pushed(most: number) {
  await vi.waitFor(() => expect(endpoint.requests.length).toBeGreaterThanOrEqual(most), 20_000);
  return Promise.all(endpoint.requests.map(({ body }) => verifySet(server, body, receiver.clientId)));
}

/** The stream as administrators see it. */
async function find(id: string) {
  const { items } = await asRoot('GET', '/api/v1/oauth/stream?size=100');
  return items.find((stream: { id: string }) => stream.id === id);
}

/** Lets the time pass after which what failed is tried again. */
const retry = () => server.advance(301);

describe('delivery', () => {
  test('RFC 8935 §2.1 a SET is the body of a POST, with its media type and what the receiver wants', async () => {
    const stream = await createStream({ authorization_header: 'Bearer receiver-secret' });
    expect(stream.delivery).toEqual({ method: pushMethod, endpoint_url: endpoint.url });
    const client = await createClient();
    await revokeOf(client);
    const sets = await pushed(1);
    expect(tell(sets)).toEqual([['tokens-revoked', aboutClient(client)]]);
    expect(endpoint.requests[0]?.headers).toMatchObject({
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: 'Bearer receiver-secret',
    });
  });

  test('SSF 1.0 §6.1.1 the header that the receiver wants is a secret: nobody reads it, and the database has it encrypted', async () => {
    const { stream_id } = await createStream({ authorization_header: 'Bearer not-for-others' });
    const read = await receiver.call('GET', `stream?stream_id=${stream_id}`);
    const rows = JSON.stringify(await server.rows('streams')) + JSON.stringify(await server.eventsAbout(stream_id));
    for (const text of [JSON.stringify(read.body), rows, JSON.stringify(await find(stream_id)), server.log.join()]) {
      expect(text).not.toContain('not-for-others');
    }
  });

  test('RFC 8935 §2.2 what was accepted is not sent again', async () => {
    await createStream();
    await revokeOf(await createClient());
    await pushed(1);
    await retry();
    await retry();
    expect(endpoint.requests).toHaveLength(1);
  });

  test('RFC 8935 §2 after a start, delivery goes on where it was', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'postern-test-'));
    const database = await testDatabase(dataDir);
    const start = () => startTestServer({ env: allowLocalFetches, dataDir });
    const first = await start();
    const own = await createReceiver(first);
    const delivery = { method: pushMethod, endpoint_url: endpoint.url };
    await own.create({ events_requested: [tokensRevoked], delivery });
    const revoke = async (at: TestServer) => {
      const { clientId } = await at.createClient({ scopes: [] });
      const token = await at.rootToken();
      await at.call('POST', `/api/v1/oauth/client/${clientId}/revoke`, { token });
    };
    await revoke(first);
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1), 20_000);
    endpoint.answers = () => 500;
    await revoke(first);
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(2), 20_000);
    await first.close();
    endpoint.answers = () => 202;
    const second = await start();
    await second.advance(1);
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(3), 20_000);
    const [accepted, refused, last] = endpoint.requests.map(({ body }) => claimsOf(body)['jti']);
    expect([last === refused, last === accepted]).toEqual([true, false]);
    await second.close();
    rmSync(dataDir, { recursive: true });
    await database.drop();
  });

  test('SSF 1.0 §8.1.4 a verification is pushed', async () => {
    const { stream_id } = await createStream();
    await receiver.call('POST', 'verify', { stream_id, state: 'abc' });
    const [set] = await pushed(1);
    expect(set?.events).toEqual({ [verification]: { state: 'abc' } });
  });

  test('RFC 8936 §2 a stream that is pushed cannot be polled, until its delivery is changed', async () => {
    const { stream_id } = await createStream();
    expect((await receiver.poll(stream_id, { returnImmediately: true })).status).toBe(400);
    await receiver.call('PATCH', 'stream', { stream_id, delivery: { method: 'urn:ietf:rfc:8936' } });
    expect((await receiver.poll(stream_id, { returnImmediately: true })).status).toBe(200);
  });
});

describe('what was read already is not sent once the receiver has', () => {
  test.each<[string, (id: string) => Promise<unknown>, number]>([
    ['paused', (stream_id) => receiver.call('POST', 'status', { stream_id, status: 'paused' }), 5],
    ['disabled', (stream_id) => receiver.call('POST', 'status', { stream_id, status: 'disabled' }), 0],
    ['deleted', (id) => receiver.call('DELETE', `stream?stream_id=${id}`), 0],
  ])('SSF 1.0 §8.1.2 %s the stream', async (_, end, heldSets) => {
    const { stream_id } = await createStream();
    endpoint.answers = () => 503;
    const client = await createClient();
    for (let revoked = 0; revoked <= 5; revoked += 1) {
      await revokeOf(client);
    }
    await pushed(1);
    let asked = 0;
    other.documents.set(`/events/${count}`, async (_request, response) => {
      asked += 1;
      if (asked === 1) {
        await end(stream_id);
      }
      response.writeHead(202).end();
    });
    await retry();
    await vi.waitFor(() => expect(asked).toBe(1), 10_000);
    await retry();
    await retry();
    expect(asked).toBe(1);
    await receiver.call('POST', 'status', { stream_id, status: 'enabled' });
    await retry();
    await vi.waitFor(() => expect(asked).toBe(1 + heldSets), 10_000);
  });
});

describe('after the database went back in time', () => {
  test('RFC 8935 §2 what happens then is delivered, although its events have numbers that were passed before', async () => {
    await createStream();
    await revokeOf(await createClient());
    await pushed(1);
    await server.advance(1);
    const restore = await saveTables(server.db);
    for (let count = 0; count < 5; count += 1) {
      await createClient();
    }
    await server.advance(1);
    await restore(server.db);
    await server.advance(1);
    const client = await createClient();
    await revokeOf(client);
    expect(tell(await pushed(2)).at(-1)).toEqual(['tokens-revoked', aboutClient(client)]);
  });

  test('no stream is moved to where the log does not reach any more', async () => {
    const { stream_id } = await createStream();
    const rows = (await server.rows('streams')) as { id: string; position: number }[];
    const position = Number(rows.find(({ id }) => id === stream_id)?.position);
    const { sequence } = await server.db.selectFrom('event_head').select('sequence').executeTakeFirstOrThrow();
    const before = { id: stream_id, position, received: [] };
    const moveTo = (after: number) => moveStream(server.db, before, { position: after, received: [] });
    expect(await moveTo(Number(sequence) + 1)).toBe(false);
    expect(await moveTo(Number(sequence))).toBe(true);
  });
});

test('what a failed request says of the network is in the log alone', async () => {
  const { port, close } = await listenOnLoopback(createServer());
  await close();
  const { stream_id } = await createStream({ endpoint_url: `https://127.0.0.1:${port}/events` });
  await revokeOf(await createClient());
  const fault = 'the request failed; the log of the server says why';
  await vi.waitFor(async () => expect((await find(stream_id)).fault).toBe(fault), 10_000);
  expect(server.log.join()).toContain(`ECONNREFUSED 127.0.0.1:${port}`);
});

describe('a receiver that does not accept', () => {
  test.each([
    ['answers with an error of its own', () => 500 as const, 'status 500'],
    ['answers 200, which acknowledges nothing', () => 200 as const, 'status 200'],
    ['redirects', () => 307 as const, 'status 307'],
    [
      'says what is wrong',
      () => [400, { err: 'invalid_key', description: 'Key ID\n unknown' }] as [number, object],
      'status 400, invalid_key: Key ID? unknown',
    ],
    ['answers 204, which acknowledges nothing', () => 204 as const, 'status 204'],
    ['answers with garbage', () => [400, ['\u0000', 5]] as [number, object], 'status 400'],
  ])('RFC 8935 §2.3 gets the SET again if it %s, and administrators see why', async (_, answer, fault) => {
    const { stream_id } = await createStream();
    endpoint.answers = answer;
    const client = await createClient();
    await revokeOf(client);
    await pushed(1);
    await vi.waitFor(async () => expect((await find(stream_id)).fault).toBe(fault), 10_000);
    endpoint.answers = () => 202;
    await retry();
    const [first, again] = await pushed(2);
    expect(again?.jti).toBe(first?.jti);
    await vi.waitFor(async () => expect((await find(stream_id)).fault).toBe(null), 10_000);
  });

  test('RFC 8935 §2 gets everything in order: nothing overtakes a SET that was not accepted', async () => {
    await createStream();
    endpoint.answers = () => 503;
    const clients = [await createClient(), await createClient(), await createClient()];
    for (const client of clients) {
      await revokeOf(client);
    }
    await pushed(1);
    endpoint.answers = () => 202;
    await retry();
    const sets = await pushed(4);
    const [refused] = sets;
    const accepted = sets.slice(sets.findLastIndex(({ jti }) => jti === refused?.jti));
    expect(tell(accepted).map(([, about]) => about)).toEqual(clients.map(aboutClient));
  });

  test('RFC 8935 §2 holds up nobody else', async () => {
    await createStream();
    endpoint.answers = () => 500;
    const slow = endpoint;
    endpoint = servePushes(other, `/events/${count}/other`);
    await createStream();
    await revokeOf(await createClient());
    await pushed(1);
    expect(slow.requests.length).toBeGreaterThan(0);
  });

  test('RFC 8935 §2 holds up nobody else either if it never answers and has many streams', async () => {
    const greedy = await createReceiver(server);
    const held: ServerResponse[] = [];
    other.documents.set('/held', (_request, response) => void held.push(response));
    for (let at = 0; at < 30; at += 1) {
      const delivery = { method: pushMethod, endpoint_url: `${other.url}/held` };
      await greedy.create({ events_requested: [tokensRevoked], delivery });
    }
    await createStream();
    await revokeOf(await createClient());
    await pushed(1);
    await vi.waitFor(() => expect(held.length).toBeGreaterThanOrEqual(25), 4_000);
    expect(held).toHaveLength(25);
    await asRoot('DELETE', `/api/v1/oauth/client/${greedy.clientId}`);
    for (const response of held) {
      response.writeHead(202).end();
    }
  });

  test('RFC 8935 §2 is asked less and less often', async () => {
    await createStream();
    endpoint.answers = () => 500;
    await revokeOf(await createClient());
    await pushed(1);
    for (let at = 0; at < 20; at += 1) {
      await server.advance(1);
      await find('');
    }
    expect(endpoint.requests.length).toBeLessThanOrEqual(6);
  });

  test('RFC 8935 §2 that never answers is given up for this time, and the log has no secret of it', async () => {
    const { stream_id } = await createStream({
      endpoint_url: `${other.url}/never`,
      authorization_header: 'Bearer s3cret',
    });
    let asked = 0;
    other.documents.set('/never', () => {
      asked += 1;
    });
    await revokeOf(await createClient());
    await vi.waitFor(async () => expect((await find(stream_id)).fault).toMatch(/abort|time/i), 20_000);
    expect(asked).toBe(1);
    expect(server.log.join()).not.toContain('s3cret');
  });

  test('SSF 1.0 §8.1.5 is told that its stream is paused, and gets all of it when it enables the stream', async () => {
    const { stream_id } = await createStream();
    endpoint.answers = () => 500;
    const client = await createClient();
    await revokeOf(client);
    await pushed(1);
    await server.advance(7 * 86_400 + 60);
    const token = await server.token(receiver);
    const call = (method: string, path: string, body?: unknown) =>
      server.call(method, `/api/v1/ssf/${path}`, { token, body });
    expect((await call('GET', `status?stream_id=${stream_id}`)).body).toMatchObject({
      status: 'paused',
      reason: expect.stringContaining('status 500'),
    });
    const isNotice = (body: string) => streamUpdated in (claimsOf(body)['events'] as object);
    let notices = 0;
    endpoint.answers = ({ body }) => {
      notices += isNotice(body) ? 1 : 0;
      return isNotice(body) ? 202 : 500;
    };
    // A notice may be on its way already, and be refused.
    await vi.waitFor(
      async () => {
        await retry();
        expect(notices).toBe(1);
      },
      { timeout: 20_000, interval: 200 },
    );
    endpoint.answers = () => 202;
    const before = endpoint.requests.length;
    await call('POST', 'status', { stream_id, status: 'enabled' });
    expect(tell(await pushed(before + 1)).at(-1)).toEqual(['tokens-revoked', aboutClient(client)]);
  });
});

test('RFC 8935 §3 a receiver whose client is disabled gets nothing, and its stream is paused', async () => {
  const leaving = await createReceiver(server);
  const delivery = { method: pushMethod, endpoint_url: endpoint.url };
  const { stream_id } = await leaving.create({ events_requested: [tokensRevoked], delivery });
  await asRoot('PATCH', `/api/v1/oauth/client/${leaving.clientId}`, { enabled: false });
  await revokeOf(await createClient());
  await vi.waitFor(async () => expect((await find(stream_id)).status).toBe('paused'), 10_000);
  expect(endpoint.requests).toEqual([]);
});

test('an administrator deletes the stream of any receiver, and nothing is pushed from then on', async () => {
  const { stream_id } = await createStream();
  await asRoot('DELETE', `/api/v1/oauth/stream/${stream_id}`);
  await revokeOf(await createClient());
  endpoint = servePushes(other, `/events/${count}/other`);
  await createStream();
  await revokeOf(await createClient());
  await pushed(1);
  expect((await receiver.call('GET', `stream?stream_id=${stream_id}`)).status).toBe(404);
});

test('examples/shared-signals/receiver.ts, by public libraries alone, gets and acknowledges what happens', async () => {
  const { clientId, clientSecret } = await createReceiver(server);
  const path = fileURLToPath(new URL('../../../examples/shared-signals/receiver.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], ISSUER: server.url, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
  const program = spawn(process.execPath, [path], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [program.stdout, program.stderr]) {
    output.on('data', (chunk) => {
      said += chunk;
    });
  }
  try {
    await vi.waitFor(() => expect(said).toMatch(/^stream \w+/), 20_000);
    const client = await createClient();
    await revokeOf(client);
    await vi.waitFor(() => expect(said).toContain(`"sub":"${client.clientId}"`), 20_000);
    const [, id = ''] = /^stream (\w+)/.exec(said) ?? [];
    const positionOf = async () =>
      ((await server.rows('streams')) as { id: string; position: number }[]).find((row) => row.id === id)?.position;
    await vi.waitFor(async () => expect(Number(await positionOf())).toBeGreaterThan(0), 20_000);
    expect(said).not.toContain('Error');
  } finally {
    program.kill();
  }
});
