/** Signing keys have one successor at a time, and can be deleted: what never signed goes, what signed is revoked with its tokens. */
import { createApiGuard, type Fetch } from '@postern/guard';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
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
const remove = (kid: string) => server.call('DELETE', `${keyPath}/${kid}`, { token });
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
    expect(again.headers.get('retry-after')).toBe('500');
    expect(await publishedKids()).toHaveLength(2);
    await server.advance(500);
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
    await server.advance(600);
    const answers = await Promise.all(
      ['ES256', 'EdDSA'].map((alg) => server.call('POST', rotatePath, { token, body: { alg } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('a key is deleted', () => {
  test('one that waits: it goes at once, and the key before it continues', async () => {
    const { body: next } = await rotate();
    expect((await remove(next.kid)).status).toBe(204);
    expect(await publishedKids()).toEqual([kidOf(token)]);
    const { items } = (await server.call('GET', keyPath, { token })).body;
    expect(items).toMatchObject([{ status: 'signing', signs_until: null, verifies_until: null }]);
    expect(await server.eventsAbout(next.kid)).toMatchObject([{ kind: 'key.created' }, { kind: 'key.deleted' }]);
    await server.advance(600);
    expect(kidOf(await server.rootToken())).toBe(kidOf(token));
    expect((await use(token)).status).toBe(200);
    expect((await rotate()).status).toBe(200);
  });

  test('one that signed earlier: it is no longer published, and its tokens are refused', async () => {
    await rotate();
    await server.advance(600);
    const later = await server.rootToken();
    expect((await use(token)).status).toBe(200);
    expect((await server.call('DELETE', `${keyPath}/${kidOf(token)}`, { token: later })).status).toBe(204);
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
    expect((await remove(kidOf(token))).status).toBe(204);
    const fresh = await server.rootToken();
    expect(kidOf(fresh)).not.toBe(kidOf(token));
    expect(await publishedKids()).toEqual([kidOf(fresh)]);
    expect([next ?? kidOf(fresh)]).toEqual([kidOf(fresh)]);
    expect((await use(token)).status).toBe(401);
    expect((await use(fresh)).status).toBe(200);
    await server.advance(700);
    expect(kidOf(await server.rootToken())).toBe(kidOf(fresh));
  });

  test('another node refuses its tokens as soon as it has heard of it', async () => {
    const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      expect((await use(token, other)).status).toBe(200);
      await remove(kidOf(token));
      await other.advance(0);
      expect((await use(token, other)).status).toBe(401);
      expect((await use(await other.rootToken(), server)).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  test('a guard that follows the revocations refuses its tokens at once, also those that it accepted before', async () => {
    const client = await server.createClient({ scopes: ['revocation:read', 'scope:read'] });
    await rotate();
    const old = await server.token(client, 'scope:read');
    await server.advance(600);
    const feedToken = await server.token(client, 'revocation:read');
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
    const authorize = () =>
      guard.authorize(
        {
          method: 'GET',
          path: '/',
          authorization: `Bearer ${old}`,
          dpop: undefined,
          certificateThumbprint: undefined,
        },
        'scope:read',
      );
    try {
      await guard.start();
      expect((await authorize()).clientId).toBe(client.clientId);
      const fresh = await server.rootToken();
      await server.call('DELETE', `${keyPath}/${kidOf(old)}`, { token: fresh });
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
    } finally {
      await guard.close();
    }
  });

  test('one that is unknown is not found', async () => {
    expect((await remove('unknown')).status).toBe(404);
    await remove(kidOf(token));
    token = await server.rootToken();
    expect((await remove('unknown')).status).toBe(404);
  });
});
