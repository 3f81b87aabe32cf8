/** Paths with a slash at their end, which Fidesops redirects to those without: they are the same. */
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

test('tokens are issued, and clients created and read', async () => {
  const created = await server.call('POST', '/api/v1/oauth/client/', { token: root, body: ['policy:read'] });
  expect(created.status).toBe(200);
  const { client_id, client_secret } = created.body;
  const form = { grant_type: 'client_credentials', client_id, client_secret };
  const { status, body } = await server.postForm('/api/v1/oauth/token/', form);
  expect([status, body.token_type]).toEqual([200, 'Bearer']);
  const read = await server.call('GET', `/api/v1/oauth/client/${client_id}/scope/`, { token: root });
  expect([read.status, read.body]).toEqual([200, ['policy:read']]);
  expect((await server.call('GET', '/api/v1/oauth/client/?size=1', { token: root })).body.items).toHaveLength(1);
});

test('nothing is deleted by a path with a slash, which may be what is left of a longer one with dots', async () => {
  const { clientId } = await server.createClient({ scopes: ['policy:read'] });
  const path = `/api/v1/oauth/client/${clientId}`;
  for (const longer of ['/', '/?x=/', '/secret/..', '/secret/%2e%2e', '/nothing/']) {
    const { status, body } = await server.call('DELETE', path + longer, { token: root });
    expect([status, body.error]).toEqual([404, 'not_found']);
  }
  expect((await server.call('GET', path, { token: root })).status).toBe(200);
  expect((await server.call('DELETE', path, { token: root })).status).toBe(204);
});

test('a path that needs a token needs it with a slash too, and one slash more is another path', async () => {
  expect((await server.call('GET', '/api/v1/oauth/client/')).status).toBe(401);
  expect((await server.call('GET', '/api/v1/oauth/scope//', { token: root })).status).toBe(404);
  expect((await server.call('GET', '/api/v1//oauth/scope', { token: root })).status).toBe(404);
});
