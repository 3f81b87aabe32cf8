/** Clients that publish their keys: `jwks_uri` of RFC 7591 §2, its cache, and rotation at the client. */

import { allowLocalFetches, type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let server: TestServer;
let other: DocumentServer;
let first: KeyPair;
let second: KeyPair;
let path: string;
let clientId: string;
let count = 0;

beforeAll(async () => {
  other = await startHttpsServer();
  server = await startTestServer({ env: allowLocalFetches });
  [first, second] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
});
afterAll(async () => {
  await server.close();
  await other.close();
});

beforeEach(async () => {
  count += 1;
  path = `/jwks-${count}`;
  await publish({ one: first });
  clientId = await createClient(`${other.url}${path}`);
});
afterEach(() => {
  vi.useRealTimers();
});

async function createClient(jwksUri: string): Promise<string> {
  const created = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: { scopes: ['policy:read'], token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwksUri },
  });
  return created.body.client_id;
}

async function publish(pairs: Record<string, KeyPair>): Promise<void> {
  const keys = Object.entries(pairs).map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid }));
  other.documents.set(path, { keys: await Promise.all(keys) });
}

async function ask(kid: string, { privateKey }: KeyPair): Promise<number> {
  count += 1;
  const nowSeconds = Math.floor(server.now() / 1000);
  const assertion = await new SignJWT({ jti: `id ${count}` })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(server.url)
    .setExpirationTime(nowSeconds + 60)
    .sign(privateKey);
  const { status, body } = await server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  expect(status === 200 || body.error === 'invalid_client').toBe(true);
  return status;
}

/** The cache of keys goes by the clock of the machine. */
function passSeconds(seconds: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1000 });
}

test('RFC 7591 §2 the keys at jwks_uri authenticate a client, and are fetched once', async () => {
  expect(await Promise.all([ask('one', first), ask('one', first), ask('one', first)])).toEqual([200, 200, 200]);
  expect(await ask('one', first)).toBe(200);
  expect(other.hits(path)).toBe(1);
  expect(await ask('one', second)).toBe(401);
});

test('RFC 7591 §2 a client rotates its keys: the new one is found once the cooldown is over', async () => {
  expect(await ask('one', first)).toBe(200);
  await publish({ one: first, two: second });
  expect(await ask('two', second)).toBe(401);
  expect(other.hits(path)).toBe(1);
  passSeconds(31);
  expect(await ask('two', second)).toBe(200);
  expect(await ask('one', first)).toBe(200);
  expect(other.hits(path)).toBe(2);
});

test('keys that nobody has do not make Postern ask again and again', async () => {
  expect(await ask('one', first)).toBe(200);
  passSeconds(31);
  expect(await Promise.all(Array.from({ length: 20 }, () => ask('nobody', second)))).toEqual(Array(20).fill(401));
  expect(await ask('nobody', second)).toBe(401);
  expect(other.hits(path)).toBe(2);
});

test('a key that the client withdrew ends when the document is fetched again', async () => {
  expect(await ask('one', first)).toBe(200);
  await publish({ two: second });
  expect(await ask('one', first)).toBe(200);
  passSeconds(301);
  expect(await ask('one', first)).toBe(401);
  expect(await ask('two', second)).toBe(200);
});

test('unavailable keys authenticate nobody, until they are available', async () => {
  const bad = [{}, { keys: 'none' }, [], { keys: [{ kty: 'oct', k: 'AAAA', kid: 'one' }] }];
  for (const [index, document] of bad.entries()) {
    other.documents.set(`${path}-bad-${index}`, document);
    clientId = await createClient(`${other.url}${path}-bad-${index}`);
    expect(await ask('one', first)).toBe(401);
  }
  clientId = await createClient(`${other.url}${path}-later`);
  expect(await ask('one', first)).toBe(401);
  other.documents.set(`${path}-later`, other.documents.get(path) as object);
  expect(await ask('one', first)).toBe(200);
});

test('RFC 9700 §4.18 keys are not fetched from where Postern alone can reach', async () => {
  const guarded = await startTestServer();
  const created = await guarded.call('POST', '/api/v1/oauth/client', {
    token: await guarded.rootToken(),
    body: { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `${other.url}${path}` },
  });
  const assertion = await new SignJWT({ jti: 'x', iss: created.body.client_id, sub: created.body.client_id })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setAudience(guarded.url)
    .setExpirationTime(Math.floor(guarded.now() / 1000) + 60)
    .sign(first.privateKey);
  const { status, body } = await guarded.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  expect([status, body.error]).toEqual([401, 'invalid_client']);
  expect(guarded.log.some((line) => line.includes('"reason":"keys_unavailable"'))).toBe(true);
  expect(other.hits(path)).toBe(0);
  await guarded.close();
});
