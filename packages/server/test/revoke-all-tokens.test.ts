/** One call that revokes every token that was issued so far, of whatever client. docs/revocation-feed.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDatabase } from '@postern/testing/test-database';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';

let dataDir: string;
let server: TestServer;

/** The same issuer after a restart, on another port. */
const start = () => startTestServer({ dataDir, env: { POSTERN_ISSUER: 'https://auth.example.com' } });

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'postern-revoke-all-'));
  server = await start();
});
afterAll(async () => {
  await server.close();
  rmSync(dataDir, { recursive: true });
  await (await testDatabase(dataDir)).drop();
});

async function asRoot(method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, { token: await server.rootToken(), body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

const revokeAll = () => asRoot('POST', '/api/v1/oauth/revoke_all');
const createReader = () =>
  server.createClient({ scopes: ['scope:read'], grant_types: ['client_credentials', exchange] });

/** The status of a call with the token, and what an introspection of it says. */
async function statusOf(token: string): Promise<[number, boolean]> {
  const { status } = await server.call('GET', '/api/v1/oauth/scopes', { token });
  const { clientId: client_id, clientSecret: client_secret } = server.root;
  const { body } = await server.postForm('/api/v1/oauth/introspect', { client_id, client_secret, token });
  return [status, body.active];
}
const alive: [number, boolean] = [200, true];
const dead: [number, boolean] = [401, false];

async function exchanged({ clientId, clientSecret }: Credentials, subject_token: string): Promise<string> {
  const { status, body } = await server.postForm('/api/v1/oauth/token', {
    grant_type: exchange,
    client_id: clientId,
    client_secret: clientSecret,
    subject_token,
    subject_token_type: accessToken,
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.access_token;
}

describe('the call', () => {
  test('revokes the tokens of clients and of root, and what was exchanged for them; later ones are valid', async () => {
    const client = await createReader();
    const token = await server.token(client);
    const earlier = [token, await exchanged(client, token), await server.rootToken()];
    expect(await Promise.all(earlier.map(statusOf))).toEqual([alive, alive, alive]);
    await revokeAll();
    expect(await Promise.all(earlier.map(statusOf))).toEqual([dead, dead, dead]);
    const fresh = await createReader();
    const later = [await server.token(client), await server.token(fresh), await server.rootToken()];
    expect(await Promise.all(later.map(statusOf))).toEqual([alive, alive, alive]);
  });

  test('still holds after a restart', async () => {
    const client = await createReader();
    const [token, root] = [await server.token(client), await server.rootToken()];
    await revokeAll();
    const later = [await server.token(client), await server.rootToken()];
    await server.close();
    server = await start();
    expect(await Promise.all([token, root, ...later].map(statusOf))).toEqual([dead, dead, alive, alive]);
  });

  test('revokes tokens of the same millisecond, and those that were issued while the clock was ahead', async () => {
    const client = await createReader();
    await revokeAll();
    const token = await server.token(client);
    server.jump(-3_600);
    const behind = await server.token(client);
    await revokeAll();
    expect(await Promise.all([token, behind].map(statusOf))).toEqual([dead, dead]);
    expect(await statusOf(await server.token(client))).toEqual(alive);
    server.jump(3_600);
  });

  test('has one entry in the feed, which covers the revoked tokens before it, and one in the audit trail', async () => {
    const client = await createReader();
    const { clientId: client_id, clientSecret: client_secret } = client;
    const token = await server.token(client);
    await server.postForm('/api/v1/oauth/revoke', { client_id, client_secret, token });
    const { cursor } = await asRoot('GET', '/api/v1/oauth/revocations');
    const before = Date.now();
    await revokeAll();
    const { entries } = await asRoot('GET', `/api/v1/oauth/revocations?cursor=${cursor}`);
    const root = { type: 'client', client_id: server.root.clientId, active: true, gen_exact: true };
    expect(entries).toEqual([{ type: 'all_tokens', gen: expect.any(Number) }, expect.objectContaining(root)]);
    expect(entries[0].gen).toBeGreaterThan(before - 60_000);
    const whole = await asRoot('GET', '/api/v1/oauth/revocations');
    expect(whole.entries.filter(({ type }: { type: string }) => type === 'token')).toEqual([]);
    const events = await server.eventsAbout('all_tokens');
    expect(events.at(-1)).toEqual({
      actor: server.root.clientId,
      kind: 'all_tokens.revoked',
      data: { generation: entries[0].gen },
    });
  });
});

describe('after the call', () => {
  test('the tokens of one client can be revoked, and its former tokens stay so', async () => {
    const client = await createReader();
    await revokeAll();
    const token = await server.token(client);
    await asRoot('POST', `/api/v1/oauth/client/${client.clientId}/revoke`);
    const later = await server.token(client);
    expect(await Promise.all([token, later].map(statusOf))).toEqual([dead, alive]);
    expect(claimsOf(later)['gen']).toBe((claimsOf(token)['gen'] as number) + 1);
  });

  test('a client with the id of a deleted one accepts none of its tokens', async () => {
    const body = { client_id: 'chosen', scopes: ['scope:read'] };
    const client = await server.createClient(body);
    await revokeAll();
    const token = await server.token(client);
    await asRoot('DELETE', '/api/v1/oauth/client/chosen');
    const again = await server.createClient(body);
    expect(await Promise.all([token, await server.token(again)].map(statusOf))).toEqual([dead, alive]);
  });
});

test('a client without the scope token:revoke cannot make the call', async () => {
  const client = await server.createClient({ scopes: ['scope:read'] });
  const token = await server.token(client);
  expect((await server.call('POST', '/api/v1/oauth/revoke_all', { token })).status).toBe(403);
  expect(await statusOf(token)).toEqual(alive);
});
