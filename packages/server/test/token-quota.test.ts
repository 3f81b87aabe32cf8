/** Clients that may get so many tokens a minute, and no more. RFC 6585 §4. */

import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';

let server: TestServer;
let limited: Credentials;
beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  limited = await server.createClient({ scopes: ['policy:read'], token_quota_per_minute: 3 });
});
afterAll(() => server.close());
beforeEach(() => server.advance(60));

const ask = (node: TestServer, { clientId, clientSecret }: Credentials, scope = 'policy:read'): Promise<Answer> =>
  node.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope,
  });

async function statusesOf(times: number, call: () => Promise<Answer>): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < times; index += 1) {
    statuses.push((await call()).status);
  }
  return statuses;
}

test('the client gets as many as that, then 429 with the time to wait, and as many again after it', async () => {
  expect(await statusesOf(4, () => ask(server, limited))).toEqual([200, 200, 200, 429]);
  const { headers, body } = await ask(server, limited);
  expect(body).toEqual({
    error: 'too_many_requests',
    error_description: expect.stringMatching(/^The client has used its quota of 3 tokens per minute/),
    detail: body.error_description,
  });
  await server.advance(Number(headers.get('retry-after')));
  expect(await statusesOf(4, () => ask(server, limited))).toEqual([200, 200, 200, 429]);
});

test('requests that get no token are not counted', async () => {
  expect(await statusesOf(5, () => ask(server, limited, 'rule:read'))).toEqual(Array(5).fill(400));
  expect(await statusesOf(4, () => ask(server, limited))).toEqual([200, 200, 200, 429]);
});

test('other clients have none, and nothing is written for them', async () => {
  const free = await server.createClient({ scopes: ['policy:read'] });
  expect(await statusesOf(10, () => ask(server, free))).toEqual(Array(10).fill(200));
  expect(await server.db.selectFrom('minute_counters').selectAll().execute()).toEqual([]);
});

test('it is shown, changed and taken away by the management API', async () => {
  const token = await server.rootToken();
  const path = `/api/v1/oauth/client/${limited.clientId}`;
  expect((await server.call('GET', path, { token })).body.token_quota_per_minute).toBe(3);
  await server.call('PATCH', path, { token, body: { token_quota_per_minute: null } });
  expect(await statusesOf(5, () => ask(server, limited))).toEqual(Array(5).fill(200));
  await server.call('PATCH', path, { token, body: { token_quota_per_minute: 3 } });
  for (const value of [0, -1, 1.5, '3', 1_000_001]) {
    const { status, body } = await server.call('PATCH', path, { token, body: { token_quota_per_minute: value } });
    expect([value, status, body.detail]).toEqual([value, 422, expect.stringMatching(/^token_quota_per_minute: /)]);
  }
});

test('no client gives itself one by registration', async () => {
  const made = await server.call('POST', '/api/v1/oauth/initial-access-token', {
    token: await server.rootToken(),
    body: { scopes: ['policy:read'] },
  });
  const { status, body } = await server.call('POST', '/api/v1/oauth/register', {
    token: made.body.initial_access_token,
    body: { token_quota_per_minute: 1_000 },
  });
  expect([status, 'token_quota_per_minute' in body]).toEqual([201, false]);
});

test('nodes on one database share it, nearly', async () => {
  const second = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
  await second.advance((server.now() - second.now()) / 1000);
  try {
    expect(await statusesOf(2, () => ask(server, limited))).toEqual([200, 200]);
    await vi.waitFor(async () => {
      expect(await server.db.selectFrom('minute_counters').select('count').execute()).toEqual([{ count: 2 }]);
    });
    // The second node learns of them when it writes its own first one.
    expect((await ask(second, limited)).status).toBe(200);
    await vi.waitFor(async () => {
      expect(await server.db.selectFrom('minute_counters').select('count').execute()).toEqual([{ count: 3 }]);
    });
    await vi.waitFor(async () => expect((await ask(second, limited)).status).toBe(429));
  } finally {
    await second.close();
  }
});
