/** One client cannot fill the memory of every API with revoked tokens. RFC 7009 §2.1, docs/revocation-feed.md. */
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

/** Of one client per minute, and of one client in all, as the manual says. */
const mostPerMinute = 600;
const mostSingle = 1_000;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(() => server.advance(60));

const createClient = () => server.createClient({ scopes: ['scope:read'] });

const revoke = ({ clientId, clientSecret }: Credentials, token: string) =>
  server.postForm('/api/v1/oauth/revoke', { client_id: clientId, client_secret: clientSecret, token });

async function revokeAll(client: Credentials, tokens: readonly string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (let first = 0; first < tokens.length; first += 100) {
    const answers = await Promise.all(tokens.slice(first, first + 100).map((token) => revoke(client, token)));
    statuses.push(...answers.map(({ status }) => status));
  }
  return statuses;
}

async function tokensOf(client: Credentials, count: number): Promise<string[]> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const next = Math.min(100, count - tokens.length);
    tokens.push(...(await Promise.all(Array.from({ length: next }, () => server.token(client)))));
  }
  return tokens;
}

const statusOf = async (token: string) => (await server.call('GET', '/api/v1/oauth/scope', { token })).status;

// biome-ignore lint/suspicious/noExplicitAny: entries of every shape
async function feedAbout({ clientId }: Credentials): Promise<any[]> {
  const token = await server.rootToken();
  const entries = [];
  for (let cursor = '', more = true; more; ) {
    const query = cursor === '' ? '' : `?cursor=${cursor}`;
    const { body } = await server.call('GET', `/api/v1/oauth/revocations${query}`, { token });
    entries.push(...body.entries);
    ({ cursor, more } = body);
  }
  return entries.filter((entry) => entry.client_id === clientId);
}

/** The first of several pages is sent in gzip to those who accept it, says the same as without, and is a fraction of its length. */
async function expectCompressedSnapshot(): Promise<void> {
  const authorization = `Bearer ${await server.rootToken()}`;
  const readRaw = (accepted: string) =>
    new Promise<{ coding: string | undefined; digest: unknown; body: Buffer }>((resolve, reject) => {
      const headers = { authorization, 'accept-encoding': accepted };
      get(`${server.url}/api/v1/oauth/revocations`, { headers }, async (answer) => {
        const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>));
        const { sha256: digest } = claimsOf(String(answer.headers['revocations-signature']));
        resolve({ coding: answer.headers['content-encoding'], digest, body });
      }).on('error', reject);
    });
  const plain = await readRaw('identity, gzip;q=0');
  const packed = await readRaw('gzip, deflate');
  expect([plain.coding, packed.coding]).toEqual([undefined, 'gzip']);
  expect(packed.body.length).toBeLessThan(plain.body.length / 2);
  const unpacked = gunzipSync(packed.body);
  expect(unpacked).toEqual(plain.body);
  expect(JSON.parse(unpacked.toString())).toMatchObject({ more: true });
  // The signature is over what is compressed.
  const digest = createHash('sha256').update(unpacked).digest('base64url');
  expect([plain.digest, packed.digest]).toEqual([digest, digest]);
}

const rowsOf = ({ clientId }: Credentials) =>
  server.db.selectFrom('revoked_tokens').select('jti').where('client_id', '=', clientId).execute();

test('beyond 1,000 revoked tokens of a client, one more revokes all that it has, and takes one entry', async () => {
  const [flooder, innocent] = [await createClient(), await createClient()];
  const innocentTokens = await tokensOf(innocent, 2);
  await revokeAll(innocent, innocentTokens.slice(0, 1));
  const tokens = await tokensOf(flooder, mostSingle + 3);
  const [last = '', spared = '', old = ''] = tokens.splice(mostSingle);
  for (let first = 0; first < mostSingle; first += 100) {
    expect(new Set(await revokeAll(flooder, tokens.slice(first, first + 100)))).toEqual(new Set([200]));
    await server.advance(60);
  }
  expect([(await feedAbout(flooder)).length, (await rowsOf(flooder)).length]).toEqual([mostSingle, mostSingle]);
  expect([await statusOf(tokens[0] as string), await statusOf(spared)]).toEqual([401, 200]);
  await expectCompressedSnapshot();

  expect((await revoke(flooder, last)).status).toBe(200);
  expect(await feedAbout(flooder)).toEqual([
    expect.objectContaining({ type: 'client', active: true, gen: expect.any(Number) }),
  ]);
  expect(await rowsOf(flooder)).toEqual([]);
  for (const token of [tokens[0] as string, tokens.at(-1) as string, last, spared]) {
    expect(await statusOf(token)).toBe(401);
  }
  const events = await server.eventsAbout(flooder.clientId);
  expect(events.at(-1)).toMatchObject({ actor: flooder.clientId, kind: 'client.revoked' });
  expect(events.at(-1)?.data).toMatchObject({ single_revocations: mostSingle });

  // What is revoked anyway takes no entry; the client gets new tokens; nobody else notices.
  expect([(await revoke(flooder, old)).status, await rowsOf(flooder)]).toEqual([200, []]);
  expect(await statusOf(await server.token(flooder))).toBe(200);
  expect(await Promise.all(innocentTokens.map(statusOf))).toEqual([401, 200]);
  expect(await feedAbout(innocent)).toEqual([
    expect.objectContaining({ jti: claimsOf(innocentTokens[0] as string)['jti'] }),
  ]);
}, 120_000);

