/** Clients that may get so many tokens a minute, a day and a month, and no more. RFC 6585 §4. */
import { randomUUID } from 'node:crypto';
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

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

describe('of many requests at once, exactly as many as the quota get a token', () => {
  const statusesAtOnce = async (times: number, call: (index: number) => Promise<Answer>) => {
    const answers = await Promise.all(Array.from({ length: times }, (_, index) => call(index)));
    return Map.groupBy(
      answers.map(({ status }) => status),
      (status) => status,
    );
  };
  const expectQuota = (statuses: Map<number, number[]>, quota: number, others: number) => {
    expect([statuses.get(200)?.length, statuses.get(429)?.length]).toEqual([quota, others]);
  };

  test('by secret', async () => {
    expectQuota(await statusesAtOnce(60, () => ask(server, limited)), 3, 57);
  });

  test('with DPoP proofs', async () => {
    const { clientId, clientSecret } = await server.createClient({
      scopes: ['policy:read'],
      token_quota_per_minute: 5,
    });
    const keys = await generateKeyPair('ES256', { extractable: true });
    const proofs = await Promise.all(Array.from({ length: 300 }, () => proofBy(keys)));
    const statuses = await statusesAtOnce(300, (index) =>
      server.postForm(
        '/api/v1/oauth/token',
        { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
        { dpop: proofs[index] as string },
      ),
    );
    expectQuota(statuses, 5, 295);
  });

  test('with client assertions', async () => {
    const keys = await generateKeyPair('ES256');
    const { clientId } = await server.createClient({
      scopes: ['policy:read'],
      token_quota_per_minute: 5,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [await exportJWK(keys.publicKey)] },
    });
    const assertions = await Promise.all(Array.from({ length: 100 }, () => assertionBy(keys, clientId)));
    const statuses = await statusesAtOnce(100, (index) =>
      server.postForm('/api/v1/oauth/token', {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertions[index] as string,
      }),
    );
    expectQuota(statuses, 5, 95);
  });

  test('and those that were refused for another reason give theirs back', async () => {
    const statuses = await statusesAtOnce(40, () => ask(server, limited, 'rule:read'));
    expect(statuses.get(200)).toBeUndefined();
    expect(await statusesOf(4, () => ask(server, limited))).toEqual([200, 200, 200, 429]);
  });
});

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

const nowSeconds = () => Math.floor(server.now() / 1000);

async function proofBy(keys: Keys): Promise<string> {
  return new SignJWT({ htm: 'POST', htu: `${server.url}/api/v1/oauth/token`, jti: randomUUID(), iat: nowSeconds() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(keys.publicKey) })
    .sign(keys.privateKey);
}

function assertionBy(keys: Keys, clientId: string): Promise<string> {
  const times = { iat: nowSeconds(), exp: nowSeconds() + 60 };
  return new SignJWT({ iss: clientId, sub: clientId, aud: server.url, jti: randomUUID(), ...times })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(keys.privateKey);
}

test('other clients have none, and nothing is written for them', async () => {
  const free = await server.createClient({ scopes: ['policy:read'] });
  expect(await statusesOf(10, () => ask(server, free))).toEqual(Array(10).fill(200));
  expect(await server.db.selectFrom('period_counters').selectAll().execute()).toEqual([]);
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
    const written = async () => {
      const rows = await server.db.selectFrom('period_counters').select('count').execute();
      return rows.map(({ count }) => count).toSorted();
    };
    await vi.waitFor(async () => expect(await written()).toEqual([2]));
    // The second node learns of them when it writes its own first one.
    expect((await ask(second, limited)).status).toBe(200);
    await vi.waitFor(async () => expect(await written()).toEqual([1, 2]));
    await vi.waitFor(async () => expect((await ask(second, limited)).status).toBe(429));
  } finally {
    await second.close();
  }
});

