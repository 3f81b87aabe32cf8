/** Sessions of people in front of the console: cookies, tokens, and how they end. */

import { type Answer, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const path = '/api/v1/session';
const ownPage = { 'postern-session': '1' };

interface Call {
  readonly cookie?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Sends a request as a page of the server does, unless `headers` say otherwise. */
async function call(
  method: string,
  at: string,
  { cookie, headers = ownPage, body }: Call = {},
  url = server.url,
): Promise<Answer> {
  const response = await fetch(url + at, {
    method,
    headers: {
      ...headers,
      ...(cookie !== undefined && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

const cookieOf = ({ headers }: Answer): string => headers.get('set-cookie')?.split(';')[0] ?? '';

async function signIn({ clientId, clientSecret } = server.root): Promise<{ cookie: string; answer: Answer }> {
  const answer = await call('POST', path, { body: { client_id: clientId, client_secret: clientSecret } });
  return { cookie: cookieOf(answer), answer };
}

async function tokenOf(cookie: string, body: object = {}): Promise<string> {
  const answer = await call('POST', `${path}/token`, { cookie, body });
  return answer.body.access_token;
}

const statusWith = async (token: string) => (await server.call('GET', '/api/v1/oauth/client', { token })).status;

describe('a session', () => {
  test('that is killed by the id that its tokens name gets no token any more, also when no revocation is remembered', async () => {
    const { cookie } = await signIn();
    const token = await tokenOf(cookie);
    const [session] = claimsOf(token)['parent_tokens'] as { jti: string }[];
    const body = { jti: session?.jti };
    const killed = await server.call('POST', '/api/v1/oauth/revoke_one', { token: await server.rootToken(), body });
    expect([killed.status, killed.body.status]).toEqual([200, 'inactive']);
    expect(await statusWith(token)).toBe(401);
    expect((await server.eventsAbout(session?.jti)).map(({ kind }) => kind)).toEqual([
      'session.started',
      'session.ended',
    ]);
    expect((await call('POST', `${path}/token`, { cookie, body: {} })).status).toBe(401);
  });

  test('survives in a cookie that no script can read and no other site sends', async () => {
    const { cookie, answer } = await signIn();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^postern-session-[0-9a-f]{8}=posternses\w{49}; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const { body } = await call('GET', path, { cookie });
    expect(body.session).toMatchObject({ client_id: server.root.clientId });
    expect(await statusWith(await tokenOf(cookie))).toBe(200);
  });

  test('has its secret nowhere but in the cookie', async () => {
    const { cookie, answer } = await signIn();
    const secret = cookie.split('=')[1] as string;
    expect(JSON.stringify(answer.body)).not.toContain(secret);
    expect(JSON.stringify(await server.rows('sessions'))).not.toContain(secret);
    expect(JSON.stringify(await server.rows('events'))).not.toContain(secret);
    expect(server.log.join('')).not.toContain(secret);
  });

  test('gets tokens that live for five minutes, have the scopes asked for, and name it as their parent', async () => {
    const { cookie, answer } = await signIn();
    const claims = claimsOf(await tokenOf(cookie, { scope: 'client:read' }));
    expect(claims).toMatchObject({
      client_id: server.root.clientId,
      aud: server.url,
      scope: 'client:read',
      parent_tokens: [{ jti: answer.body.id, client_id: server.root.clientId }],
    });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(300);
    const narrow = await server.createClient({ name: 'narrow', scopes: ['client:read'] });
    const own = await signIn(narrow);
    const { status, body } = await call('POST', `${path}/token`, {
      cookie: own.cookie,
      body: { scope: 'client:delete' },
    });
    expect([status, body.error]).toEqual([400, 'invalid_scope']);
    expect(claimsOf(await tokenOf(own.cookie))['scope']).toBe('client:read');
  });

  test('is new with each sign-in, whatever cookie the browser sends', async () => {
    const planted = `${(await signIn()).cookie.split('=')[0]}=posternses${'0'.repeat(49)}`;
    const { clientId: client_id, clientSecret: client_secret } = server.root;
    const answer = await call('POST', path, { cookie: planted, body: { client_id, client_secret } });
    expect(cookieOf(answer)).not.toBe(planted);
    expect((await call('GET', path, { cookie: planted })).body.session).toBeNull();
  });

  test('does not begin with a wrong secret, and answers as the token endpoint does', async () => {
    const { status, body, headers } = await call('POST', path, {
      body: { client_id: server.root.clientId, client_secret: 'x'.repeat(40) },
    });
    expect([status, body.error, headers.get('set-cookie')]).toEqual([401, 'invalid_client', null]);
  });

  test('does not begin for a client whose tokens must be bound, or that may not use client_credentials', async () => {
    const bound = await server.createClient({ name: 'bound', scopes: [], dpop_bound_access_tokens: true });
    const { answer } = await signIn(bound);
    expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client']);
  });

  test('gets its client no more than the secret does: tokens within its quota, and with its may_act', async () => {
    const client = await server.createClient({
      name: 'limited',
      scopes: ['client:read'],
      token_quota_per_minute: 2,
      may_act: 'gateway',
    });
    const { cookie } = await signIn(client);
    expect(claimsOf(await tokenOf(cookie))).toMatchObject({ may_act: { sub: 'gateway' } });
    await server.token(client);
    const { status, headers, body } = await call('POST', `${path}/token`, { cookie, body: {} });
    expect([status, body.error]).toEqual([429, 'too_many_requests']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('is in the audit trail from its start to its end', async () => {
    const { cookie, answer } = await signIn();
    await call('DELETE', path, { cookie });
    const { clientId } = server.root;
    expect(await server.eventsAbout(answer.body.id)).toMatchObject([
      { actor: clientId, kind: 'session.started', data: { client_id: clientId, kind: 'browser' } },
      { actor: clientId, kind: 'session.ended', data: { client_id: clientId } },
    ]);
  });
});

describe('a session ends', () => {
  test('by signing out, and its tokens with it', async () => {
    const { cookie } = await signIn();
    const other = await signIn();
    const token = await tokenOf(cookie);
    const answer = await call('DELETE', path, { cookie });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect(await statusWith(token)).toBe(401);
    expect((await call('POST', `${path}/token`, { cookie, body: {} })).status).toBe(401);
    expect(await statusWith(await tokenOf(other.cookie))).toBe(200);
  });

  test('by signing out everywhere, in every browser', async () => {
    const client = await server.createClient({ name: 'two browsers', scopes: ['client:read'] });
    const [first, second] = [await signIn(client), await signIn(client)];
    const stranger = await signIn();
    const tokens = [await tokenOf(first.cookie), await tokenOf(second.cookie)];
    await call('DELETE', `${path}?where=everywhere`, { cookie: first.cookie });
    expect(await Promise.all(tokens.map(statusWith))).toEqual([401, 401]);
    expect((await call('GET', path, { cookie: second.cookie })).body.session).toBeNull();
    expect((await call('GET', path, { cookie: stranger.cookie })).body.session).not.toBeNull();
  });

  test('when its client is disabled, deleted, or loses all of its tokens', async () => {
    const token = await server.rootToken();
    const ways: [string, string, object | undefined][] = [
      ['PATCH', '', { enabled: false }],
      ['DELETE', '', undefined],
      ['POST', '/revoke', undefined],
    ];
    for (const [method, at, body] of ways) {
      const client = await server.createClient({ name: 'ended', scopes: ['client:read'] });
      const { cookie } = await signIn(client);
      await server.call(method, `/api/v1/oauth/client/${client.clientId}${at}`, { token, body });
      const { status } = await call('POST', `${path}/token`, { cookie, body: {} });
      expect([method, at, status]).toEqual([method, at, 401]);
    }
  });

  test('a scope that its client loses is gone from its tokens at once, and the session goes on', async () => {
    const token = await server.rootToken();
    const client = await server.createClient({ name: 'narrowed', scopes: ['client:read', 'scope:read'] });
    const { cookie } = await signIn(client);
    const held = await tokenOf(cookie);
    await server.call('PATCH', `/api/v1/oauth/client/${client.clientId}`, { token, body: { scopes: ['scope:read'] } });
    expect(await statusWith(held)).toBe(401);
    expect(claimsOf(await tokenOf(cookie))['scope']).toBe('scope:read');
  });

  test('when nobody uses it for half an hour, and a page that only polls does not use it', async () => {
    const { cookie } = await signIn();
    await server.advance(20 * 60);
    await tokenOf(cookie, { used: true });
    await server.advance(20 * 60);
    const { body } = await call('POST', `${path}/token`, { cookie, body: { used: false } });
    expect(body.expires_in).toBe(300);
    await server.advance(9 * 60);
    expect((await call('POST', `${path}/token`, { cookie, body: { used: false } })).body.expires_in).toBe(60);
    await server.advance(60);
    expect((await call('POST', `${path}/token`, { cookie, body: { used: true } })).status).toBe(401);
  });

  test('after half a day, however much it is used', async () => {
    const { cookie } = await signIn();
    for (let quarter = 1; quarter < 48; quarter += 1) {
      await server.advance(15 * 60);
      await tokenOf(cookie);
    }
    await server.advance(15 * 60);
    expect((await call('POST', `${path}/token`, { cookie, body: {} })).status).toBe(401);
    expect(await server.rows('sessions')).toEqual([]);
  });
});

test('one client begins and ends at most 300 sessions per minute, so that it fills neither the audit trail nor the feed', async () => {
  const client = await server.createClient({ name: 'flooder', scopes: [] });
  await server.advance(60);
  const { cookie } = await signIn(client);
  const { clientId: client_id, clientSecret: client_secret } = client;
  const statuses: number[] = [];
  for (let round = 1; round <= 6; round += 1) {
    const codes = Array.from({ length: 50 }, () =>
      call('POST', `${path}/code`, { body: { client_id, client_secret } }),
    );
    statuses.push(...(await Promise.all(codes)).map(({ status }) => status));
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(299);
  const { answer } = await signIn(client);
  expect([answer.status, answer.body.error]).toEqual([429, 'too_many_requests']);
  expect((await call('DELETE', path, { cookie })).status).toBe(429);
  expect((await signIn()).answer.status).toBe(200);
  await server.advance(60);
  expect((await call('DELETE', path, { cookie })).status).toBe(204);
});

describe('a code for another session', () => {
  const codeOf = async (cookie: string): Promise<string> =>
    (await call('POST', `${path}/code`, { cookie, body: {} })).body.code;
  const redeem = (code: string) => call('POST', path, { body: { code } });

  test('begins none that lasts longer than the one by which it was asked for, however many follow one another', async () => {
    const { cookie, answer } = await signIn();
    let last = cookie;
    for (let count = 1; count <= 3; count += 1) {
      await server.advance(20 * 60);
      const next = await redeem(await codeOf(last));
      expect([next.status, next.body.ends_at]).toEqual([200, answer.body.ends_at]);
      last = cookieOf(next);
    }
  });

  test('can no longer be used when the session by which it was asked for has ended', async () => {
    const { cookie } = await signIn();
    const code = await codeOf(cookie);
    await call('DELETE', path, { cookie });
    const { status, body } = await redeem(code);
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  });

  test('can no longer be used after signing out everywhere, also if it was asked for by a secret', async () => {
    const client = await server.createClient({ name: 'everywhere', scopes: ['client:read'] });
    const { clientId: client_id, clientSecret: client_secret } = client;
    const { body } = await call('POST', `${path}/code`, { body: { client_id, client_secret } });
    await call('DELETE', `${path}?where=everywhere`, { cookie: (await signIn(client)).cookie });
    expect((await redeem(body.code)).body.error).toBe('invalid_grant');
  });
});

describe('a page of another origin', () => {
  const attacks: [string, Record<string, string>][] = [
    ['a form, which sets no header', {}],
    ['a script that sets the header', { ...ownPage, origin: 'https://evil.example' }],
    ['a page in a sandbox', { ...ownPage, origin: 'null' }],
    ['another port of this machine', { ...ownPage, origin: 'http://127.0.0.1:1' }],
    ['a sibling of the host', { ...ownPage, 'sec-fetch-site': 'same-site' }],
    ['another site', { ...ownPage, 'sec-fetch-site': 'cross-site' }],
    ['an address that somebody typed', { ...ownPage, 'sec-fetch-site': 'none' }],
  ];

  test.each(attacks)('%s: gets no token, reads nothing, ends no session and starts none', async (_name, headers) => {
    const { cookie } = await signIn();
    const { clientId: client_id, clientSecret: client_secret } = server.root;
    const answers = [
      await call('POST', `${path}/token`, { cookie, headers, body: {} }),
      await call('GET', path, { cookie, headers }),
      await call('DELETE', path, { cookie, headers }),
      await call('POST', path, { headers, body: { client_id, client_secret } }),
    ];
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(answers.map(() => [403, 'access_denied']));
    expect((await call('GET', path, { cookie })).body.session).not.toBeNull();
  });

  test('gets no permission to send the header, and none to send cookies', async () => {
    const { headers } = await call('OPTIONS', path, {
      headers: { origin: 'https://evil.example', 'access-control-request-headers': 'postern-session' },
    });
    const allowing = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
    expect(allowing).toEqual([]);
  });

  test('a cookie is no credential for any other route', async () => {
    const { cookie } = await signIn();
    for (const at of ['/api/v1/oauth/client', '/api/v1/oauth/events', '/api/v1/policy']) {
      expect([at, (await call('GET', at, { cookie })).status]).not.toEqual([at, 200]);
    }
  });
});

test('the cookie of an https server is bound to its host', async () => {
  const { createSessionCookie } = await import('../src/sessions/session-cookie.ts');
  const secure = createSessionCookie('https://auth.example.com/tenant');
  expect(secure.write('x')).toMatch(
    /^__Host-postern-session-[0-9a-f]{8}=x; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  const other = createSessionCookie('https://auth.example.com/other');
  expect(other.read(secure.write('x').split(';')[0])).toBeUndefined();
});

test('another node takes the session, and one that ended on one node has ended on the other', async () => {
  const { cookie } = await signIn();
  const token = await tokenOf(cookie);
  const second = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
  try {
    const answer = await call('POST', `${path}/token`, { cookie, body: {} }, second.url);
    expect(answer.status).toBe(200);
    await call('DELETE', path, { cookie }, second.url);
    expect((await call('POST', `${path}/token`, { cookie, body: {} })).status).toBe(401);
    await server.advance(1);
    expect(await statusWith(token)).toBe(401);
  } finally {
    await second.close();
  }
});
