/** What web pages of other origins may read and send, as browsers ask before (CORS). RFC 6454 §7. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const app = 'https://app.example.com';
const tools = 'http://localhost:5173';
const tokenPath = '/api/v1/oauth/token';
const documents = [
  'oauth-authorization-server',
  'openid-configuration',
  'oauth-protected-resource',
  'jwks.json',
  'revocation-feed-jwks.json',
].map((name) => `/.well-known/${name}`);
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    env: { POSTERN_CORS_ORIGINS: `${app}, ${tools}` },
    extend: async (served) => {
      served.get('/unanswered', () => new Promise<never>(() => {}));
    },
  });
});
afterAll(() => server.close());

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** By Node's own request: fetch sends some of these headers by itself. */
const send = (method: string, path: string, headers: Record<string, string>, body = '', base = server.url) =>
  new Promise<Seen>((resolve, reject) => {
    const sent = request(base + path, { method, headers, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
    });
    sent.on('error', reject).end(body);
  });
const preflight = (path: string, origin: string, method = 'POST', base = server.url) =>
  send(
    'OPTIONS',
    path,
    {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,dpop',
    },
    '',
    base,
  );
const corsOf = ({ headers }: Seen) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-') || name === 'vary'));
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const grant = () =>
  `grant_type=client_credentials&client_id=${server.root.clientId}&client_secret=${server.root.clientSecret}`;

describe('metadata and keys', () => {
  test.each(documents)('%s may be read by every page, also with headers of its own', async (path) => {
    for (const origin of [app, 'https://stranger.example', 'null']) {
      for (const method of ['GET', 'HEAD']) {
        expect(corsOf(await send(method, path, { origin }))).toEqual({ 'access-control-allow-origin': '*' });
      }
      const asked = await preflight(path, origin, 'GET');
      expect(asked.status).toBe(204);
      expect(corsOf(asked)).toEqual({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': '*',
        'access-control-max-age': '600',
      });
    }
  });
});

describe('the token endpoint', () => {
  test.each([app, tools])('answers the page of a listed origin, %s, and names that one alone', async (origin) => {
    const asked = await preflight(tokenPath, origin);
    expect(asked.status).toBe(204);
    expect(corsOf(asked)).toEqual({
      vary: 'origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'dpop-nonce, www-authenticate, retry-after',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type, dpop',
      'access-control-max-age': '600',
    });
    const got = await send('POST', tokenPath, { ...form, origin }, grant());
    expect(got.status).toBe(200);
    expect(corsOf(got)).toEqual({
      vary: 'origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'dpop-nonce, www-authenticate, retry-after',
    });
  });

  test('lets that page read errors too, whatever refused the request', async () => {
    const refused = [
      await send(
        'POST',
        tokenPath,
        { ...form, origin: app },
        'grant_type=client_credentials&client_id=a&client_secret=b',
      ),
      await send('POST', tokenPath, { 'content-type': 'text/plain', origin: app }, 'x'),
      await send('POST', tokenPath, { ...form, origin: app, host: 'a b' }, grant()),
    ];
    expect(refused.map(({ status }) => status)).toEqual([401, 400, 400]);
    for (const answer of refused) {
      expect(corsOf(answer)).toMatchObject({ vary: 'origin', 'access-control-allow-origin': app });
    }
  });

  test('lets that page read that it must wait, and for how long', async () => {
    const { clientId } = await server.createClient({});
    const wrong = `grant_type=client_credentials&client_id=${clientId}&client_secret=wrong`;
    let answer = await send('POST', tokenPath, { ...form, origin: app }, wrong);
    for (let tries = 0; answer.status === 401 && tries < 100; tries += 1) {
      answer = await send('POST', tokenPath, { ...form, origin: app }, wrong);
    }
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(corsOf(answer)).toMatchObject({
      'access-control-allow-origin': app,
      'access-control-expose-headers': expect.stringContaining('retry-after'),
    });
  });

  test('lets that page read that the server is overloaded', async () => {
    const { port, hostname } = new URL(server.url);
    const sockets = Array.from({ length: 1_001 }, () => connect(Number(port), hostname).on('error', () => {}));
    for (const socket of sockets) {
      socket.write('GET /unanswered HTTP/1.1\r\nHost: x\r\n\r\n');
    }
    await vi.waitFor(async () => expect((await preflight(tokenPath, app)).status).toBe(503), 10_000);
    const answers = [
      await send('POST', tokenPath, { ...form, origin: app }, grant().replace(server.root.clientId, 'a')),
      await preflight(tokenPath, app),
    ];
    for (const socket of sockets) {
      socket.destroy();
    }
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    for (const answer of answers) {
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      expect(corsOf(answer)).toMatchObject({ vary: 'origin', 'access-control-allow-origin': app });
    }
  });

  test.each([
    'https://stranger.example',
    'https://app.example.com.stranger.example',
    'https://APP.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    `${app}, ${tools}`,
    'null',
    '*',
  ])('allows nothing to %s', async (origin) => {
    const answers = [await preflight(tokenPath, origin), await send('POST', tokenPath, { ...form, origin }, grant())];
    for (const answer of answers) {
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.headers['access-control-expose-headers']).toBeUndefined();
      expect(answer.headers['vary']).toBe('origin');
    }
  });

  test('says nothing of origins to a caller that is no page, and never allows cookies', async () => {
    expect(corsOf(await send('POST', tokenPath, form, grant()))).toEqual({ vary: 'origin' });
    expect((await preflight(tokenPath, app)).headers['access-control-allow-credentials']).toBeUndefined();
  });

  test('405 names OPTIONS among the methods', async () => {
    const { status, headers } = await send('GET', tokenPath, { origin: app });
    expect([status, headers['allow']]).toEqual([405, 'POST, OPTIONS']);
  });
});

