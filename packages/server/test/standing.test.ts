/** A token dies the moment its ground goes. RFC 6750 §3.1, RFC 7519 §4.1.4. */
import { once } from 'node:events';
import { request as startRequest } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type Credentials, startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const clientPath = '/api/v1/oauth/client';
const pathOf = ({ clientId }: Credentials) => `${clientPath}/${clientId}`;
const asRoot = async (method: string, path: string, body?: unknown) => {
  const answer = await server.call(method, path, { token: root, body });
  expect(answer.status).toBeLessThan(300);
};
const use = (token: string, at = server) => at.call('GET', '/api/v1/oauth/scope', { token });
const listClients = (token: string) => server.call('GET', clientPath, { token });

const dead = {
  status: 401,
  body: { error: 'invalid_token', detail: 'The access token is expired, revoked or not valid here.' },
};
const challenge = 'Bearer realm="Postern", error="invalid_token", ';

function expectDead(answer: Answer): void {
  expect({ status: answer.status, body: answer.body }).toEqual(dead);
  expect(answer.headers.get('www-authenticate')).toContain(challenge);
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

describe('on the very next call a token is invalid_token', () => {
  test('when its client was deleted', async () => {
    const client = await server.createClient(['scope:read']);
    const tokens = [await server.token(client), await server.token(client)];
    for (const token of tokens) {
      expect((await use(token)).status).toBe(200);
    }
    await asRoot('DELETE', pathOf(client));
    for (const token of tokens) {
      expectDead(await use(token));
    }
  });

  test.each([
    ['PUT', '/scope', ['policy:read']],
    ['PUT', '', { scopes: ['policy:read'] }],
    ['PATCH', '', { scopes: [] }],
  ])('when a scope that it holds was taken from its client, by %s %s', async (method, tail, body) => {
    const client = await server.createClient(['scope:read', 'policy:read']);
    const token = await server.token(client);
    expect((await use(token)).status).toBe(200);
    await asRoot(method, pathOf(client) + tail, body);
    expectDead(await use(token));
  });

  test('but not when it does not hold the scope that was taken', async () => {
    const client = await server.createClient(['scope:read', 'policy:read']);
    const token = await server.token(client, 'scope:read');
    await asRoot('PUT', `${pathOf(client)}/scope`, ['scope:read']);
    expect((await use(token)).status).toBe(200);
  });

  test('when its client was disabled, for good: enabling again does not bring it back', async () => {
    const client = await server.createClient(['scope:read']);
    const old = await server.token(client);
    await asRoot('PATCH', pathOf(client), { enabled: false });
    expectDead(await use(old));
    await expect(server.token(client)).rejects.toThrow('invalid_client');
    await asRoot('PATCH', pathOf(client), { enabled: true });
    expectDead(await use(old));
    const fresh = await server.token(client);
    expect((await use(fresh)).status).toBe(200);
    expectDead(await use(old));
  });

  test('when its client was disabled before the token was ever used', async () => {
    const client = await server.createClient(['scope:read']);
    const token = await server.token(client);
    await asRoot('PATCH', pathOf(client), { enabled: false });
    expectDead(await use(token));
  });

  test('when it asks for what deletes its own client, once', async () => {
    const suicidal = await server.createClient({ scopes: ['client:delete', 'scope:read'], grantable_scopes: [] });
    const token = await server.token(suicidal);
    expect((await server.call('DELETE', pathOf(suicidal), { token })).status).toBe(204);
    expectDead(await server.call('DELETE', pathOf(suicidal), { token }));
    expectDead(await use(token));
  });

  test('RFC 7519 §4.1.4 when its lifetime is over, to the second', async () => {
    const own = await startTestServer({ env: { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '1' } });
    try {
      const [token, longer] = [
        await own.rootToken(),
        await own.token(await own.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 120 })),
      ];
      own.advance(58);
      expect((await use(token, own)).status).toBe(200);
      own.advance(2);
      expectDead(await use(token, own));
      expect((await use(longer, own)).status).toBe(200);
      own.advance(60);
      expectDead(await use(longer, own));
    } finally {
      await own.close();
    }
  });
});

