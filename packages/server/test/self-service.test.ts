/** Whoever has no administrative scope changes little in a minute, so that nobody floods the audit trail. RFC 6585 §4. */
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const path = '/api/v1/oauth';

/** Changes per minute, as the manual says. */
const mostOfClient = 60;
const mostOfInitialToken = 300;

const openRoutes: string[] = [];
let server: TestServer;
let client: Credentials;
beforeAll(async () => {
  server = await startTestServer({
    env: { POSTERN_REGISTRATION: 'initial_access_token' },
    before: (app) => {
      app.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
        if (config?.scope === undefined) {
          openRoutes.push(...[method].flat().map((name) => `${name} ${url}`));
        }
      });
    },
  });
  client = await server.createClient({ scopes: ['scope:read'] });
});
afterAll(() => server.close());
beforeEach(() => server.advance(60));

const countEvents = async () => (await server.rows('events')).length;

async function createInitialToken(uses: number): Promise<string> {
  const { body } = await server.call('POST', `${path}/initial-access-token`, {
    token: await server.rootToken(),
    body: { scopes: ['scope:read'], max_uses: uses },
  });
  return body.initial_access_token;
}

const register = async (token?: string) =>
  server.call('POST', `${path}/register`, { token: token ?? (await createInitialToken(1)), body: {} });

/** Calls that would all make a change, one after the other until one is refused, and how many were not. */
async function flood(call: () => Promise<Answer>, most: number): Promise<{ refused: Answer; passed: number }> {
  for (let passed = 0; passed <= most; passed += 1) {
    const answer = await call();
    if (answer.status >= 300) {
      return { refused: answer, passed };
    }
  }
  throw new Error(`more than ${most} calls passed`);
}

function expectTooMany({ status, headers, body }: Answer): void {
  expect([status, body.error]).toEqual([429, 'too_many_requests']);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
}

/** Every route that needs no scope and is no mere reading. Those that are limited: below, in sessions.test.ts and in revocation-floods.test.ts. */
const writing: Record<string, 'limited' | 'changes nothing'> = {
  [`POST ${path}/token`]: 'changes nothing',
  [`POST ${path}/introspect`]: 'changes nothing',
  [`POST ${path}/explain`]: 'changes nothing',
  'POST /api/v1/session': 'limited',
  'POST /api/v1/session/code': 'limited',
  'POST /api/v1/session/token': 'changes nothing',
  // A session ends once.
  'DELETE /api/v1/session': 'limited',
  [`POST ${path}/revoke`]: 'limited',
  [`POST ${path}/register`]: 'limited',
  [`GET ${path}/register/:client_id`]: 'limited',
  [`PUT ${path}/register/:client_id`]: 'limited',
  [`DELETE ${path}/register/:client_id`]: 'limited',
};

test('every route without a scope either only reads, or changes nothing, or is limited', () => {
  const others = openRoutes.filter((route) => !/^(?:GET|HEAD|OPTIONS) /.test(route) || route.includes('/register/'));
  expect(others.toSorted()).toEqual(Object.keys(writing).toSorted());
});

test('what reads changes nothing, and neither do tokens, introspection, explanations and failures of all kinds', async () => {
  const token = await server.token(client);
  const { clientId: client_id, clientSecret: client_secret } = client;
  const form = { grant_type: 'client_credentials', client_id, client_secret, token };
  const before = await countEvents();
  for (const [method, url] of openRoutes.map((route) => route.split(' ') as [string, string])) {
    const target = url.replaceAll(/:\w+/g, client_id);
    await server.call(method, target, method === 'GET' || method === 'HEAD' ? {} : { body: { token } });
    await server.call(method, target, { token: 'wrong' });
    if (method === 'POST' && writing[`${method} ${url}`] === 'changes nothing') {
      expect((await server.postForm(target, { ...form, client_secret: 'wrong' })).status).toBeGreaterThanOrEqual(400);
      await server.postForm(target, form);
    }
  }
  await server.postForm(`${path}/revoke`, { ...form, client_secret: 'wrong' });
  await server.postForm(`${path}/revoke`, { ...form, token: 'wrong' });
  expect(await countEvents()).toBe(before);
});

describe('a registration is read, changed and deleted', () => {
  test.each(['GET', 'PUT'])('by %s at most 60 times a minute, and others are not affected', async (method) => {
    const { body } = await register();
    const url = `${path}/register/${body.client_id}`;
    let token: string = body.registration_access_token;
    const call = async () => {
      const answer = await server.call(method, url, {
        token,
        ...(method === 'PUT' && { body: { client_id: body.client_id } }),
      });
      token = answer.body.registration_access_token ?? token;
      return answer;
    };
    const { refused, passed } = await flood(call, mostOfClient);
    expectTooMany(refused);
    expect(passed).toBe(mostOfClient);
    const before = await countEvents();
    for (const other of ['GET', 'PUT', 'DELETE']) {
      expectTooMany(await server.call(other, url, { token, ...(other === 'PUT' && { body: {} }) }));
    }
    expect(await countEvents()).toBe(before);
    const second = (await register()).body;
    const read = await server.call('GET', `${path}/register/${second.client_id}`, {
      token: second.registration_access_token,
    });
    expect(read.status).toBe(200);
    await server.advance(Number(refused.headers.get('retry-after')));
    expect((await server.call('DELETE', url, { token })).status).toBe(204);
  });

  test('a stranger without its token uses up nothing of that', async () => {
    const { body } = await register();
    const url = `${path}/register/${body.client_id}`;
    for (let index = 0; index < mostOfClient; index += 1) {
      await server.call('GET', url, { token: 'wrong' });
    }
    expect((await server.call('GET', url, { token: body.registration_access_token })).status).toBe(200);
  });
});

test('an initial access token and an address register at most 300 clients a minute', async () => {
  const token = await createInitialToken(1_000);
  const { refused, passed } = await flood(() => register(token), mostOfInitialToken);
  expectTooMany(refused);
  expect(passed).toBe(mostOfInitialToken);
  const other = await createInitialToken(1);
  const before = await countEvents();
  expectTooMany(await register(other));
  expect(await countEvents()).toBe(before);
});
