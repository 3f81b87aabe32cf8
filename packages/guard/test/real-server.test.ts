/**
 * Guards that follow a real server with a token of `@postern/client`, by the revocation feed and by an event stream of shared signals: tokens
 * that are revoked there are rejected here. docs/revocation-feed.md, docs/shared-signals.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { feedPageEvent } from '@postern/protocol';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ApiGuard, createApiGuard, type Fetch, type RevocationOptions } from '../src/index.ts';

/** Stays the same when the server moves to another port. */
const issuer = 'https://auth.example.com';
const audience = 'https://api.example.com';
const clientPath = '/api/v1/oauth/client';

let dataDir: string;
let server: TestServer;
let guard: ApiGuard;
/** One that follows by the feed, and one by an event stream. */
let guards: readonly ApiGuard[];
let follower: Credentials;
let receiver: Credentials;
let faults: string[];
/** Before any guard followed. */
let revokedBefore: string;

const fetchFromServer: Fetch = (url, init) => fetch(url.replace(issuer, server.url), init);

const startServer = (directory: string) => startTestServer({ dataDir: directory, env: { POSTERN_ISSUER: issuer } });

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'postern-guard-'));
  server = await startServer(dataDir);
  await asRoot('PUT', '/api/v1/oauth/resource', { key: 'api', identifier: audience, scopes: ['policy:read'] });
  follower = await server.createClient({ scopes: ['revocation:read'] });
  receiver = await server.createClient({ scopes: ['ssf.read', 'ssf.manage', 'revocation:read'] });
  const { body: stream } = await server.call('POST', '/api/v1/ssf/stream', {
    token: await server.token(receiver),
    body: { events_requested: [feedPageEvent] },
  });
  const early = await createClient();
  revokedBefore = await tokenOf(early);
  await revokeToken(early, revokedBefore);
  faults = [];
  const sharedSignals = { streamId: stream.stream_id, clientId: receiver.clientId };
  guards = [
    createFollower({ fetch: fetchAs(follower, 'revocation:read') }),
    createFollower({ fetch: fetchAs(receiver, 'ssf.read revocation:read'), sharedSignals }),
  ];
  guard = guards[0] as ApiGuard;
  await Promise.all(guards.map((one) => one.start()));
});
afterAll(async () => {
  await Promise.all(guards.map((one) => one.close()));
  await server.close();
  rmSync(dataDir, { recursive: true });
});

function fetchAs({ clientId, clientSecret }: Credentials, scope: string): Fetch {
  const client = createTokenClient({
    issuer,
    authentication: clientSecretBasic(clientId, clientSecret),
    scope,
    fetch: (url, init) => fetchFromServer(String(url), init),
  });
  return client.fetch;
}

const createFollower = (revocations: RevocationOptions) =>
  createApiGuard({
    issuer,
    audience,
    fetch: fetchFromServer,
    revocations,
    onFault: (fault) => faults.push(fault.message),
  });

