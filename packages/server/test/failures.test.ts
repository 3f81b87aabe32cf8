/** Failures: which client fails to get tokens, from where, why and since when; bounded, on all nodes, and without secrets. */
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const list = async (query = '', from = server) =>
  (await from.call('GET', `/api/v1/oauth/failures?${query}`, { token: await from.rootToken() })).body;
const fail = async (form: Record<string, string>, at = server, headers?: Record<string, string>) => {
  const answer = await at.postForm('/api/v1/oauth/token', { grant_type: 'client_credentials', ...form }, headers);
  expect(answer.status).toBeGreaterThanOrEqual(400);
};
const wrong = ({ clientId }: Credentials) => ({ client_id: clientId, client_secret: 'a-wrong-secret-of-somebody' });

test('says which client, from where, why, since when and how often', async () => {
  const client = await server.createClient({ name: 'failing', scopes: ['policy:read'] });
  const since = new Date(server.now()).toISOString();
  await fail(wrong(client));
  await server.advance(60);
  await fail({}, server, {
    authorization: `Basic ${Buffer.from(`${client.clientId}:nothing-that-is-right`).toString('base64')}`,
  });
  const last_at = new Date(server.now()).toISOString();
  await server.advance(1);
  await fail({ client_id: client.clientId, client_secret: client.clientSecret, scope: 'rule:read' });
  const { items, total } = await list(`client_id=${client.clientId}`);
  expect(total).toBe(2);
  expect(items[0]).toMatchObject({ client_id: client.clientId, name: 'failing', reason: 'invalid_scope', requests: 1 });
  expect(items[1]).toEqual({
    client_id: client.clientId,
    name: 'failing',
    address: '127.0.0.1',
    reason: 'secret_wrong',
    remedy: expect.stringMatching(/secret/),
    requests: 2,
    since,
    last_at,
    last_issued_at: null,
  });
  expect((await list('reason=secret_wrong&cursor=&size=1')).items).toHaveLength(1);
  expect(await list(`client_id=${client.clientId}&reason=token_quota_spent`)).toMatchObject({ items: [], total: 0 });
});

test('is sorted by the server, on every page alike', async () => {
  const clients = [await server.createClient(['policy:read']), await server.createClient(['policy:read'])];
  for (const [index, count] of [3, 1].entries()) {
    for (let times = 0; times < count; times += 1) {
      await fail(wrong(clients[index] as Credentials));
    }
    await server.advance(1);
  }
  const read = async (sort: string) => {
    const items: Record<string, string | number>[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await list(`sort=${sort}&size=1&cursor=${encodeURIComponent(cursor)}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    return items;
  };
  for (const member of ['requests', 'since', 'last_at']) {
    const values = (await read(member)).map((one) => one[member]);
    expect(values.length).toBeGreaterThan(2);
    expect([member, values]).toEqual([member, values.toSorted((a, b) => ((a ?? 0) < (b ?? 0) ? -1 : 1))]);
    expect((await read(`-${member}`)).map((one) => one[member])).toEqual(values.toReversed());
  }
  const cursor = Buffer.from(JSON.stringify(['no number', 'x'])).toString('base64url');
  expect(await list(`sort=requests&cursor=${cursor}`)).toHaveProperty('items');
});

test('keeps nothing that a caller wrote: no secret, and no name of a client that does not exist', async () => {
  await fail({ client_id: 'pasted-into-the-wrong-field', client_secret: 'another-wrong-secret' });
  const { items } = await list('size=100');
  expect(items).toContainEqual(expect.objectContaining({ client_id: null, reason: 'client_unknown' }));
  const rows = JSON.stringify(await server.rows('token_failures'));
  for (const text of ['pasted-into', 'another-wrong', 'a-wrong-secret', 'nothing-that-is-right']) {
    expect(rows).not.toContain(text);
  }
});

test('is bounded: addresses beyond twenty are put together, and a week later nothing is left', async () => {
  const behind = await startTestServer({ env: { POSTERN_TRUSTED_PROXIES: '127.0.0.1' } });
  const client = await behind.createClient(['policy:read']);
  for (let host = 1; host <= 30; host += 1) {
    await behind.postForm(
      '/api/v1/oauth/token',
      { grant_type: 'client_credentials', client_id: client.clientId, client_secret: client.clientSecret, scope: 'x' },
      { 'x-forwarded-for': `192.0.2.${host}` },
    );
  }
  const { items } = await list(`client_id=${client.clientId}`, behind);
  expect(items.length).toBeLessThanOrEqual(21);
  expect(items.reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0)).toBe(30);
  expect(items).toContainEqual(expect.objectContaining({ address: null, requests: 10 }));
  await behind.advance(8 * 86_400);
  expect((await behind.rows('token_failures')).length).toBe(0);
  await behind.close();
});

test('keeps the latest twenty addresses of a client and reason, so that nobody displaces other clients by many of them', async () => {
  const behind = await startTestServer({ env: { POSTERN_TRUSTED_PROXIES: '127.0.0.1' } });
  const client = await behind.createClient(['policy:read']);
  await fail(wrong(client), behind);
  for (let host = 1; host <= 24; host += 1) {
    await fail({}, behind, { 'x-forwarded-for': `192.0.2.${host}` });
    await behind.advance(60);
  }
  const { items } = await list('size=100', behind);
  const strangers = items.filter((item: { client_id: string | null }) => item.client_id === null);
  expect(strangers.length).toBeLessThanOrEqual(21);
  expect(strangers[0]).toMatchObject({ address: '192.0.2.24' });
  expect(items).toContainEqual(expect.objectContaining({ client_id: client.clientId, reason: 'secret_wrong' }));
  await behind.close();
});

test('covers all nodes, and no clients that were deleted', async () => {
  const two = await startTestServer({ dataDir: server.dataDir });
  const client = await server.createClient(['policy:read']);
  await fail(wrong(client), two);
  await two.advance(6);
  expect((await list(`client_id=${client.clientId}`)).total).toBe(1);
  await server.call('DELETE', `/api/v1/oauth/client/${client.clientId}`, { token: await server.rootToken() });
  expect((await list(`client_id=${client.clientId}`)).total).toBe(0);
  await two.close();
});