test.each([
  ['/api/v1/oauth/introspect', 'POST'],
  ['/api/v1/oauth/revoke', 'POST'],
  ['/api/v1/oauth/register', 'POST'],
  ['/api/v1/oauth/client', 'GET'],
  ['/api/v1/oauth/revocations', 'GET'],
  ['/health', 'GET'],
  ['/metrics', 'GET'],
  ['/nothing', 'GET'],
])('%s allows no page of another origin anything', async (path, method) => {
  const asked = await preflight(path, app, method);
  expect([404, 405]).toContain(asked.status);
  expect(corsOf(asked)).toEqual({});
  expect(corsOf(await send(method, path, { origin: app }))).toEqual({});
});

describe('below an issuer with a path', () => {
  let below: TestServer;
  beforeAll(async () => {
    below = await startTestServer({
      env: { POSTERN_ISSUER: 'http://localhost:8080/auth', POSTERN_CORS_ORIGINS: app },
    });
  });
  afterAll(() => below.close());

  test.each(documents)('%s may be read by every page', async (path) => {
    for (const place of [`/auth${path}`, path]) {
      const asked = await preflight(place, app, 'GET', below.url);
      expect([place, asked.status, corsOf(asked)['access-control-allow-origin']]).toEqual([place, 204, '*']);
      const got = await send('GET', place, { origin: app }, '', below.url);
      expect([place, got.status, corsOf(got)]).toEqual([place, 200, { 'access-control-allow-origin': '*' }]);
    }
  });

  test('the documents whose path RFC 8414 and RFC 9728 put behind the name, too', async () => {
    for (const name of ['oauth-authorization-server', 'oauth-protected-resource']) {
      const place = `/.well-known/${name}/auth`;
      expect((await preflight(place, app, 'GET', below.url)).status).toBe(204);
      const got = await send('GET', place, { origin: app }, '', below.url);
      expect([got.status, corsOf(got)]).toEqual([200, { 'access-control-allow-origin': '*' }]);
    }
  });

  test('the token endpoint answers the page of a listed origin, and no other', async () => {
    const path = `/auth${tokenPath}`;
    const credentials = `client_id=${below.root.clientId}&client_secret=${below.root.clientSecret}`;
    const body = `grant_type=client_credentials&${credentials}`;
    expect((await preflight(path, app, 'POST', below.url)).status).toBe(204);
    const got = await send('POST', path, { ...form, origin: app }, body, below.url);
    expect([got.status, got.headers['access-control-allow-origin']]).toEqual([200, app]);
    const other = await send('POST', path, { ...form, origin: 'http://localhost:8080' }, body, below.url);
    expect(other.headers['access-control-allow-origin']).toBe(undefined);
  });
});
