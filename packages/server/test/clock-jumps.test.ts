/** A clock that is wrong for a while: nothing that must be remembered is forgotten, and nobody is refused because of it. */
import { createHash, randomUUID } from 'node:crypto';
import { testDatabase } from '@postern/testing/test-database';
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { openInstallation, readConfig } from '../src/index.ts';

const day = 86_400;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

const statusOf = async (token: string) => (await server.call('GET', '/api/v1/oauth/scopes', { token })).status;

/** A revoked token, a used assertion and a used DPoP proof, and what becomes of them when they come again. */
async function useUp() {
  const keys = await generateKeyPair('ES256');
  const jwk = await exportJWK(keys.publicKey);
  const client = await server.createClient({ scopes: ['scope:read'] });
  const token = await server.token(client);
  const { clientId: client_id, clientSecret: client_secret } = client;
  expect((await server.postForm('/api/v1/oauth/revoke', { client_id, client_secret, token })).status).toBe(200);

  const { client_id: id } = (
    await server.call('POST', '/api/v1/oauth/client', {
      token: await server.rootToken(),
      body: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, scopes: ['scope:read'] },
    })
  ).body;
  const nowSeconds = Math.floor(server.now() / 1000);
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(server.url)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + 300)
    .sign(keys.privateKey);
  const authenticate = async () =>
    (
      await server.postForm('/api/v1/oauth/token', {
        grant_type: 'client_credentials',
        client_assertion_type: assertionType,
        client_assertion: assertion,
      })
    ).status;
  expect(await authenticate()).toBe(200);

  const sign = (claims: object) =>
    new SignJWT({ jti: randomUUID(), iat: nowSeconds, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(keys.privateKey);
  const bound = await server.postForm(
    '/api/v1/oauth/token',
    { grant_type: 'client_credentials', client_id, client_secret },
    { dpop: await sign({ htm: 'POST', htu: `${server.url}/api/v1/oauth/token` }) },
  );
  const dpopToken: string = bound.body.access_token;
  expect((claimsOf(dpopToken)['cnf'] as { jkt: string }).jkt).toBe(await calculateJwkThumbprint(jwk));
  const ath = createHash('sha256').update(dpopToken).digest('base64url');
  const proof = await sign({ htm: 'GET', htu: `${server.url}/api/v1/oauth/scopes`, ath });
  const call = async () =>
    (
      await fetch(`${server.url}/api/v1/oauth/scopes`, {
        headers: { authorization: `DPoP ${dpopToken}`, dpop: proof },
      })
    ).status;
  expect(await call()).toBe(200);
  return async () => [await statusOf(token), await authenticate(), await call()];
}

const refused = [401, 401, 401];

describe('a clock that was ahead for a minute', () => {
  test.each([
    ['an hour', 3_600],
    ['a month', 30 * day],
    ['years', 2_000 * day],
  ])('by %s does not make a revoked token, a used assertion or a used proof valid again', async (_, seconds) => {
    await server.advance(2 * 3_600);
    const again = await useUp();
    expect(await again()).toEqual(refused);
    server.jump(seconds);
    await server.advance(30);
    await server.advance(30);
    server.jump(-seconds);
    await server.advance(10);
    expect(await again()).toEqual(refused);
    const { body } = await server.call('GET', '/api/v1/oauth/revocations', { token: await server.rootToken() });
    expect(body.entries.some(({ type }: { type: string }) => type === 'token')).toBe(true);
  });

  test('from the start on does not either', async () => {
    server.jump(30 * day);
    await server.advance(60);
    server.jump(-30 * day);
    const again = await useUp();
    server.jump(30 * day);
    await server.advance(60);
    server.jump(-30 * day);
    expect(await again()).toEqual(refused);
  });

  test('does not delete the key of live tokens, nor statistics', async () => {
    const token = await server.rootToken();
    await server.call('POST', '/api/v1/oauth/key/rotate', { token, body: {} });
    await server.advance(2 * 3_600);
    const { clientId: client_id } = await server.createClient({ scopes: ['scope:read'] });
    const statistics = (await server.rows('token_statistics')).length;
    server.jump(1_000 * day);
    await server.advance(60);
    server.jump(-1_000 * day);
    expect([await statusOf(token), client_id.length > 0]).toEqual([200, true]);
    expect((await server.rows('token_statistics')).length).toBeGreaterThanOrEqual(statistics);
  });
});

test.runIf(inject('postgres') !== undefined)(
  'on PostgreSQL nothing is forgotten as long as its clock disagrees, however steady that of the node is',
  async () => {
    const again = await useUp();
    server.jump(30 * day);
    for (let hour = 0; hour < 3; hour += 1) {
      await server.advance(3_600);
    }
    server.jump(-30 * day - 3 * 3_600);
    expect(await again()).toEqual(refused);
  },
);

test('the clock of PostgreSQL is read, and a file has none', async () => {
  const { env } = await testDatabase(server.dataDir);
  const { db, driver } = await openInstallation(
    readConfig({ POSTERN_DATA_DIR: server.dataDir, POSTERN_ISSUER: server.url, ...env }),
  );
  const time = await driver.readTime(db);
  await db.destroy();
  if (inject('postgres') === undefined) {
    expect(time).toBeUndefined();
  } else {
    expect(Math.abs((time ?? 0) - Date.now())).toBeLessThan(60_000);
  }
});

test('what has expired is forgotten a day later, when the clock has been steady', async () => {
  await useUp();
  await server.advance(9 * day);
  await server.advance(60);
  expect([await server.rows('revoked_tokens'), await server.rows('used_tokens')]).toEqual([[], []]);
});

test.each([-3_600, 120, 3_600])(
  'a clock that jumps by %d seconds refuses no live token and leaves the node ready',
  async (seconds) => {
    const short = await startTestServer({ env: { POSTERN_MAX_STALENESS_SECONDS: '30' } });
    try {
      const token = await short.token(await short.createClient({ scopes: ['scope:read'] }));
      short.jump(seconds);
      const { status, body } = await short.call('GET', '/health/ready');
      expect([status, body.status]).toEqual([200, 'ok']);
      expect((await short.call('GET', '/api/v1/oauth/scopes', { token })).status).toBe(200);
    } finally {
      await short.close();
    }
  },
);
