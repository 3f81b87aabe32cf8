/** Signing keys have one successor at a time and are few; one that never signed can be deleted, one that has leaked revoked. */
import { createApiGuard, type Fetch } from '@postern/guard';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const keyPath = '/api/v1/oauth/key';
const rotatePath = `${keyPath}/rotate`;

let server: TestServer;
let token: string;
beforeEach(async () => {
  server = await startTestServer();
  token = await server.rootToken();
});
afterEach(() => server.close());

const kidOf = (text: string) => decodeProtectedHeader(text).kid ?? '';
const rotate = (at = server) => at.call('POST', rotatePath, { token, body: {} });
const remove = (kid: string, by = token) => server.call('DELETE', `${keyPath}/${kid}`, { token: by });
const revoke = (kid: string, by = token) => server.call('POST', `${keyPath}/${kid}/revoke`, { token: by, body: {} });
const use = (text: string, at = server) => at.call('GET', '/api/v1/oauth/scope', { token: text });
const publishedKids = async () =>
  (await server.call('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid);

describe('one successor at a time', () => {
  test('a rotation while the next key waits is refused with the time at which it becomes possible', async () => {
    const { body: next } = await rotate();
    await server.advance(100);
    const again = await rotate();
    expect([again.status, again.body.error]).toEqual([409, 'conflict']);
    expect(again.body.detail).toContain(next.kid);
    expect(again.body.detail).toContain(next.signs_from);
    expect(again.headers.get('retry-after')).toBe('3500');
    expect(await publishedKids()).toHaveLength(2);
    await server.advance(3500);
    expect((await rotate()).status).toBe(200);
  });

  test('of rotations at once, also on two nodes, one passes', async () => {
    const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => rotate(at % 2 === 0 ? server : other)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(409)]);
      await server.advance(0);
      expect(await publishedKids()).toHaveLength(2);
    } finally {
      await other.close();
    }
  });

  test('each algorithm has its own', async () => {
    const body = { key: 'api', identifier: 'https://api.example.com', scopes: [], signing_alg: 'EdDSA' };
    await server.call('PUT', '/api/v1/oauth/resource', { token, body });
    await server.advance(3600);
    const answers = await Promise.all(
      ['ES256', 'EdDSA'].map((alg) => server.call('POST', rotatePath, { token, body: { alg } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});

test('the JWKS stays small and is taken by new guards, however often keys are rotated, revoked or change algorithm', async () => {
  const fast = await startTestServer({
    env: { POSTERN_KEY_LEAD_MINUTES: '1', POSTERN_KEY_ROTATION_DAYS: '1', OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '525600' },
  });
  const call = async (method: string, path: string, body?: unknown) =>
    fast.call(method, `/api/v1/oauth/${path}`, { token: await fast.rootToken(), body });
  const published = async () => (await fast.call('GET', '/.well-known/jwks.json')).body.keys as { kid: string }[];
  try {
    const answers: { status: number; body: { detail: string } }[] = [];
    for (let round = 0; round < 30; round += 1) {
      const signing_alg = ['EdDSA', 'RS256', 'PS256'][round % 3];
      await call('PUT', 'resource', { key: 'api', identifier: 'https://api.example.com', scopes: [], signing_alg });
      answers.push(await call('POST', 'key/rotate', {}));
      await fast.advance(86_400);
      if (round % 4 === 3) {
        expect((await call('POST', `key/${kidOf(await fast.rootToken())}/revoke`, {})).status).toBe(204);
      }
      expect((await published()).length).toBeLessThanOrEqual(23);
    }
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.length).toBeGreaterThan(3);
    expect(refused.at(-1)?.body.detail).toMatch(/20 signing keys are published.+rotate again after 20\d\d-.+Z, when/);
    const guard = createApiGuard({ issuer: fast.url, audience: fast.url, now: fast.now, fetch });
    const request = { method: 'GET', path: '/', dpop: undefined, certificateThumbprint: undefined };
    const authorization = `Bearer ${await fast.rootToken()}`;
    expect((await guard.authorize({ ...request, authorization }, 'scope:read')).clientId).toBe(fast.root.clientId);
  } finally {
    await fast.close();
  }
});

test('an algorithm that comes back into use signs with the key that it had', async () => {
  const use = (signing_alg: string) => {
    const body = { key: 'api', identifier: 'https://api.example.com', scopes: [], signing_alg };
    return server.call('PUT', '/api/v1/oauth/resource', { token, body });
  };
  const signing = async () =>
    (await server.call('GET', keyPath, { token })).body.items
      .filter(({ signs_until }: { signs_until: unknown }) => signs_until === null)
      .map(({ alg, kid }: { alg: string; kid: string }) => `${alg} ${kid}`);
  await use('EdDSA');
  const before = await signing();
  await use('RS256');
  expect(await signing()).not.toEqual(before);
  await use('EdDSA');
  expect(await signing()).toEqual(expect.arrayContaining(before));
  expect((await publishedKids()).length).toBeLessThanOrEqual(3);
});

test.each([
  ['60', 300],
  ['1', 30],
])(
  'with a lead of %s minutes, copies of the JWKS may be kept for at most half of it, and %i seconds',
  async (lead, age) => {
    const other = await startTestServer({ env: { POSTERN_KEY_LEAD_MINUTES: lead } });
    try {
      const { headers } = await other.call('GET', '/.well-known/jwks.json');
      expect(headers.get('cache-control')).toContain(`max-age=${age}`);
      const { body } = await other.call('POST', rotatePath, { token: await other.rootToken(), body: {} });
      expect(Date.parse(body.signs_from) - Date.parse(body.created_at)).toBe(Number(lead) * 60_000);
    } finally {
      await other.close();
    }
  },
);

describe('a key is deleted', () => {
  test('one that waits: it goes at once, and the key before it continues', async () => {
    const { body: next } = await rotate();
    expect((await remove(next.kid)).status).toBe(204);
    expect(await publishedKids()).toEqual([kidOf(token)]);
    const { items } = (await server.call('GET', keyPath, { token })).body;
    expect(items).toMatchObject([{ status: 'signing', signs_until: null, verifies_until: null }]);
    expect(await server.eventsAbout(next.kid)).toMatchObject([{ kind: 'key.created' }, { kind: 'key.deleted' }]);
    await server.advance(3600);
    expect(kidOf(await server.rootToken())).toBe(kidOf(token));
    expect((await use(token)).status).toBe(200);
    expect((await rotate()).status).toBe(200);
  });

  test('not one that signs or has signed, whose tokens would be lost: the error says to revoke it', async () => {
    await rotate();
    for (const seconds of [0, 3600]) {
      await server.advance(seconds);
      const { status, body } = await remove(kidOf(token));
      expect([status, body.detail]).toEqual([409, expect.stringMatching(/may have signed tokens.+revoke it/)]);
    }
    expect(await publishedKids()).toContain(kidOf(token));
    expect((await use(token)).status).toBe(200);
  });

  test('one that is unknown is not found', async () => {
    expect((await remove('unknown')).status).toBe(404);
  });
});

describe('a key is revoked', () => {
  test('one that waits: guards refuse what somebody else signed with it, and the key before it continues', async () => {
    const { body: next } = await rotate();
    expect((await revoke(next.kid)).status).toBe(204);
    expect(await publishedKids()).toEqual([kidOf(token)]);
    const feed = (await server.call('GET', '/api/v1/oauth/revocations', { token })).body.entries;
    expect(feed).toContainEqual({ type: 'signing_key', kid: next.kid });
    await server.advance(3600);
    expect(kidOf(await server.rootToken())).toBe(kidOf(token));
  });

  test('one that signed earlier: it is no longer published, and its tokens are refused', async () => {
    await rotate();
    await server.advance(3600);
    const later = await server.rootToken();
    expect((await use(token)).status).toBe(200);
    expect((await revoke(kidOf(token), later)).status).toBe(204);
    expect(await publishedKids()).toEqual([kidOf(later)]);
    expect((await use(token)).status).toBe(401);
    expect((await use(later)).status).toBe(200);
    expect((await server.eventsAbout(kidOf(token))).at(-1)).toMatchObject({
      kind: 'key.revoked',
      actor: server.root.clientId,
    });
    const { clientId: client_id, clientSecret: client_secret } = server.root;
    const answer = await server.postForm('/api/v1/oauth/introspect', { client_id, client_secret, token });
    expect(answer.body).toEqual({ active: false });
  });

  test.each([false, true])('the one that signs: another signs at once; a next key waits: %s', async (isWaiting) => {
    const next = isWaiting ? (await rotate()).body.kid : undefined;
    expect((await revoke(kidOf(token))).status).toBe(204);
    const fresh = await server.rootToken();
    expect(kidOf(fresh)).not.toBe(kidOf(token));
    expect(await publishedKids()).toEqual([kidOf(fresh)]);
    expect([next ?? kidOf(fresh)]).toEqual([kidOf(fresh)]);
    expect((await use(token)).status).toBe(401);
    expect((await use(fresh)).status).toBe(200);
    await server.advance(3700);
    expect(kidOf(await server.rootToken())).toBe(kidOf(fresh));
  });

  test('another node refuses its tokens as soon as it has heard of it', async () => {
    const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      expect((await use(token, other)).status).toBe(200);
      await revoke(kidOf(token));
      await other.advance(0);
      expect((await use(token, other)).status).toBe(401);
      expect((await use(await other.rootToken(), server)).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  test('a guard that follows the revocations refuses its tokens at once, and takes those of the key that signs instead', async () => {
    const client = await server.createClient({ scopes: ['revocation:read', 'scope:read'] });
    await rotate();
    const old = await server.token(client, 'scope:read');
    await server.advance(3600);
    let feedToken = await server.token(client, 'revocation:read');
    const atServer: Fetch = (url, init) => fetch(url, init);
    const guard = createApiGuard({
      issuer: server.url,
      audience: server.url,
      now: server.now,
      fetch: atServer,
      revocations: {
        fetch: (url, init) => atServer(url, { ...init, headers: { authorization: `Bearer ${feedToken}` } }),
      },
    });
    const authorize = (text = old) =>
      guard.authorize(
        {
          method: 'GET',
          path: '/',
          authorization: `Bearer ${text}`,
          dpop: undefined,
          certificateThumbprint: undefined,
        },
        'scope:read',
      );
    try {
      await guard.start();
      expect((await authorize()).clientId).toBe(client.clientId);
      const fresh = await server.rootToken();
      await revoke(kidOf(old), fresh);
      await expect
        .poll(
          () =>
            authorize().then(
              () => 'accepted',
              ({ code }) => code,
            ),
          { timeout: 10_000, interval: 5 },
        )
        .toBe('invalid_token');
      await revoke(kidOf(fresh), fresh);
      feedToken = await server.token(client, 'revocation:read');
      const other = await server.token(client, 'scope:read');
      expect(kidOf(other)).not.toBe(kidOf(fresh));
      // Its clock stands still: the guard does not wait until it may look for unknown keys again.
      const outcome = () => authorize(other).then(({ clientId }) => clientId, String);
      await expect.poll(outcome, { timeout: 10_000, interval: 5 }).toBe(client.clientId);
    } finally {
      await guard.close();
    }
  });

  describe('with it what was exchanged for its tokens, although a later key signed that', () => {
    const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange';
    let client: Credentials;
    let old: string;
    let exchanged: string;
    beforeEach(async () => {
      client = await server.createClient({
        scopes: ['client:create', 'scope:read', 'revocation:read'],
        grant_types: ['client_credentials', grant_type],
      });
      old = await server.token(client);
      await rotate();
      await server.advance(3600);
      const { body } = await server.postForm('/api/v1/oauth/token', {
        ...{ client_id: client.clientId, client_secret: client.clientSecret, grant_type, subject_token: old },
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      });
      exchanged = body.access_token;
      expect(kidOf(exchanged)).not.toBe(kidOf(old));
      expect((await use(exchanged)).status).toBe(200);
    });

    test('by our own APIs, introspection, explanation and another exchange', async () => {
      const later = await server.rootToken();
      await revoke(kidOf(old), later);
      expect((await use(exchanged)).status).toBe(401);
      const credentials = { client_id: server.root.clientId, client_secret: server.root.clientSecret };
      const introspected = await server.postForm('/api/v1/oauth/introspect', { ...credentials, token: exchanged });
      expect(introspected.body).toEqual({ active: false });
      const explained = await server.call('POST', '/api/v1/oauth/explain', {
        token: later,
        body: { token: exchanged },
      });
      expect(JSON.stringify(explained.body)).toContain(`was signed with the key ${kidOf(old)}, which was revoked.`);
      const again = await server.postForm('/api/v1/oauth/token', {
        ...{ client_id: client.clientId, client_secret: client.clientSecret, grant_type, subject_token: exchanged },
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      });
      expect(again.status).toBe(400);
    });

    test('by the transaction of a change at a node that has not heard of it yet', async () => {
      const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
      try {
        await other.advance(3600);
        const create = (text: string) =>
          other.call('POST', '/api/v1/oauth/client', { token: text, body: { scopes: ['scope:read'] } });
        expect([(await create(old)).status, (await create(exchanged)).status]).toEqual([200, 200]);
        await revoke(kidOf(old), await server.rootToken());
        expect([(await create(old)).status, (await create(exchanged)).status]).toEqual([401, 401]);
      } finally {
        await other.close();
      }
    });
  });

  test('one that is unknown is not found', async () => {
    expect((await revoke('unknown')).status).toBe(404);
    await revoke(kidOf(token));
    const again = await revoke(kidOf(token), await server.rootToken());
    expect(again.status).toBe(404);
  });
});
