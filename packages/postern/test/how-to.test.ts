/**
 * The how-to "Authenticate with OAuth" of Fidesops, walked through from its first line to its last against the real
 * command. Each request has the method, the headers and the body that the how-to's curl lines send.
 */

import { startTestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let server: ServeProcess;
let api: string;
/** What the steps hand on to those after them, under the names of the how-to. */
let rootAccessToken: string;
let newClientId: string;
let newClientSecret: string;
let newAccessToken: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory);
  api = `${server.url}/api/v1`;
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** `curl -X POST … -H 'Authorization: Bearer …' -H 'Content-Type: application/json' -d '…'` */
const sendJson = (method: string, path: string, token: string, body: string) =>
  call(method, api + path, { ...bearer(token), 'Content-Type': 'application/json' }, body);

const expectJson = ({ status, headers }: Answer, expected: number) => {
  expect(status).toBe(expected);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
};

describe('Getting started', () => {
  test('the root client gets an access token, without an Authorization header', async () => {
    const { clientId, clientSecret } = rootCredentials(server.dataDir);
    const answer = await postForm(
      `${api}/oauth/token`,
      `client_id=${clientId}`,
      `client_secret=${clientSecret}`,
      'grant_type=client_credentials',
    );
    expectJson(answer, 200);
    expect(answer.body).toMatchObject({ access_token: expect.any(String), token_type: 'Bearer' });
    rootAccessToken = answer.body.access_token;
  });

  test('it is all-powerful: it contains every scope there is', async () => {
    const { body } = await call('GET', `${api}/oauth/scopes`, bearer(rootAccessToken));
    const claims = JSON.parse(Buffer.from(rootAccessToken.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.scope.split(' ')).toEqual(body);
  });

  test('any other call without an access token is 401', async () => {
    const answer = await call('PUT', `${api}/policy`, { 'Content-Type': 'application/json' }, '[]');
    expectJson(answer, 401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="Postern", resource_metadata="[^"]+"$/);
  });
});

describe('Creating additional clients', () => {
  test('POST /api/v1/oauth/client answers with a new pair of client id and secret', async () => {
    const answer = await sendJson(
      'POST',
      '/oauth/client',
      rootAccessToken,
      '{ "scopes": ["policy:read", "rule:read"]}',
    );
    expectJson(answer, 200);
    expect(answer.body).toEqual({ client_id: expect.any(String), client_secret: expect.any(String) });
    newClientId = answer.body.client_id;
    newClientSecret = answer.body.client_secret;
  });

  test.each([
    ['a bare array of scopes', '["policy:read", "rule:read"]', ['policy:read', 'rule:read']],
    ['an empty array', '[]', []],
    ['an empty body', '', []],
  ])('%s is taken too', async (_form, body, scopes) => {
    const created = await sendJson('POST', '/oauth/client', rootAccessToken, body);
    expectJson(created, 200);
    const read = await call('GET', `${api}/oauth/client/${created.body.client_id}/scope`, bearer(rootAccessToken));
    expect(read.body).toEqual(scopes);
  });

  test('no body and no type is taken too', async () => {
    expectJson(await call('POST', `${api}/oauth/client`, bearer(rootAccessToken)), 200);
  });

  test('a scope that does not exist is refused by its name', async () => {
    const answer = await sendJson('POST', '/oauth/client', rootAccessToken, '{"scopes": ["policy:raed"]}');
    expectJson(answer, 422);
    expect(answer.body.detail).toMatch(/^Invalid Scope\. .*policy:raed/);
  });

  test('the available scopes can be retrieved', async () => {
    const plural = await call('GET', `${api}/oauth/scopes`, bearer(rootAccessToken));
    expectJson(plural, 200);
    expect(plural.body).toEqual(
      expect.arrayContaining(['client:create', 'policy:read', 'policy:create_or_update', 'rule:read', 'scope:read']),
    );
    expect((await call('GET', `${api}/oauth/scope`, bearer(rootAccessToken))).body).toEqual(plural.body);
  });

  test('the tip: a client with client:create makes the other clients, and needs no root for it', async () => {
    const { body: maker } = await sendJson('POST', '/oauth/client', rootAccessToken, '{"scopes": ["client:create"]}');
    const token = await acquireToken(server.url, { clientId: maker.client_id, clientSecret: maker.client_secret });
    const made = await sendJson('POST', '/oauth/client', token, '{ "scopes": ["policy:read", "rule:read"]}');
    expectJson(made, 200);
    await acquireToken(server.url, { clientId: made.body.client_id, clientSecret: made.body.client_secret });
    const another = await sendJson('POST', '/oauth/client', token, '{"scopes": ["client:create"]}');
    expectJson(another, 403);
  });
});

describe('Create an access token', () => {
  beforeAll(async () => {
    // Something to read: a policy with a rule.
    const policy = await sendJson('PUT', '/policy', rootAccessToken, '[{"key": "mail", "name": "E-mail"}]');
    expect(policy.body.failed).toEqual([]);
    const rule =
      '[{"key": "mask", "name": "Mask", "action_type": "erasure",' +
      ' "masking_strategy": {"strategy": "null_rewrite", "configuration": {}}}]';
    const { body } = await sendJson('PUT', '/policy/mail/rule', rootAccessToken, rule);
    expect(body.failed).toEqual([]);
  });

  test('with the new credentials', async () => {
    const answer = await postForm(
      `${api}/oauth/token`,
      `client_id=${newClientId}`,
      `client_secret=${newClientSecret}`,
      'grant_type=client_credentials',
    );
    expectJson(answer, 200);
    newAccessToken = answer.body.access_token;
  });

  test('without a setting it expires after 11520 minutes', async () => {
    const { body } = await postForm(
      `${api}/oauth/token`,
      `client_id=${newClientId}`,
      `client_secret=${newClientSecret}`,
      'grant_type=client_credentials',
    );
    expect(body.expires_in).toBe(11_520 * 60);
  });

  test('it lets the client read policies and rules', async () => {
    const policies = await call('GET', `${api}/policy`, bearer(newAccessToken));
    expectJson(policies, 200);
    expect(policies.body).toMatchObject({ items: [{ key: 'mail', name: 'E-mail' }], total: 1, page: 1, pages: 1 });
    expectJson(await call('GET', `${api}/policy/mail`, bearer(newAccessToken)), 200);
    const rules = await call('GET', `${api}/policy/mail/rule`, bearer(newAccessToken));
    expectJson(rules, 200);
    expect(rules.body).toMatchObject({ items: [{ key: 'mask', action_type: 'erasure' }], total: 1 });
    expectJson(await call('GET', `${api}/policy/mail/rule/mask`, bearer(newAccessToken)), 200);
  });

  test.each([
    ['PUT', '/policy', 'policy:create_or_update', '[{"name": "Mine"}]'],
    ['PATCH', '/policy', 'policy:create_or_update', '[{"name": "Mine"}]'],
    ['DELETE', '/policy/mail', 'policy:delete', undefined],
    ['PUT', '/policy/mail/rule', 'rule:create_or_update', '[]'],
    ['DELETE', '/policy/mail/rule/mask', 'rule:delete', undefined],
    ['GET', '/storage/config', 'storage:read', undefined],
    ['POST', '/oauth/client', 'client:create', '{"scopes": ["policy:read"]}'],
    ['GET', '/oauth/client', 'client:read', undefined],
    ['GET', '/oauth/scopes', 'scope:read', undefined],
  ])('and nothing else: %s %s is 403 and names %s', async (method, path, scope, body) => {
    const headers = { ...bearer(newAccessToken), ...(body !== undefined && { 'Content-Type': 'application/json' }) };
    const answer = await call(method, api + path, headers, body);
    expectJson(answer, 403);
    expect(answer.body).toEqual({ error: 'insufficient_scope', detail: expect.stringContaining(scope) });
    expect(answer.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
  });
});

describe('Access token expiration', () => {
  test('OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES sets another', async () => {
    const other = await startServe(directory, {
      dataDir: `${directory}/short`,
      env: { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '2' },
    });
    const { clientId, clientSecret } = rootCredentials(other.dataDir);
    const { body } = await postForm(
      `${other.url}/api/v1/oauth/token`,
      `client_id=${clientId}`,
      `client_secret=${clientSecret}`,
      'grant_type=client_credentials',
    );
    expect(body.expires_in).toBe(120);
    await other.stop();
  });

  test('a call with an expired token is 401', async () => {
    // The same server inside of this process, where the clock is ours.
    const other = await startTestServer();
    const token = await other.token(await other.createClient({ scopes: ['scope:read'] }));
    other.advance(11_520 * 60 - 2);
    expect((await other.call('GET', '/api/v1/oauth/scopes', { token })).status).toBe(200);
    other.advance(2);
    const expired = await other.call('GET', '/api/v1/oauth/scopes', { token });
    expect([expired.status, expired.body.error]).toEqual([401, 'invalid_token']);
    await other.close();
  });
});

describe('Other OAuth calls', () => {
  const scopesOf = () => `${api}/oauth/client/${newClientId}/scope`;

  test("a client's scopes are read", async () => {
    const { body } = await call('GET', scopesOf(), bearer(rootAccessToken));
    expect(body).toEqual(['policy:read', 'rule:read']);
  });

  test("a client's scopes are written, and its next token has them", async () => {
    const path = `/oauth/client/${newClientId}/scope`;
    const written = await sendJson('PUT', path, rootAccessToken, '["policy:read", "storage:read"]');
    expectJson(written, 200);
    expect(written.body).toEqual(['policy:read', 'storage:read']);
    expect((await call('GET', scopesOf(), bearer(rootAccessToken))).body).toEqual(['policy:read', 'storage:read']);
    const credentials = { clientId: newClientId, clientSecret: newClientSecret };
    const token = await acquireToken(server.url, credentials);
    expectJson(await call('GET', `${api}/storage/config`, bearer(token)), 200);
    expectJson(await call('GET', `${api}/policy/mail/rule`, bearer(token)), 403);
    // The token from before holds a scope that its client has no longer.
    expectJson(await call('GET', `${api}/policy`, bearer(newAccessToken)), 401);
  });

  test('{"scopes": […]} is taken there too', async () => {
    const path = `/oauth/client/${newClientId}/scope`;
    const written = await sendJson('PUT', path, rootAccessToken, '{"scopes": ["policy:read", "rule:read"]}');
    expect(written.body).toEqual(['policy:read', 'rule:read']);
  });

  test('a client is deleted: its credentials and its tokens end with it', async () => {
    const client = `${api}/oauth/client/${newClientId}`;
    const token = await acquireToken(server.url, { clientId: newClientId, clientSecret: newClientSecret });
    expectJson(await call('GET', `${api}/policy`, bearer(token)), 200);
    expect((await call('DELETE', client, bearer(rootAccessToken))).status).toBe(204);
    expectJson(await call('GET', client, bearer(rootAccessToken)), 404);
    expectJson(await call('GET', `${api}/policy`, bearer(token)), 401);
    const refused = await postForm(
      `${api}/oauth/token`,
      `client_id=${newClientId}`,
      `client_secret=${newClientSecret}`,
      'grant_type=client_credentials',
    );
    expectJson(refused, 401);
    expect(refused.body.error).toBe('invalid_client');
  });
});
