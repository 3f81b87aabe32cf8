/** Clients whose id somebody chose: who may, and that nothing of an earlier client of the same id comes back to life. */

import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const path = '/api/v1/oauth/client';
const create = (body: object, token = root) => server.call('POST', path, { token, body });
const credentialsOf = ({ client_id: clientId, client_secret: clientSecret }: Record<string, string>) =>
  ({ clientId, clientSecret }) as Credentials;

async function createAs(id: string, more: object = {}): Promise<Credentials> {
  const { status, body } = await create({ client_id: id, ...more });
  expect(status).toBe(200);
  return credentialsOf(body);
}

test('a client gets the id that was chosen, and tokens by it', async () => {
  const credentials = await createAs('billing-eu_1', { name: 'Billing', scopes: ['scope:read'] });
  expect(credentials.clientId).toBe('billing-eu_1');
  const token = await server.token(credentials);
  expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(200);
  const { body } = await server.call('GET', `${path}/billing-eu_1`, { token: root });
  expect(body).toMatchObject({ client_id: 'billing-eu_1', name: 'Billing', scopes: ['scope:read'] });
});

test.each([
  'a.b',
  'urn:example:reports',
  'reports@example.com',
  'https://reports.example.com/a/b',
  'a//b/',
  '/',
  '~a',
  ':',
  '@',
])('the id %j of another server works in the form, in Basic, in paths and in tokens', async (id) => {
  const credentials = await createAs(id, { scopes: ['client:read'] });
  const tokens = [await server.token(credentials)];
  for (const encode of [encodeURIComponent, (text: string) => encodeURIComponent(text).toLowerCase()]) {
    const basic = Buffer.from(`${encode(id)}:${credentials.clientSecret}`).toString('base64');
    const { status, body } = await server.postForm(
      '/api/v1/oauth/token',
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${basic}` },
    );
    expect(status).toBe(200);
    tokens.push(body.access_token);
  }
  const own = `${path}/${encodeURIComponent(id)}`;
  for (const token of tokens) {
    const { status, body } = await server.call('GET', own, { token });
    expect([status, body.client_id]).toEqual([200, id]);
  }
  const introspected = await server.postForm('/api/v1/oauth/introspect', {
    client_id: server.root.clientId,
    client_secret: server.root.clientSecret,
    token: tokens[0] as string,
  });
  expect(introspected.body).toMatchObject({ active: true, client_id: id, sub: id });
  for (const part of ['scope', 'secret', 'usage']) {
    expect((await server.call('GET', `${own}/${part}`, { token: root })).status).toBe(200);
  }
  const renamed = { method: 'PATCH', path: own, body: { name: 'renamed' } };
  const batch = await server.call('POST', '/api/v1/batch', { token: root, body: { operations: [renamed] } });
  expect([batch.status, batch.body.results[0].body.name]).toEqual([200, 'renamed']);
  expect((await server.call('POST', `${own}/secret`, { token: root, body: {} })).status).toBe(200);
  expect((await server.call('DELETE', own, { token: root })).status).toBe(204);
  expect((await server.call('GET', '/api/v1/oauth/scope', { token: tokens[0] })).status).toBe(401);
});

describe('refused is', () => {
  test('an id from whom may make clients and not choose ids', async () => {
    const maker = await server.createClient({ scopes: ['client:create'] });
    const token = await server.token(maker);
    expect((await create({}, token)).status).toBe(200);
    const { status, body } = await create({ client_id: 'mine' }, token);
    expect([status, body.error]).toEqual([403, 'insufficient_scope']);
    expect(body.detail).toContain('client:choose_id');
  });

  test('an id that is taken, by a client, by root or by an actor of the audit trail', async () => {
    await createAs('taken');
    for (const id of ['taken', server.root.clientId, 'postern', 'initial_access_token']) {
      const { status, body } = await create({ client_id: id });
      expect([status, body.error, body.detail]).toEqual([409, 'conflict', `client_id: ${id} is taken.`]);
    }
  });

  test.each(['', 'a b', 'a%b', 'a+b', 'a?b', 'a#b', 'a\\b', 'ä', 'a/../b', './a', '..', 'x'.repeat(129)])(
    'the id %j',
    async (id) => {
      expect((await create({ client_id: id })).status).toBe(422);
    },
  );

  test('another id for a client that is there', async () => {
    await createAs('stays');
    const body = { client_id: 'goes' };
    expect((await server.call('PATCH', `${path}/stays`, { token: root, body })).status).toBe(422);
  });
});

describe('the id of a client that was deleted', () => {
  const reads = async (token: string) => (await server.call('GET', '/api/v1/oauth/scope', { token })).status;

  test('can be chosen again, and the tokens of the old client remain invalid', async () => {
    const before = await createAs('again', { scopes: ['scope:read'] });
    const old = await server.token(before);
    await server.call('DELETE', `${path}/again`, { token: root });
    const after = await createAs('again', { scopes: ['scope:read'] });
    expect(await reads(old)).toBe(401);
    await expect(server.token(before)).rejects.toThrow();
    expect(await reads(await server.token(after))).toBe(200);
  });

  test('has its new status in the revocation feed', async () => {
    await createAs('fed', { scopes: ['scope:read'] });
    await server.call('DELETE', `${path}/fed`, { token: root });
    const entryOf = async (id: string) => {
      const { body } = await server.call('GET', '/api/v1/oauth/revocations', { token: root });
      return body.entries.find((entry: Record<string, unknown>) => entry['client_id'] === id);
    };
    expect(await entryOf('fed')).toMatchObject({ active: false });
    await createAs('fed', { scopes: ['scope:read'] });
    expect(await entryOf('fed')).toMatchObject({ active: true, scopes: ['scope:read'] });
    expect((await entryOf('fed')).gen).toBeGreaterThan(0);
  });

  test('in one batch too', async () => {
    const old = await server.token(await createAs('batched', { scopes: ['scope:read'] }));
    const operations = [
      { method: 'DELETE', path: `${path}/batched` },
      { method: 'POST', path, body: { client_id: 'batched', scopes: ['scope:read'] } },
    ];
    const { status, body } = await server.call('POST', '/api/v1/batch', { token: root, body: { operations } });
    expect(status).toBe(200);
    expect(await reads(old)).toBe(401);
    expect(await reads(await server.token(credentialsOf(body.results[1].body)))).toBe(200);
  });

  test('created and deleted in the same batch: APIs that follow the feed learn that the last one is enabled', async () => {
    const creation = { method: 'POST', path, body: { client_id: 'twice', scopes: ['scope:read'] } };
    const operations = [creation, { method: 'DELETE', path: `${path}/twice` }, creation];
    const { status } = await server.call('POST', '/api/v1/batch', { token: root, body: { operations } });
    expect(status).toBe(200);
    const { body } = await server.call('GET', '/api/v1/oauth/revocations', { token: root });
    expect(body.entries.filter((entry: Record<string, unknown>) => entry['client_id'] === 'twice')).toEqual([
      expect.objectContaining({ active: true, scopes: ['scope:read'] }),
    ]);
  });
});