async function asRoot(method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, { token: await server.rootToken(), body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

async function tokenOf({ clientId, clientSecret }: Credentials): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const { status, body } = await server.postForm('/api/v1/oauth/token', { ...form, resource: audience });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.access_token;
}

const revokeToken = ({ clientId, clientSecret }: Credentials, token: string) =>
  server.postForm('/api/v1/oauth/revoke', { token, client_id: clientId, client_secret: clientSecret });

const createClient = () => server.createClient({ scopes: ['policy:read'], resources: [audience] });

/** `passed`, or why not: what all guards say, or what each says if they differ. */
const outcome = async (token: string) =>
  [...new Set(await Promise.all(guards.map((one) => outcomeOf(one, token))))].join(' | ');

const outcomeOf = (one: ApiGuard, token: string): Promise<string> =>
  one
    .authorize(
      {
        method: 'GET',
        path: '/policy',
        authorization: `Bearer ${token}`,
        dpop: undefined,
        certificateThumbprint: undefined,
      },
      'policy:read',
    )
    .then(
      () => 'passed',
      ({ code, reason }) => `${code} ${reason}`,
    );

const becomes = (token: string, expected: string) =>
  vi.waitFor(async () => expect(await outcome(token)).toBe(expected), { timeout: 10_000, interval: 5 });

test('a token that was revoked before a guard began to follow is rejected', async () => {
  expect(await outcome(revokedBefore)).toBe('invalid_token token_revoked');
});

describe('a token that was accepted is rejected when', () => {
  test.each<[string, (client: Credentials, token: string) => Promise<unknown>, string]>([
    ['it is revoked', revokeToken, 'token_revoked'],
    ['its client is deleted', ({ clientId }) => asRoot('DELETE', `${clientPath}/${clientId}`), 'client_unknown'],
    [
      'its client is disabled',
      ({ clientId }) => asRoot('PATCH', `${clientPath}/${clientId}`, { enabled: false }),
      'client_unknown',
    ],
    [
      'its client loses the scope',
      ({ clientId }) => asRoot('PATCH', `${clientPath}/${clientId}`, { scopes: [] }),
      'scope_withdrawn',
    ],
    [
      'its client loses the resource',
      ({ clientId }) => asRoot('PATCH', `${clientPath}/${clientId}`, { resources: [] }),
      'resource_withdrawn',
    ],
    [
      'all tokens of its client are revoked',
      ({ clientId }) => asRoot('POST', `${clientPath}/${clientId}/revoke`),
      'generation_old',
    ],
  ])('%s', async (_, revoke, reason) => {
    const client = await createClient();
    const [token, bystander] = await Promise.all([tokenOf(client), createClient().then(tokenOf)]);
    expect([await outcome(token), await outcome(bystander)]).toEqual(['passed', 'passed']);
    await revoke(client, token);
    await becomes(token, `invalid_token ${reason}`);
    expect(await outcome(bystander)).toBe('passed');
  });

  test('and a scope that a client gets back is accepted again', async () => {
    const client = await createClient();
    const narrowed = await tokenOf(client);
    await asRoot('PATCH', `${clientPath}/${client.clientId}`, { scopes: [] });
    await becomes(narrowed, 'invalid_token scope_withdrawn');
    await asRoot('PATCH', `${clientPath}/${client.clientId}`, { scopes: ['policy:read'] });
    await becomes(await tokenOf(client), 'passed');
  });

  test('and a new token of a client that is enabled again is accepted', async () => {
    const client = await createClient();
    const old = await tokenOf(client);
    await asRoot('PATCH', `${clientPath}/${client.clientId}`, { enabled: false });
    await becomes(old, 'invalid_token client_unknown');
    await asRoot('PATCH', `${clientPath}/${client.clientId}`, { enabled: true });
    await becomes(await tokenOf(client), 'passed');
    expect(await outcome(old)).toBe('invalid_token generation_old');
  });
});

describe('following continues', () => {
  test("with a new token, when all of the follower's own are revoked", async () => {
    await asRoot('POST', `${clientPath}/${follower.clientId}/revoke`);
    await asRoot('POST', `${clientPath}/${receiver.clientId}/revoke`);
    const client = await createClient();
    const token = await tokenOf(client);
    await asRoot('DELETE', `${clientPath}/${client.clientId}`);
    await becomes(token, 'invalid_token client_unknown');
  });

  test('after the server was unreachable, with all changes made meanwhile', async () => {
    const before = await createClient();
    const token = await tokenOf(before);
    const later = await tokenOf(await createClient());
    faults.length = 0;
    await server.close();
    await vi.waitFor(() => expect(faults).not.toEqual([]), { timeout: 10_000 });
    expect(await outcome(token)).toBe('passed');
    server = await startServer(dataDir);
    await asRoot('DELETE', `${clientPath}/${before.clientId}`);
    await becomes(token, 'invalid_token client_unknown');
    expect(await outcome(later)).toBe('passed');
  });
});

test('tokens of a registered resource are accepted, and their claims returned', async () => {
  const client = await createClient();
  const token = await tokenOf(client);
  const accessToken = await guard.authorize(
    {
      method: 'GET',
      path: '/',
      authorization: `Bearer ${token}`,
      dpop: undefined,
      certificateThumbprint: undefined,
    },
    '',
  );
  expect(accessToken.claims).toEqual(claimsOf(token));
  expect([accessToken.clientId, accessToken.audience]).toEqual([client.clientId, [audience]]);
});
