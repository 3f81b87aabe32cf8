/** Signing keys over HTTP: published first, signing later, verifying until the last token has expired. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ env: { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '60' } });
});
afterAll(() => server.close());

const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const publishedKids = async () =>
  (await server.call('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid);

test('a rotation publishes the next key, lets it sign when caches know it, and drops the old one in the end', async () => {
  const before = await server.rootToken();
  const old = kidOf(before);
  expect(await publishedKids()).toEqual([old]);

  const { status, body: next } = await server.call('POST', '/api/v1/oauth/key/rotate', { token: before, body: {} });
  expect([status, next.status, next.alg]).toEqual([200, 'next', 'ES256']);
  expect(await publishedKids()).toEqual([old, next.kid]);
  expect(kidOf(await server.rootToken())).toBe(old);

  await server.advance(3599);
  const last = await server.rootToken();
  expect(kidOf(last)).toBe(old);
  await server.advance(1);
  expect(kidOf(await server.rootToken())).toBe(next.kid);
  expect((await server.call('GET', '/api/v1/oauth/scope', { token: last })).status).toBe(200);

  const listed = await server.call('GET', '/api/v1/oauth/key', { token: last });
  expect(listed.body).toMatchObject({ total: 2, items: [{ status: 'retired' }, { status: 'signing', kid: next.kid }] });

  await server.advance(3598);
  expect((await server.call('GET', '/api/v1/oauth/scope', { token: last })).status).toBe(200);
  expect(await publishedKids()).toEqual([old, next.kid]);
  await server.advance(2);
  expect(await publishedKids()).toEqual([next.kid]);
});

test('a longer lifetime of one client keeps the old key for as long', async () => {
  const client = await server.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 86_400 });
  const long = await server.token(client);
  await server.call('PATCH', `/api/v1/oauth/client/${client.clientId}`, {
    token: await server.rootToken(),
    body: { access_token_ttl_seconds: null },
  });
  await server.call('POST', '/api/v1/oauth/key/rotate', { token: await server.rootToken(), body: {} });
  await server.advance(86_399);
  expect((await server.call('GET', '/api/v1/oauth/scope', { token: long })).status).toBe(200);
  expect(await publishedKids()).toContain(kidOf(long));
});

test('the schedule rotates by itself, and tokens are issued and verified without a gap', async () => {
  const kids = new Set<string | undefined>();
  for (let day = 0; day < 200; day += 5) {
    await server.advance(5 * 86_400);
    const jwks: JSONWebKeySet = (await server.call('GET', '/.well-known/jwks.json')).body;
    await server.advance(300);
    const token = await server.rootToken();
    kids.add(kidOf(token));
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), { currentDate: new Date(server.now()) });
    expect(payload.iss).toBe(server.url);
  }
  expect(kids.size).toBe(3);
});

test('a change of the algorithm is a rotation', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'postern-keys-'));
  await (await startTestServer({ dataDir })).close();
  const changed = await startTestServer({ dataDir, env: { POSTERN_SIGNING_ALGORITHM: 'EdDSA' } });
  try {
    expect(decodeProtectedHeader(await changed.rootToken()).alg).toBe('ES256');
    await changed.advance(3600);
    const token = await changed.rootToken();
    expect(decodeProtectedHeader(token).alg).toBe('EdDSA');
    expect((await changed.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(200);
  } finally {
    await changed.close();
    rmSync(dataDir, { recursive: true });
  }
});

test.each(['EdDSA', 'RS256', 'PS256'])('%s signs from the start where it is set', async (alg) => {
  const other = await startTestServer({ env: { POSTERN_SIGNING_ALGORITHM: alg } });
  try {
    const token = await other.rootToken();
    const jwks: JSONWebKeySet = (await other.call('GET', '/.well-known/jwks.json')).body;
    expect((await jwtVerify(token, createLocalJWKSet(jwks), { algorithms: [alg] })).protectedHeader.alg).toBe(alg);
    expect((await other.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(200);
  } finally {
    await other.close();
  }
});

test('a clock that is set back behind the first key stops nothing', async () => {
  const corrected = await startTestServer();
  try {
    await corrected.advance(-3_600);
    const token = await corrected.rootToken();
    expect((await corrected.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(200);
  } finally {
    await corrected.close();
  }
});
