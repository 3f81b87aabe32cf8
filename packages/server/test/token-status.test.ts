/** A token is rejected as soon as what is behind it is revoked. RFC 6750 §3.1, RFC 7519 §4.1.4. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as startRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const [firstSecret, secondSecret] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')] as const;

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

const rejected = {
  status: 401,
  body: { error: 'invalid_token', detail: 'The access token is expired, revoked or not valid here: get a new one.' },
};
const challenge = 'Bearer realm="Postern", error="invalid_token", ';

function expectRejected(answer: Answer): void {
  expect({ status: answer.status, body: answer.body }).toEqual(rejected);
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
      expectRejected(await use(token));
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
    expectRejected(await use(token));
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
    expectRejected(await use(old));
    await expect(server.token(client)).rejects.toThrow('invalid_client');
    await asRoot('PATCH', pathOf(client), { enabled: true });
    expectRejected(await use(old));
    const fresh = await server.token(client);
    expect((await use(fresh)).status).toBe(200);
    expectRejected(await use(old));
  });

  test('when its client was disabled before the token was ever used', async () => {
    const client = await server.createClient(['scope:read']);
    const token = await server.token(client);
    await asRoot('PATCH', pathOf(client), { enabled: false });
    expectRejected(await use(token));
  });

  test('when it asks for what deletes its own client, once', async () => {
    const suicidal = await server.createClient({ scopes: ['client:delete', 'scope:read'], grantable_scopes: [] });
    const token = await server.token(suicidal);
    expect((await server.call('DELETE', pathOf(suicidal), { token })).status).toBe(204);
    expectRejected(await server.call('DELETE', pathOf(suicidal), { token }));
    expectRejected(await use(token));
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
      expectRejected(await use(token, own));
      expect((await use(longer, own)).status).toBe(200);
      own.advance(60);
      expectRejected(await use(longer, own));
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
    // Node sends 100 Continue as it passes the request to the guard, which waits for nothing outside of the process.
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
    expect(await finish({ scopes: ['policy:read'] })).toEqual(rejected);
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

    const events = await server.db.selectFrom('events').selectAll().orderBy('sequence').execute();
    const kinds = events
      .filter(({ actor, subject }) => actor === maker.clientId || subject === maker.clientId)
      .map(({ kind }) => kind)
      .filter((kind) => kind.startsWith('client.'));
    const done = answers.filter(({ status }) => status === 200);
    expect(kinds).toEqual(['client.created', ...done.map(() => 'client.created'), end]);
    expect(answers.filter(({ status }) => status !== 200).every(({ status }) => status === 401)).toBe(true);
  });
});

describe('over a restart on the same data', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'postern-restart-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  /** Starts on the data, does the work and stops. */
  async function running<T>(env: Record<string, string>, work: (server: TestServer) => Promise<T>): Promise<T> {
    const started = await startTestServer({ dataDir, env: { POSTERN_ISSUER: 'http://localhost:8080', ...env } });
    try {
      return await work(started);
    } finally {
      await started.close();
    }
  }

  test('tokens of root and of others remain valid, and revoked ones remain invalid', async () => {
    const before = await running({}, async (first) => {
      const client = await first.createClient(['scope:read']);
      const disabled = await first.createClient(['scope:read']);
      const tokens = {
        root: await first.rootToken(),
        living: await first.token(client),
        revoked: await first.token(disabled),
      };
      for (const enabled of [false, true]) {
        await first.call('PATCH', pathOf(disabled), { token: tokens.root, body: { enabled } });
      }
      return { root: first.root, client, tokens };
    });
    await running({}, async (second) => {
      expect(second.root).toEqual(before.root);
      expect((await use(before.tokens.root, second)).status).toBe(200);
      expect((await use(before.tokens.living, second)).status).toBe(200);
      expectRejected(await use(before.tokens.revoked, second));
      expect(await second.token(before.client)).toEqual(expect.any(String));
    });
  });

  test('those of root die when its secret or its id changed, and only those', async () => {
    const env = (id: string, secret: string) => ({ OAUTH_ROOT_CLIENT_ID: id, OAUTH_ROOT_CLIENT_SECRET: secret });
    const tokens = await running(env('root', firstSecret), async (first) => ({
      root: await first.rootToken(),
      other: await first.token(await first.createClient(['scope:read'])),
    }));
    for (const changed of [env('root', secondSecret), env('other', firstSecret)]) {
      await running(changed, async (second) => {
        expectRejected(await use(tokens.root, second));
        expect((await use(tokens.other, second)).status).toBe(200);
        expect((await use(await second.rootToken(), second)).status).toBe(200);
      });
    }
    await running(env('root', firstSecret), async (third) => {
      expect((await use(tokens.root, third)).status).toBe(200);
    });
  });

  test('a token of another issuer is invalid', async () => {
    const token = await running({}, (first) => first.rootToken());
    await running({ POSTERN_ISSUER: 'http://localhost:8081' }, async (renamed) => {
      expectRejected(await use(token, renamed));
    });
  });
});

test('a token of another installation is invalid, even if the issuer is the same', async () => {
  const env = {
    POSTERN_ISSUER: 'http://localhost:8080',
    OAUTH_ROOT_CLIENT_ID: 'root',
    OAUTH_ROOT_CLIENT_SECRET: firstSecret,
  };
  const [first, second] = [await startTestServer({ env }), await startTestServer({ env })];
  try {
    expectRejected(await use(await first.rootToken(), second));
  } finally {
    await first.close();
    await second.close();
  }
});

describe('RFC 6750 §3.1 what a caller learns', () => {
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

  test('the answer to a tampered token is that to a revoked one', async () => {
    const other = root.at(-10) === 'A' ? 'B' : 'A';
    expectRejected(await use(root.slice(0, -10) + other + root.slice(-9)));
    expectRejected(await use('x'));
  });
});
