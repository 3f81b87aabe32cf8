/** Clients that publish their keys: `jwks_uri` of RFC 7591 §2, its cache, and rotation at the client. */

import { allowLocalFetches, type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

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

async function ask(kid: string | undefined, { privateKey }: KeyPair): Promise<number> {
  count += 1;
  const nowSeconds = Math.floor(server.now() / 1000);
  const assertion = await new SignJWT({ jti: `id ${count}` })
    .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(server.url)
    .setExpirationTime(nowSeconds + 60)
    .sign(privateKey);
  const { status, body, headers } = await server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  expect(body.error).toBe({ 200: undefined, 401: 'invalid_client', 503: 'temporarily_unavailable' }[status]);
  expect(headers.get('retry-after')).toBe(status === 503 ? '5' : null);
  return status;
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
  await server.advance(31);
  expect(await ask('two', second)).toBe(200);
  expect(await ask('one', first)).toBe(200);
  expect(other.hits(path)).toBe(2);
});

test('keys that nobody has do not make Postern ask again and again', async () => {
  expect(await ask('one', first)).toBe(200);
  await server.advance(31);
  expect(await Promise.all(Array.from({ length: 20 }, () => ask('nobody', second)))).toEqual(Array(20).fill(401));
  expect(await ask('nobody', second)).toBe(401);
  expect(other.hits(path)).toBe(2);
});

test('a key that the client withdrew ends when the document is fetched again', async () => {
  expect(await ask('one', first)).toBe(200);
  await publish({ two: second });
  expect(await ask('one', first)).toBe(200);
  await server.advance(301);
  expect(await ask('one', first)).toBe(401);
  expect(await ask('two', second)).toBe(200);
});

test('keys that cannot be had authenticate nobody and refuse nobody: 503 until they are there', async () => {
  const bad = [{}, { keys: 'none' }, []];
  for (const [index, document] of bad.entries()) {
    other.documents.set(`${path}-bad-${index}`, document);
    clientId = await createClient(`${other.url}${path}-bad-${index}`);
    expect(await ask('one', first)).toBe(503);
  }
  clientId = await createClient(`${other.url}${path}-later`);
  expect(await ask('one', first)).toBe(503);
  other.documents.set(`${path}-later`, other.documents.get(path) as object);
  await server.advance(5);
  expect(await ask('one', first)).toBe(200);
});

test('a set without a fit key has been judged: it authenticates nobody', async () => {
  other.documents.set(path, { keys: [{ kty: 'oct', k: 'AAAA', kid: 'one' }] });
  expect(await ask('one', first)).toBe(401);
});

