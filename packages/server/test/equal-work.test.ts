/** Failed authentications do the same work, so that their time does not disclose which clients exist. RFC 6749 §2.3.1. */
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

let server: TestServer;
let known: Credentials;
let disabled: Credentials;
let byKey: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  const token = await server.rootToken();
  known = await server.createClient({ scopes: ['policy:read'] });
  disabled = await server.createClient({ scopes: ['policy:read'] });
  byKey = await server.createClient({
    grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    token_endpoint_auth_method: 'none',
  });
  await server.call('PATCH', `/api/v1/oauth/client/${disabled.clientId}`, { token, body: { enabled: false } });
});
afterAll(() => server.close());

/** The statements and digests of one attempt that fails. */
async function workOf(clientId: string): Promise<string[]> {
  const work: string[] = [];
  const queries = vi.spyOn(server.db, 'selectFrom');
  const digests = vi.spyOn(server.masterKey, 'digest');
  const { status, body } = await server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: 'wrong',
  });
  work.push(...queries.mock.calls.map(([table]) => `select from ${String(table)}`));
  work.push(...digests.mock.calls.map(([purpose]) => `digest of ${purpose}`));
  queries.mockRestore();
  digests.mockRestore();
  expect([status, body.error]).toEqual([401, 'invalid_client']);
  return work.filter((one) => /client/.test(one));
}

test('of an unknown client, a wrong secret, a disabled client, another method and root', async () => {
  const expected = ['select from clients', 'select from client_secrets', 'digest of client secrets'];
  await server.token(known);
  const clientIds = ['unknown', known.clientId, disabled.clientId, byKey.clientId, server.root.clientId];
  // Twice: the first attempt may have brought the client into memory.
  for (const clientId of [...clientIds, ...clientIds]) {
    expect([clientId, await workOf(clientId)]).toEqual([clientId, expected]);
  }
});

test('a secret that was right is digested once, and a wrong one each time', async () => {
  const { clientId, clientSecret } = await server.createClient({ scopes: ['policy:read'] });
  const form = { grant_type: 'client_credentials', client_id: clientId };
  const digests = vi.spyOn(server.masterKey, 'digest');
  const countOf = async (secret: string) => {
    digests.mockClear();
    await server.postForm('/api/v1/oauth/token', { ...form, client_secret: secret });
    return digests.mock.calls.filter(([purpose]) => purpose === 'client secrets').length;
  };
  const secrets = [clientSecret, clientSecret, 'wrong', 'wrong', clientSecret];
  const counts: number[] = [];
  for (const secret of secrets) {
    counts.push(await countOf(secret));
  }
  digests.mockRestore();
  expect(counts).toEqual([1, 0, 1, 1, 0]);
});
