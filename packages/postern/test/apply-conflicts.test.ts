/** Lost updates: apply changes only what is as it was when the files were compared with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendBatch } from '../src/batch/send-batch.ts';
import { createServerConnection, type ServerConnection } from '../src/connection/server-connection.ts';
import { readActual } from '../src/files/actual.ts';
import { makePlan } from '../src/files/plan.ts';
import { withPlaces } from '../src/files/prepare.ts';
import { readFiles } from '../src/files/read-files.ts';

let server: TestServer;
let connection: ServerConnection;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  connection = createServerConnection({ server: server.url, ...server.root });
});
afterAll(() => server.close());

async function planOf(yaml: string, prune = false) {
  const file = join(server.dataDir, 'postern.yaml');
  writeFileSync(file, yaml);
  const declared = await readFiles([file]);
  const actual = await readActual(connection, declared, prune);
  const plan = makePlan(declared, actual, { prune, ownClientId: connection.clientId });
  const apply = () =>
    withPlaces(plan, () =>
      sendBatch(
        connection.admin,
        plan.calls.map(({ operation }) => operation),
      ),
    );
  return { plan, apply };
}

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, `/api/v1/oauth${path}`, { token: root, body });

test('a client that was changed meanwhile is named with its place, and keeps what somebody else gave it', async () => {
  await server.createClient({ client_id: 'billing', name: 'a', scopes: ['policy:read'] });
  const { apply } = await planOf(
    'clients:\n  - client_id: billing\n    name: b\n    scopes: [policy:read, rule:read]\n',
  );
  await call('PATCH', '/client/billing', { scopes: [] });
  await expect(apply()).rejects.toThrow(
    /postern\.yaml:2:\d+: client billing: somebody else has changed it since this plan was made\. .* Nothing was changed\.$/,
  );
  expect((await call('GET', '/client/billing')).body).toMatchObject({ name: 'a', scopes: [] });
});

test('what somebody else has created meanwhile is not overwritten', async () => {
  const { apply } = await planOf(
    'resources:\n  - key: invoices\n    identifier: https://invoices.example.com\n    scopes: [policy:read]\n',
  );
  const theirs = { key: 'invoices', identifier: 'https://theirs.example.com', scopes: [] };
  await call('PUT', '/resource', theirs);
  await expect(apply()).rejects.toThrow('resource invoices: somebody else has changed it');
  expect((await call('GET', '/resource/invoices')).body).toMatchObject(theirs);
});

test('what somebody else has changed meanwhile is not deleted', async () => {
  await call('PUT', '/scope', { name: 'invoice:read', description: 'a' });
  const { apply } = await planOf('scopes: []\n', true);
  await call('PUT', '/scope', { name: 'invoice:read', description: 'b' });
  await expect(apply()).rejects.toThrow('deleting the scope invoice:read: somebody else has changed it');
});

test('without a change of somebody else, all is applied, scopes, resources and clients', async () => {
  const yaml =
    'scopes:\n  - name: order:read\n    description: Read orders\n' +
    'resources:\n  - key: orders\n    identifier: https://orders.example.com\n    scopes: [order:read]\n' +
    'clients:\n  - client_id: shop\n    scopes: [order:read]\n';
  await (await planOf(yaml)).apply();
  await (
    await planOf(
      yaml.replace('Read orders', 'List orders').replace('client_id: shop', 'client_id: shop\n    name: Shop'),
    )
  ).apply();
  expect((await call('GET', '/client/shop')).body).toMatchObject({ name: 'Shop', scopes: ['order:read'] });
});