describe('while the address is down', () => {
  const down = () => void other.documents.set(path, (_request, response) => void response.destroy());

  test('known keys are good for an hour, and forged signatures are refused', async () => {
    expect(await ask('one', first)).toBe(200);
    down();
    await server.advance(301);
    expect([await ask('one', first), await ask('one', second)]).toEqual([200, 401]);
    await server.advance(3_590);
    expect(await ask('one', first)).toBe(200);
    await server.advance(20);
    expect(await ask('one', first)).toBe(503);
    await publish({ one: first });
    await server.advance(5);
    expect([await ask('one', first), await ask('one', second)]).toEqual([200, 401]);
  });

  test('an unknown key, and a signature without kid by no key that is known, can be neither accepted nor refused', async () => {
    expect(await ask('one', first)).toBe(200);
    down();
    await server.advance(31);
    expect(await ask('two', second)).toBe(503);
    expect(await ask(undefined, second)).toBe(503);
    expect(await ask(undefined, first)).toBe(200);
    await publish({ one: first, two: second });
    await server.advance(5);
    expect([await ask('two', second), await ask('nobody', second)]).toEqual([200, 401]);
  });

  test('nothing counts as a failed authentication, so that the client is served as soon as its keys are back', async () => {
    down();
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => ask('one', first))))).toEqual(new Set([503]));
    await publish({ one: first });
    await server.advance(5);
    expect(await ask('one', second)).toBe(401);
    expect(await ask('one', first)).toBe(200);
  });

  test('the log names the address and why, once, and says when it works again; a metric counts the attempts', async () => {
    const lines = () => server.log.filter((line) => line.includes(`${path}"`) && line.includes('"address"'));
    const failures = async () =>
      Number(/^postern_key_fetch_failures_total (\d+)$/m.exec((await server.call('GET', '/metrics')).body)?.[1]);
    const before = await failures();
    other.documents.delete(path);
    expect(await ask('one', first)).toBe(503);
    await server.advance(5);
    expect(await ask('one', first)).toBe(503);
    expect((await failures()) - before).toBe(2);
    expect(lines().map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, address: `${other.url}${path}`, fault: `status 404 from ${other.url}${path}` },
    ]);
    const failed = JSON.parse(server.log.findLast((line) => line.includes('request failed')) ?? '{}');
    expect(failed).toMatchObject({ code: 'temporarily_unavailable', reason: 'keys_unavailable' });
    expect(failed.cause).toBe(`Cannot fetch the keys at ${other.url}${path}: status 404 from ${other.url}${path}`);
    await publish({ one: first });
    await server.advance(5);
    expect(await ask('one', first)).toBe(200);
    expect(lines().map((line) => JSON.parse(line).msg)).toEqual([
      expect.stringContaining('cannot fetch the keys'),
      expect.stringContaining('can be fetched again'),
    ]);
  });
});

test('an address that POSTERN_OUTBOUND_HOSTS does not name is refused when it is written, wherever that is', async () => {
  const listed = await startTestServer({
    env: { POSTERN_OUTBOUND_HOSTS: 'keys.example.com', POSTERN_REGISTRATION: 'initial_access_token' },
  });
  const token = await listed.rootToken();
  const call = (method: string, url: string, body: object, by = token) =>
    listed.call(method, `/api/v1/oauth/${url}`, { token: by, body });
  const keysAt = (host: string) => ({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: `https://${host}/jwks`,
  });
  const issuer = (issuer: string, jwks_uri?: string) => ({ key: 'ci', issuer, jwks_uri, rules: [] });
  try {
    const { body } = await call('POST', 'client', keysAt('keys.example.com'));
    expect(body.client_id).toBeDefined();
    const initial = (await call('POST', 'initial-access-token', { scopes: ['policy:read'] })).body;
    const register = (host: string) => call('POST', 'register', keysAt(host), initial.initial_access_token);
    const refused = [
      await call('POST', 'client', keysAt('evil.example.com')),
      await call('PATCH', `client/${body.client_id}`, keysAt('evil.example.com')),
      await call('PUT', 'issuer', issuer('https://ci.example.com', 'https://evil.example.com/jwks')),
      await call('PUT', 'issuer', issuer('https://ci.example.com')),
      await register('evil.example.com'),
    ];
    expect(refused.map(({ status, body }) => [status, body.detail.split(':')[0]])).toEqual([
      [422, 'jwks_uri'],
      [422, 'jwks_uri'],
      [422, 'jwks_uri'],
      [422, 'issuer'],
      [400, 'jwks_uri'],
    ]);
    for (const { body } of refused) {
      expect(body.detail).toContain('until its operator adds it to POSTERN_OUTBOUND_HOSTS');
    }
    expect((await call('PUT', 'issuer', issuer('https://ci.example.com', 'https://keys.example.com/ci'))).status).toBe(
      200,
    );
    expect((await call('PATCH', `client/${body.client_id}`, { name: 'renamed' })).status).toBe(200);
  } finally {
    await listed.close();
  }
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
  expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
  expect(guarded.log.some((line) => line.includes('"reason":"keys_unavailable"'))).toBe(true);
  expect(other.hits(path)).toBe(0);
  await guarded.close();
});