describe('quotas per day and month', () => {
  /** Moves the clock to the first moment of a month, so that the test knows when its periods end. */
  async function beginMonth(): Promise<void> {
    const date = new Date(server.now());
    const next = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
    await server.advance((next - server.now()) / 1000 + 1);
  }
  const asRoot = async (method: string, path: string, body?: unknown) =>
    server.call(method, path, { token: await server.rootToken(), body });
  const usageOf = async ({ clientId }: Credentials) =>
    (await asRoot('GET', `/api/v1/oauth/client/${clientId}/usage`)).body.quotas;

  test('each holds until its period ends in UTC, and the answer says which one it is, and when it ends', async () => {
    await beginMonth();
    const client = await server.createClient({
      scopes: ['policy:read'],
      token_quota_per_day: 2,
      token_quota_per_month: 3,
    });
    expect(await statusesOf(3, () => ask(server, client))).toEqual([200, 200, 429]);
    const byDay = await ask(server, client);
    const midnight = new Date(Date.parse(new Date(server.now()).toISOString().slice(0, 10)) + 86_400_000).toISOString();
    expect(byDay.body.error_description).toContain(`its quota of 2 tokens per day, until ${midnight}`);
    const wait = Number(byDay.headers.get('retry-after'));
    expect(wait).toBe(Math.ceil((Date.parse(midnight) - server.now()) / 1000));
    await server.advance(wait);
    expect(await statusesOf(2, () => ask(server, client))).toEqual([200, 429]);
    const byMonth = await ask(server, client);
    expect(byMonth.body.error_description).toMatch(
      /its quota of 3 tokens per month, until \d{4}-\d\d-01T00:00:00\.000Z/,
    );
    await server.advance(Number(byMonth.headers.get('retry-after')));
    expect(await statusesOf(3, () => ask(server, client))).toEqual([200, 200, 429]);
    expect(await server.app.metrics.metrics()).toMatch(/postern_token_quota_refusals_total\{per="month"\} [1-9]/);
  });

  test('they survive a restart, exactly, and are shown with what is used of them', async () => {
    await beginMonth();
    const client = await server.createClient({ scopes: ['policy:read'], token_quota_per_day: 3 });
    expect(await statusesOf(2, () => ask(server, client))).toEqual([200, 200]);
    const [use] = await usageOf(client);
    expect(use).toMatchObject({ per: 'day', most: 3, used: 2, ends_at: expect.stringMatching(/T00:00:00\.000Z$/) });
    await vi.waitFor(async () =>
      expect((await server.db.selectFrom('period_counters').selectAll().execute()).map(({ count }) => count)).toContain(
        2,
      ),
    );
    const again = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    await again.advance((server.now() - again.now()) / 1000);
    try {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(again, client)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    } finally {
      await again.close();
    }
  });

  test('of many requests at once, exactly as many as the smallest quota get a token, and the others give theirs back', async () => {
    await beginMonth();
    const client = await server.createClient({
      scopes: ['policy:read'],
      token_quota_per_minute: 2,
      token_quota_per_day: 3,
      token_quota_per_month: 100,
    });
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(server, client)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    await server.advance(60);
    expect(await statusesOf(2, () => ask(server, client))).toEqual([200, 429]);
    expect((await usageOf(client)).map(({ used }: { used: number }) => used)).toEqual([1, 3, 3]);
  });

  test.each(['token_quota_per_day', 'token_quota_per_month'])(
    '%s is a whole number of at least 1, or null',
    async (member) => {
      for (const value of [0, -1, 1.5, '3', 1_000_000_001]) {
        const { status, body } = await asRoot('POST', '/api/v1/oauth/client', { [member]: value });
        expect([value, status, body.detail]).toEqual([value, 422, expect.stringMatching(new RegExp(`^${member}: `))]);
      }
      expect((await asRoot('POST', '/api/v1/oauth/client', { [member]: null })).status).toBe(200);
    },
  );
});
