/** Calls with an Idempotency-Key: sent again, they answer the same and change nothing. Of the server and of this API. */
import { allowLocalDocuments, type Partner, startPartner } from '@postern/testing/partner';
import { type Answer, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyMigrations } from '../src/index.ts';
import { createCalls } from './changing-calls.ts';
import { hostPolicies } from './policy-server.ts';

let server: TestServer;
let partner: Partner;
let root: string;
const { calls } = createCalls(
  () => server,
  () => root,
  () => partner,
);
const hosted = { migrations: policyMigrations, apis: hostPolicies };

beforeAll(async () => {
  partner = await startPartner();
  server = await startTestServer({
    env: { POSTERN_REGISTRATION: 'initial_access_token', ...allowLocalDocuments },
    hosted,
  });
  root = await server.rootToken();
});
afterAll(async () => {
  await server.close();
  await partner.close();
});

let count = 0;
const newKey = () => {
  count += 1;
  return `key-${count}`;
};

async function send(method: string, path: string, body: unknown, key: string, token = root): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'idempotency-key': key,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

const lastEvent = async () =>
  (await server.db.selectFrom('event_head').select('sequence').executeTakeFirstOrThrow()).sequence;
const create = (body: unknown, key: string, token?: string) => send('POST', '/oauth/client', body, key, token);

// To revoke all tokens twice is to revoke that of the caller, which may not make the call again.
describe.each(Object.keys(calls).filter((name) => !name.endsWith('/revoke_all')))('%s', (name) => {
  test('sent again with the same key answers the same, and changes nothing', async () => {
    const { path, body } = (await calls[name]?.()) ?? { path: '' };
    const [method = ''] = name.split(' ');
    const key = newKey();
    const first = await send(method, path, body, key);
    expect([first.status < 300, first.body.failed ?? []]).toEqual([true, []]);
    const before = await lastEvent();
    const again = await send(method, path, body, key);
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(await lastEvent()).toBe(before);
  });
});

test('the secret of the first answer is in the second one, and is valid', async () => {
  const key = newKey();
  const first = await create({ name: 'again', scopes: ['policy:read'] }, key);
  const { body } = await create({ name: 'again', scopes: ['policy:read'] }, key);
  expect(body).toEqual(first.body);
  expect(await server.token({ clientId: body.client_id, clientSecret: body.client_secret })).toEqual(
    expect.any(String),
  );
});

test('ten that are sent at once create one', async () => {
  const key = newKey();
  const answers = await Promise.all(Array.from({ length: 10 }, () => create({ name: 'at once' }, key)));
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.client_id}`)).size).toBe(1);
  expect(await server.eventsAbout(answers[0]?.body.client_id)).toHaveLength(2);
});

test('the same key for another call is 422, and nothing is changed', async () => {
  const key = newKey();
  expect((await create({ name: 'one' }, key)).status).toBe(200);
  const before = await lastEvent();
  for (const answer of [
    await create({ name: 'two' }, key),
    await send('PUT', '/oauth/scope', { name: 'x:y', description: 'x' }, key),
  ]) {
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
    expect(answer.body.detail).toContain('Idempotency-Key');
  }
  expect(await lastEvent()).toBe(before);
});

test('the key of another client is another key', async () => {
  const key = newKey();
  const first = await create({}, key);
  const administrator = await server.createClient({ scopes: ['client:create'] });
  const second = await create({}, key, await server.token(administrator));
  expect(second.status).toBe(200);
  expect(second.body.client_id).not.toBe(first.body.client_id);
});

test('a call that was refused can be sent again with the same key', async () => {
  const key = newKey();
  const identifier = 'https://idempotent.example.com';
  const body = { key: 'idempotent', identifier, scopes: ['invoice:idempotent'] };
  expect((await send('PUT', '/oauth/resource', body, key)).status).toBe(422);
  await send('PUT', '/oauth/scope', { name: 'invoice:idempotent', description: 'x' }, newKey());
  expect((await send('PUT', '/oauth/resource', body, key)).status).toBe(200);
});

test('the answer is kept after a restart', async () => {
  const first = await startTestServer({ hosted });
  const at = async ({ url, rootToken }: TestServer) => {
    const response = await fetch(`${url}/api/v1/oauth/client`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await rootToken()}`, 'idempotency-key': 'kept' },
    });
    return response.json();
  };
  const before = await at(first);
  await first.app.close();
  const second = await startTestServer({ hosted, dataDir: first.dataDir, env: { POSTERN_ISSUER: first.url } });
  expect(await at(second)).toEqual(before);
  await second.close();
  await first.close();
});

test('neither the key nor the secret is in the database', async () => {
  const key = 'a-key-that-nobody-else-has';
  const { body } = await create({}, key);
  const rows = JSON.stringify(await server.rows('kept_answers'));
  expect(rows).not.toContain(key);
  expect(rows).not.toContain(body.client_secret);
  expect(rows).not.toContain(Buffer.from(body.client_secret).toString('base64url').slice(0, -2));
});

test('the answer is kept for a day, and then forgotten', async () => {
  const key = newKey();
  const { body: first } = await create({}, key);
  await server.advance(86_000);
  root = await server.rootToken();
  expect((await create({}, key)).body).toEqual(first);
  await server.advance(600);
  root = await server.rootToken();
  const { status, body } = await create({}, key);
  expect(status).toBe(200);
  expect(body.client_id).not.toBe(first.client_id);
});

test.each(['', 'a b', 'x'.repeat(256), 'ü'])('%j is no key: 400', async (key) => {
  const { status, body } = await create({}, key);
  expect([status, body.error]).toEqual([400, 'invalid_request']);
  expect(body.detail).toContain('Idempotency-Key');
});

test('for one client, only so many answers are kept, and the oldest are forgotten first', async () => {
  const administrator = await server.createClient({ scopes: ['client:create'] });
  const token = await server.token(administrator);
  const [oldest, newest] = [newKey(), newKey()];
  const first = await create({}, oldest, token);
  await server.advance(1);
  const row = { client_id: administrator.clientId, request: '', answer: '', bytes: 0 };
  for (let part = 0; part < 100; part += 1) {
    const expires_at = Math.ceil(server.now() / 1000) + 86_400;
    const rows = Array.from({ length: 100 }, (_, index) => ({ ...row, expires_at, id: `${part} ${index}` }));
    await server.db.insertInto('kept_answers').values(rows).execute();
  }
  await server.advance(1);
  const last = await create({}, newest, token);
  const kept = await server.db
    .selectFrom('kept_answers')
    .select('id')
    .where('client_id', '=', administrator.clientId)
    .execute();
  expect(kept.length).toBeLessThanOrEqual(10_000);
  expect((await create({}, newest, token)).body).toEqual(last.body);
  expect((await create({}, oldest, token)).body).not.toEqual(first.body);
});
