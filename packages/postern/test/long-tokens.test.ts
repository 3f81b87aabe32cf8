/** With hundreds of scopes of one's own, a token that had them all would be longer than proxies take. */
import { operations } from '@postern/admin';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServerConnection } from '../src/connection/server-connection.ts';

let server: TestServer;
/** The lengths of the headers that the server received. */
const lengths: number[] = [];

beforeAll(async () => {
  server = await startTestServer({
    before: (app) => {
      app.addHook('onRequest', async ({ headers }) => {
        lengths.push(headers.authorization?.length ?? 0);
      });
    },
  });
  const own = Array.from({ length: 160 }, (_, index) => ({
    name: `invoice-${index}:read_and_update_all`,
    description: 'x',
  }));
  const { status } = await server.call('PUT', '/api/v1/oauth/scope', { token: await server.rootToken(), body: own });
  expect(status).toBe(200);
});
afterAll(() => server.close());

test('no header is longer than the 8 KB that proxies take, and root still assigns every scope', async () => {
  expect((await server.rootToken()).length).toBeLessThan(6_000);
  lengths.length = 0;
  const { admin } = createServerConnection({ server: server.url, ...server.root });
  const { client_id } = await admin.clients.create({ client_id: 'reader', scopes: ['invoice-7:read_and_update_all'] });
  expect((await admin.clients.get(client_id)).scopes).toEqual(['invoice-7:read_and_update_all']);
  expect((await admin.all(operations.resources.list())).length).toBe(0);
  expect(Math.max(...lengths)).toBeLessThan(6_000);
});

test('a client whose token is short sends all of its scopes', async () => {
  const scopes = ['client:create', 'invoice-7:read_and_update_all'];
  const credentials = await server.createClient({ scopes, grantable_scopes: [] });
  const { admin } = createServerConnection({ server: server.url, ...credentials });
  const { client_id } = await admin.clients.create({ scopes: ['invoice-7:read_and_update_all'] });
  expect(client_id).toEqual(expect.any(String));
});
