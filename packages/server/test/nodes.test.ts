/** Several nodes on one database: what is changed on one holds on all, and what they log is one chain. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDatabase } from '@postern/testing/test-database';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import bcrypt from 'bcrypt';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { hashEvent } from '../src/events/event.ts';

const clientPath = '/api/v1/oauth/client';
const issuer = 'https://auth.example.com';

let dataDir: string;
let a: TestServer;
let b: TestServer;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'postern-nodes-'));
  const options = { dataDir, env: { POSTERN_ISSUER: issuer, POSTERN_MAX_STALENESS_SECONDS: '30' } };
  await testDatabase(dataDir, { isEmpty: true });
  // At once, and the first to use the database.
  [a, b] = await Promise.all([startTestServer(options), startTestServer(options)]);
});
afterAll(async () => {
  await Promise.all([a.close(), b.close()]);
  rmSync(dataDir, { recursive: true });
  await (await testDatabase(dataDir)).drop();
});

const asRoot = async (server: TestServer, method: string, path: string, body?: unknown) =>
  server.call(method, path, { token: await server.rootToken(), ...(body !== undefined && { body }) });
const statusOn = async (server: TestServer, token: string) =>
  (await server.call('GET', '/api/v1/oauth/scope', { token })).status;
const kidsOf = async (server: TestServer) =>
  (await server.call('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid);

describe('two nodes that start at once on an empty database', () => {
  test('share one key, and accept each other’s tokens', async () => {
    expect(await kidsOf(a)).toEqual(await kidsOf(b));
    expect(await statusOn(a, await b.rootToken())).toBe(200);
    expect(await statusOn(b, await a.rootToken())).toBe(200);
  });
});

test('batches that are sent to both at once with one Idempotency-Key answer the same, also if they change nothing', async () => {
  const token = await a.rootToken();
  const operations = [{ method: 'PUT', path: '/api/v1/oauth/scope', body: [{ name: 'same:same', description: 'x' }] }];
  const send = async ({ url }: TestServer, key: string) => {
    const response = await fetch(`${url}/api/v1/batch`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'idempotency-key': key,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ operations }),
    });
    return `${response.status} ${await response.text()}`;
  };
  for (const key of ['changes', 'changes-nothing', 'changes-nothing-again']) {
    const answers = await Promise.all([a, b, a, b].map((node) => send(node, key)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^200 /);
  }
});

describe('a credential that one node was told of is right on the other, before that has followed the log', () => {
  test('a new secret', async () => {
    const client = await a.createClient(['scope:read']);
    await b.token(client);
    const { body } = await asRoot(a, 'POST', `${clientPath}/${client.clientId}/secret`, {});
    expect(await statusOn(b, await b.token({ ...client, clientSecret: body.client_secret }))).toBe(200);
    await expect(b.token({ ...client, clientSecret: 'wrong' })).rejects.toThrow('invalid_client');
  });

  test('a secret of a client that was disabled, and is not any more', async () => {
    const client = await a.createClient(['scope:read']);
    await b.token(client);
    const enable = (enabled: boolean) => asRoot(a, 'PATCH', `${clientPath}/${client.clientId}`, { enabled });
    await enable(false);
    await b.advance(0);
    await expect(b.token(client)).rejects.toThrow('invalid_client');
    await enable(true);
    expect(await statusOn(a, await b.token(client))).toBe(200);
  });
});

describe('a change on one node holds on the other, when that has followed the log', () => {
  const changes: [name: string, change: (client: Credentials, token: string) => Promise<{ status: number }>][] = [
    [
      'a revoked token',
      ({ clientId, clientSecret }, token) =>
        a.postForm('/api/v1/oauth/revoke', { client_id: clientId, client_secret: clientSecret, token }),
    ],
    ['all tokens revoked', ({ clientId }) => asRoot(a, 'POST', `${clientPath}/${clientId}/revoke`)],
    ['a client disabled', ({ clientId }) => asRoot(a, 'PATCH', `${clientPath}/${clientId}`, { enabled: false })],
    ['a scope taken', ({ clientId }) => asRoot(a, 'PUT', `${clientPath}/${clientId}/scope`, ['policy:read'])],
    ['a client deleted', ({ clientId }) => asRoot(a, 'DELETE', `${clientPath}/${clientId}`)],
  ];
  test.each(changes)('%s', async (_, change) => {
    const client = await a.createClient(['scope:read', 'policy:read']);
    const token = await b.token(client);
    expect(await statusOn(b, token)).toBe(200);
    expect((await change(client, token)).status).toBeLessThan(300);
    expect(await statusOn(a, token)).toBe(401);
    await b.advance(0);
    expect(await statusOn(b, token)).toBe(401);
  });

  test('a deleted secret', async () => {
    const client = await a.createClient(['scope:read']);
    await b.token(client);
    const secrets = `${clientPath}/${client.clientId}/secret`;
    const [{ secret_id }] = (await asRoot(a, 'GET', secrets)).body.items;
    await asRoot(a, 'POST', secrets, {});
    expect((await asRoot(a, 'DELETE', `${secrets}/${secret_id}`)).status).toBe(204);
    await b.advance(0);
    await expect(b.token(client)).rejects.toThrow('invalid_client');
  });

  test('a resource, a type of authorization details, and a key', async () => {
    const resource = { key: 'orders', identifier: 'https://orders.example.com', scopes: ['policy:read'] };
    expect((await asRoot(a, 'PUT', '/api/v1/oauth/resource', resource)).status).toBe(200);
    const type = { type: 'payment', schema: { type: 'object' } };
    expect((await asRoot(a, 'PUT', '/api/v1/oauth/authorization-details-type', type)).status).toBe(200);
    // The first key may come from the other node, whose clock is a little ahead.
    await a.advance(1);
    expect((await asRoot(a, 'POST', '/api/v1/oauth/key/rotate', {})).status).toBe(200);
    await b.advance(0);
    const list = (await asRoot(b, 'GET', '/api/v1/oauth/resource')).body;
    expect(JSON.stringify(list)).toContain('https://orders.example.com');
    expect((await asRoot(b, 'GET', '/api/v1/oauth/authorization-details-type/payment')).status).toBe(200);
    expect(await kidsOf(b)).toEqual(await kidsOf(a));
    expect(await kidsOf(b)).toHaveLength(2);
  });

  test.runIf(inject('postgres') !== undefined)('by itself, where the database tells', async () => {
    const client = await a.createClient(['scope:read']);
    const token = await b.token(client);
    await asRoot(a, 'DELETE', `${clientPath}/${client.clientId}`);
    await vi.waitFor(async () => expect(await statusOn(b, token)).toBe(401), { timeout: 10_000, interval: 5 });
  });
});

test('a secret that moved here is accepted on a node that has not heard of it', async () => {
  const clientSecret = randomBytes(24).toString('base64url');
  const body = { client_secret_digest: bcrypt.hashSync(clientSecret, 4), scopes: ['scope:read'] };
  const { client_id: clientId } = (await asRoot(a, 'POST', clientPath, body)).body;
  expect(await statusOn(b, await b.token({ clientId, clientSecret }))).toBe(200);
});

describe('a change checks its token in its own transaction, whatever its node has heard', () => {
  const scopes = ['client:create', 'resource:create_or_update', 'scope:create_or_update', 'issuer:create_or_update'];
  const stops: [
    name: string,
    times: number,
    stop: (client: Credentials, token: string) => Promise<{ status: number }>,
  ][] = [
    [
      'a revoked token',
      20,
      ({ clientId, clientSecret }, token) =>
        a.postForm('/api/v1/oauth/revoke', { client_id: clientId, client_secret: clientSecret, token }),
    ],
    ['a deleted client', 10, ({ clientId }) => asRoot(a, 'DELETE', `${clientPath}/${clientId}`)],
    ['a disabled client', 5, ({ clientId }) => asRoot(a, 'PATCH', `${clientPath}/${clientId}`, { enabled: false })],
    ['a raised generation', 5, ({ clientId }) => asRoot(a, 'POST', `${clientPath}/${clientId}/revoke`)],
    ['withdrawn scopes', 5, ({ clientId }) => asRoot(a, 'PUT', `${clientPath}/${clientId}/scope`, ['policy:read'])],
  ];
  const calls = (index: number): [method: string, path: string, body: object][] => [
    ['POST', clientPath, {}],
    ['PUT', '/api/v1/oauth/resource', { key: `r${index}`, identifier: `https://r${index}.example`, scopes: [] }],
    ['PUT', '/api/v1/oauth/scope', { name: `thing${index}:read`, description: 'Read things' }],
  ];

  test.each(stops)('%s: every change on the other node is refused, %d times', async (_name, times, stop) => {
    const refused: number[] = [];
    const actors: string[] = [];
    for (let index = 0; index < times; index += 1) {
      const client = await a.createClient({ scopes });
      await b.advance(0);
      const token = await b.token(client);
      expect((await stop(client, token)).status).toBeLessThan(300);
      actors.push(client.clientId);
      const answers = await Promise.all(
        calls(index).map(([method, path, body]) => b.call(method, path, { token, body })),
      );
      refused.push(
        ...answers.filter(({ status, body }) => status === 401 && body.error === 'invalid_token').map(() => index),
      );
    }
    expect(refused).toHaveLength(3 * times);
    const events = await a.db.selectFrom('events').select('kind').where('actor', 'in', actors).execute();
    expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'token.revoked')).toEqual([]);
  });
});

test('changes on both nodes at once make one chain, in the order in which they were committed', async () => {
  const [rootOfA, rootOfB] = await Promise.all([a.rootToken(), b.rootToken()]);
  const make = (server: TestServer, token: string) => server.call('POST', clientPath, { token, body: {} });
  const made = await Promise.all(
    Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? make(a, rootOfA) : make(b, rootOfB))),
  );
  expect(made.every(({ status }) => status === 200)).toBe(true);
  const head = await a.db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
  const events = await b.db.selectFrom('events').selectAll().orderBy('sequence').execute();
  let hash = head.log_id;
  for (const [index, { occurred_at, ...event }] of events.entries()) {
    hash = hashEvent(hash, { ...event, occurredAt: Date.parse(occurred_at) } as Parameters<typeof hashEvent>[1]);
    expect([event.sequence, event.hash]).toEqual([index + 1, hash]);
  }
  expect([head.sequence, head.hash]).toEqual([events.length, hash]);
});

test('of fifty equal assertions at once on two nodes exactly one passes, and of fifty proofs', async () => {
  const keys = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(keys.publicKey);
  const { client_id: clientId } = (
    await asRoot(a, 'POST', clientPath, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } })
  ).body;
  const now = Math.floor(a.now() / 1000);
  const assertion = await new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: issuer,
    jti: 'once',
    iat: now,
    exp: now + 60,
  })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(keys.privateKey);
  const statuses = await fiftyTimes({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 401)).toHaveLength(49);

  const { clientId: id, clientSecret } = await a.createClient({});
  const proof = await new SignJWT({ htm: 'POST', htu: `${issuer}/api/v1/oauth/token`, jti: 'once', iat: now })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .sign(keys.privateKey);
  const form = { grant_type: 'client_credentials', client_id: id, client_secret: clientSecret };
  const proofs = await fiftyTimes(form, { dpop: proof });
  expect(proofs.filter((status) => status === 200)).toHaveLength(1);
  expect(proofs.filter((status) => status === 400)).toHaveLength(49);
});

/** The statuses of fifty equal token requests, half of them to each node. */
const fiftyTimes = (form: Record<string, string>, headers?: Record<string, string>): Promise<number[]> =>
  Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const node = index % 2 === 0 ? a : b;
      return (await node.postForm('/api/v1/oauth/token', form, headers)).status;
    }),
  );