test('RFC 6585 §4 a client revokes at most 600 of its tokens per minute, of which each is an event, and others are not affected', async () => {
  const [flooder, innocent] = [await createClient(), await createClient()];
  const tokens = await tokensOf(flooder, mostPerMinute + 10);
  const countEvents = async () => (await server.rows('events')).length;
  const before = await countEvents();
  const statuses = await revokeAll(flooder, tokens);
  expect((await countEvents()) - before).toBe(mostPerMinute);
  expect(Map.groupBy(statuses, (status) => status).get(429)).toHaveLength(10);
  const [left = ''] = tokens.filter((_, index) => statuses[index] === 429);
  const refused = await revoke(flooder, left);
  expect([refused.status, refused.body.error]).toEqual([429, 'too_many_requests']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await revokeAll(innocent, await tokensOf(innocent, 1))).toEqual([200]);
  // A token that is revoked already takes no turn.
  expect((await revoke(flooder, tokens[statuses.indexOf(200)] as string)).status).toBe(200);
  await server.advance(Number(refused.headers.get('retry-after')));
  expect([(await revoke(flooder, left)).status, await statusOf(left)]).toEqual([200, 401]);
}, 120_000);

describe('what the end of a client covers goes from the feed and the database', () => {
  const path = '/api/v1/oauth/client';
  test.each<[string, (client: Credentials, token: string) => Promise<unknown>]>([
    ['deleted', ({ clientId }, token) => server.call('DELETE', `${path}/${clientId}`, { token })],
    [
      'disabled',
      ({ clientId }, token) => server.call('PATCH', `${path}/${clientId}`, { token, body: { enabled: false } }),
    ],
    ['all its tokens revoked', ({ clientId }, token) => server.call('POST', `${path}/${clientId}/revoke`, { token })],
  ])('%s', async (_name, end) => {
    const client = await createClient();
    const tokens = await tokensOf(client, 3);
    await revokeAll(client, tokens);
    expect(await feedAbout(client)).toHaveLength(3);
    await end(client, await server.rootToken());
    expect(await feedAbout(client)).toEqual([expect.objectContaining({ type: 'client' })]);
    expect(await rowsOf(client)).toEqual([]);
    expect(await Promise.all(tokens.map(statusOf))).toEqual([401, 401, 401]);
    // Also for who starts now, and reads the log.
    const second = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      const token = await second.rootToken();
      const { body } = await second.call('GET', '/api/v1/oauth/revocations', { token });
      const about = body.entries.filter((entry: { client_id: string }) => entry.client_id === client.clientId);
      expect(about).toEqual([expect.objectContaining({ type: 'client' })]);
    } finally {
      await second.close();
    }
  });

  test('but not what fewer scopes make inactive, since they may come back', async () => {
    const client = await createClient();
    const [token = ''] = await tokensOf(client, 1);
    await revokeAll(client, [token]);
    const root = await server.rootToken();
    await server.call('PUT', `${path}/${client.clientId}/scope`, { token: root, body: [] });
    await server.call('PUT', `${path}/${client.clientId}/scope`, { token: root, body: ['scope:read'] });
    expect(await feedAbout(client)).toHaveLength(2);
    expect(await statusOf(token)).toBe(401);
  });

  test('a revoked token of root stays revoked whatever happens to root', async () => {
    const token = await server.rootToken();
    await revoke(server.root, token);
    const rows = await server.rows('revoked_tokens');
    expect(rows).toContainEqual(expect.objectContaining({ jti: claimsOf(token)['jti'], generation: null }));
    expect(await statusOf(token)).toBe(401);
  });
});