describe('while a request is under way', () => {
  /** Sends the head of a call, and waits until the guard let it pass; what is returned sends the body. */
  async function startCall(token: string, path: string, method: string) {
    const request = startRequest(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', expect: '100-continue' },
    });
    request.flushHeaders();
    // Node says so and hands the request to the guard in one step, and the guard waits for nothing outside.
    await once(request, 'continue');
    return async (body: unknown): Promise<{ status: number | undefined; body: unknown }> => {
      request.end(JSON.stringify(body));
      const [response] = await once(request, 'response');
      const text = (await response.toArray()).join('');
      return { status: response.statusCode, body: JSON.parse(text) };
    };
  }

  test.each([
    ['deleted', 'DELETE', '', undefined],
    ['disabled', 'PATCH', '', { enabled: false }],
    ['without its scope', 'PUT', '/scope', []],
  ])('a client that is %s meanwhile makes no other client any more', async (_, method, tail, change) => {
    const maker = await server.createClient(['client:create']);
    const finish = await startCall(await server.token(maker), clientPath, 'POST');
    await asRoot(method, pathOf(maker) + tail, change);
    const before = (await listClients(root)).body.total;
    expect(await finish({ scopes: ['policy:read'] })).toEqual(dead);
    expect((await listClients(root)).body.total).toBe(before);
  });

  test.each([
    ['DELETE', undefined, 'client.deleted'],
    ['PATCH', { enabled: false }, 'client.updated'],
  ])('of many calls at once, none is done after the %s that ends their client', async (method, change, end) => {
    const maker = await server.createClient(['client:create']);
    const token = await server.token(maker);
    const create = () => server.call('POST', clientPath, { token, body: {} });
    const before = Array.from({ length: 20 }, create);
    const ending = asRoot(method, pathOf(maker), change);
    const after = Array.from({ length: 20 }, create);
    const answers = await Promise.all([...before, ...after]);
    await ending;

    const database = new DatabaseSync(`${server.dataDir}/postern.db`, { readOnly: true });
    const kinds = database
      .prepare("select kind from events where kind like 'client.%' and (actor = ? or subject = ?) order by sequence")
      .all(maker.clientId, maker.clientId)
      .map(({ kind }) => kind);
    database.close();
    const done = answers.filter(({ status }) => status === 200);
    expect(kinds).toEqual(['client.created', ...done.map(() => 'client.created'), end]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 401]));
  });
});

describe('over a restart on the same data', () => {
  const env = (secret: string) => ({ OAUTH_ROOT_CLIENT_ID: 'root', OAUTH_ROOT_CLIENT_SECRET: secret });
  const issuer = { POSTERN_ISSUER: 'http://localhost:8080' };

  test('tokens live on, those of root and of others, and dead ones stay dead', async () => {
    const first = await startTestServer({ env: issuer });
    try {
      const client = await first.createClient(['scope:read']);
      const disabled = await first.createClient(['scope:read']);
      const [rootToken, token, dying] = [
        await first.rootToken(),
        await first.token(client),
        await first.token(disabled),
      ];
      for (const enabled of [false, true]) {
        await first.call('PATCH', pathOf(disabled), { token: rootToken, body: { enabled } });
      }
      const second = await startTestServer({ dataDir: first.dataDir, env: issuer });
      expect(second.root).toEqual(first.root);
      expect((await use(rootToken, second)).status).toBe(200);
      expect((await use(token, second)).status).toBe(200);
      expectDead(await use(dying, second));
      expect(await second.token(client)).toEqual(expect.any(String));
      await second.close();
    } finally {
      await first.close();
    }
  });

  test('those of root die when its secret changed, and only those', async () => {
    const first = await startTestServer({ env: { ...issuer, ...env('first-secret') } });
    try {
      const client = await first.createClient(['scope:read']);
      const [rootToken, token] = [await first.rootToken(), await first.token(client)];
      const second = await startTestServer({ dataDir: first.dataDir, env: { ...issuer, ...env('second-secret') } });
      expectDead(await use(rootToken, second));
      expect((await use(token, second)).status).toBe(200);
      expect((await use(await second.rootToken(), second)).status).toBe(200);
      await second.close();

      const third = await startTestServer({
        dataDir: first.dataDir,
        env: { ...issuer, ...env('first-secret'), OAUTH_ROOT_CLIENT_ID: 'other' },
      });
      expectDead(await use(rootToken, third));
      await third.close();
    } finally {
      await first.close();
    }
  });

  test('a token of another issuer, or of another installation, is worth nothing', async () => {
    const [first, second] = [await startTestServer({ env: issuer }), await startTestServer({ env: issuer })];
    try {
      expectDead(await use(await first.rootToken(), second));
      const renamed = await startTestServer({
        dataDir: first.dataDir,
        env: { POSTERN_ISSUER: 'http://localhost:8081' },
      });
      expectDead(await use(await first.rootToken(), renamed));
      await renamed.close();
    } finally {
      await first.close();
      await second.close();
    }
  });
});

describe('RFC 6750 §3.1 what a caller is told', () => {
  test('without a token: the bare challenge, without an error code', async () => {
    const answer = await server.call('GET', '/api/v1/oauth/scope');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="Postern", resource_metadata="[^"]+"$/);
    expect(answer.body.detail).toMatch(/needs an access token/);
  });

  test('insufficient_scope: the scope that the call needs, in the challenge and in the body', async () => {
    const token = await server.token(await server.createClient(['policy:read']));
    const answer = await use(token);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="Postern", error="insufficient_scope", error_description="[^"]+", scope="scope:read", resource_metadata="[^"]+"$/,
    );
    expect(answer.body).toEqual({ error: 'insufficient_scope', detail: expect.stringContaining('scope:read') });
  });

  test('the scope must be in the token: that the client holds it is not enough', async () => {
    const client = await server.createClient(['policy:read', 'scope:read']);
    expect((await use(await server.token(client, 'policy:read'))).status).toBe(403);
    expect((await use(await server.token(client, 'scope:read'))).status).toBe(200);
  });

  test('a tampered token says nothing more than a dead one', async () => {
    expectDead(await use(`${root.slice(0, -2)}AA`));
    expectDead(await use('x'));
  });
});