describe('a node that cannot follow', () => {
  test('continues for a while and reports it, then refuses, and recovers without a restart', async () => {
    const client = await a.createClient(['scope:read']);
    // What the node keeps of the client stays in its memory only if it has heard of the client before.
    await b.advance(0);
    const token = await b.token(client);
    const ready = async () => (await b.call('GET', '/health/ready')).body;
    expect(await ready()).toMatchObject({ status: 'ok', lag_seconds: 0 });

    await sql`alter table events rename to events_elsewhere`.execute(a.db);
    await b.advance(20);
    expect(await ready()).toMatchObject({ status: 'degraded', lag_seconds: 20 });
    expect(await statusOn(b, token)).toBe(200);
    expect(claimsOf(await b.token(client))['client_id']).toBe(client.clientId);

    await b.advance(11);
    for (const answer of [
      await b.call('GET', '/health/ready'),
      await b.call('GET', '/api/v1/oauth/scope', { token }),
      await b.postForm('/api/v1/oauth/token', {
        grant_type: 'client_credentials',
        client_id: client.clientId,
        client_secret: client.clientSecret,
      }),
    ]) {
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    expect((await b.call('GET', '/health')).status).toBe(200);

    await sql`alter table events_elsewhere rename to events`.execute(a.db);
    await b.advance(0);
    expect(await ready()).toMatchObject({ status: 'ok', lag_seconds: 0 });
    expect(await statusOn(b, token)).toBe(200);
    const told = b.log.map((line) => JSON.parse(line).msg).filter((text) => /^(cannot follow|following)/.test(text));
    expect(told).toEqual(['cannot follow the changes of other nodes', 'following the changes of other nodes again']);
  });
});
