/** The root client can be switched off after set-up: its credentials and its tokens are refused everywhere, and its use is counted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiGuard, type Fetch } from '@postern/guard';
import { testDatabase } from '@postern/testing/test-database';
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const clientPath = '/api/v1/oauth/client';
const issuer = 'http://localhost:8080';
const off = { OAUTH_ROOT_DISABLED: 'true' };

let dataDir: string;
const started: TestServer[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'postern-root-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
  rmSync(dataDir, { recursive: true });
  await (await testDatabase(dataDir)).drop();
});

async function start(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startTestServer({ dataDir, env: { POSTERN_ISSUER: issuer, ...env } });
  started.push(server);
  return server;
}

async function stop(server: TestServer): Promise<void> {
  started.splice(started.indexOf(server), 1);
  await server.close();
}

const use = (server: TestServer, token: string) => server.call('GET', '/api/v1/oauth/scope', { token });
const create = (server: TestServer, token: string) =>
  server.call('POST', clientPath, { token, body: { scopes: ['policy:read'] } });
const createAdmin = (server: TestServer) =>
  server.createClient({ scopes: ['client:create', 'revocation:read', 'audit:read', 'scope:read'] });

const credentialForms = ({ clientId, clientSecret }: Credentials, token: string) => {
  const form = { client_id: clientId, client_secret: clientSecret };
  return [
    ['/api/v1/oauth/token', { ...form, grant_type: 'client_credentials' }],
    ['/api/v1/oauth/introspect', { ...form, token }],
    ['/api/v1/oauth/revoke', { ...form, token }],
  ] as const;
};

const shown = ({ status, body, headers }: Answer) => ({ status, body, challenge: headers.get('www-authenticate') });

describe('with OAUTH_ROOT_DISABLED', () => {
  test('the credentials of root get the answer to a wrong secret at every endpoint, and the log says why', async () => {
    const first = await start();
    const admin = await createAdmin(first);
    await stop(first);

    const server = await start(off);
    const token = await server.token(admin);
    for (const [path, form] of credentialForms(server.root, token)) {
      const refused = await server.postForm(path, form);
      expect(server.log.at(-2)).toContain('"reason":"root_disabled"');
      const wrong = await server.postForm(path, { ...form, client_secret: 'wrong' });
      expect(shown(refused)).toEqual(shown(wrong));
      expect(refused.status).toBe(401);
    }
    expect((await create(server, token)).status).toBe(200);
  });

  test('tokens of root are refused, and remain refused when root is switched on again', async () => {
    const first = await start();
    const token = await first.rootToken();
    await stop(first);

    for (let restart = 0; restart < 2; restart += 1) {
      const server = await start(off);
      expect((await use(server, token)).status).toBe(401);
      expect((await create(server, token)).status).toBe(401);
      await stop(server);
    }

    const last = await start();
    expect((await use(last, token)).status).toBe(401);
    const fresh = await last.rootToken();
    expect((await create(last, fresh)).status).toBe(200);
    expect((await last.eventsAbout(last.root.clientId)).map(({ kind }) => kind)).toEqual([
      'root.changed',
      'root.disabled',
      'root.changed',
    ]);
    await stop(last);
    expect((await use(await start(), fresh)).status).toBe(200);
  });

  test('a database that never had root enabled has it disabled, and its id cannot be chosen later', async () => {
    const ids = { OAUTH_ROOT_CLIENT_ID: 'first-root', OAUTH_ROOT_CLIENT_SECRET: 'h7Kq_2xWm.9bTzVd~4mHs-R6' };
    await stop(await start({ ...ids, ...off }));
    const server = await start({ ...ids, OAUTH_ROOT_CLIENT_ID: 'second-root' });
    const token = await server.rootToken();
    const answer = await server.call('POST', clientPath, { token, body: { client_id: 'first-root', scopes: [] } });
    expect(answer.status).toBe(409);
  });

  test('RFC 7009 §2.1 its token can be revoked also if a deleted client had its id', async () => {
    const first = await start();
    const token = await first.rootToken();
    await first.call('POST', clientPath, { token, body: { client_id: 'was-a-client', scopes: [] } });
    expect((await first.call('DELETE', `${clientPath}/was-a-client`, { token })).status).toBe(204);
    await stop(first);
    const server = await start({
      OAUTH_ROOT_CLIENT_ID: 'was-a-client',
      OAUTH_ROOT_CLIENT_SECRET: 'h7Kq_2xWm.9bTzVd~4mHs-R6',
    });
    const revoked = await server.rootToken();
    const { clientId: client_id, clientSecret: client_secret } = server.root;
    const answer = await server.postForm('/api/v1/oauth/revoke', { client_id, client_secret, token: revoked });
    expect([answer.status, (await use(server, revoked)).status]).toEqual([200, 401]);
    expect((await use(server, await server.rootToken())).status).toBe(200);
  });

  test('another node that is running refuses root too, in a change before it has heard of it', async () => {
    const first = await start();
    const token = await first.rootToken();
    const admin = await createAdmin(first);
    await start(off);
    expect((await create(first, token)).status).toBe(401);
    await first.advance(0);
    expect((await use(first, token)).status).toBe(401);
    await expect(first.rootToken()).rejects.toThrow('invalid_client');
    expect((await create(first, await first.token(admin))).status).toBe(200);
  });

  test('a guard of an API that follows the revocations refuses tokens of root', async () => {
    const first = await start();
    const token = await first.rootToken();
    const admin = await createAdmin(first);
    await stop(first);
    const server = await start(off);
    const feedToken = await server.token(admin, 'revocation:read');
    const atServer: Fetch = (url, init) => fetch(url.replace(issuer, server.url), init);
    const guard = createApiGuard({
      issuer,
      audience: issuer,
      now: server.now,
      fetch: atServer,
      revocations: {
        fetch: (url, init) => atServer(url, { ...init, headers: { authorization: `Bearer ${feedToken}` } }),
      },
    });
    try {
      await guard.start();
      const request = {
        method: 'GET',
        path: '/',
        authorization: `Bearer ${token}`,
        dpop: undefined,
        certificateThumbprint: undefined,
      };
      await expect(guard.authorize(request, 'scope:read')).rejects.toMatchObject({ code: 'invalid_token' });
    } finally {
      await guard.close();
    }
  });
});

test('each use of root is counted: its credentials anywhere, and its tokens', async () => {
  const server = await start();
  const count = async () => {
    const { body } = await server.call('GET', '/metrics');
    return Number(/^postern_root_requests_total (\d+)$/m.exec(body)?.[1]);
  };
  expect(await count()).toBe(0);
  const token = await server.rootToken();
  for (const [path, form] of credentialForms(server.root, token)) {
    await server.postForm(path, form);
  }
  await server.postForm('/api/v1/oauth/token', { ...credentialForms(server.root, '')[0][1], scope: 'no:such' });
  await use(server, await server.rootToken());
  expect(await count()).toBe(7);
  const client = await server.createClient({ scopes: ['scope:read'] });
  expect(await count()).toBe(9);
  await use(server, await server.token(client));
  expect(await count()).toBe(9);
});
