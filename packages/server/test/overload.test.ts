/** An overloaded server answers 503 at once, and no longer than the overload lasts. RFC 9110 §15.6.4. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let server: TestServer;
let client: Credentials;
/** The number of requests received, by path. */
let asked: Map<string, number>;
let onAsked: (path: string) => void;
beforeEach(async () => {
  asked = new Map();
  onAsked = () => {};
  server = await startTestServer({
    env: { POSTERN_OVERLOAD_MS: '500' },
    before: (app) => {
      app.addHook('onRequest', async ({ url }) => {
        const path = url.split('?', 1)[0] ?? '';
        asked.set(path, (asked.get(path) ?? 0) + 1);
        onAsked(path);
      });
    },
    extend: async (app) => {
      app.get('/unanswered', () => new Promise<never>(() => {}));
    },
  });
  client = await server.createClient({ scopes: ['policy:read'] });
});
afterEach(() => server.close());

const tokenPath = '/api/v1/oauth/token';
const tokenForm = ({ clientId, clientSecret } = client) => ({
  grant_type: 'client_credentials',
  client_id: clientId,
  client_secret: clientSecret,
});

async function expectShed(): Promise<void> {
  const [{ status, headers, body }, other] = await Promise.all([
    server.postForm(tokenPath, tokenForm()),
    server.call('GET', '/api/v1/oauth/scope'),
  ]);
  expect([status, body]).toEqual([
    503,
    { error: 'temporarily_unavailable', error_description: body.detail, detail: 'Server overloaded; retry later.' },
  ]);
  expect(headers.get('retry-after')).toBe('5');
  expect([other.status, other.body.error]).toEqual([503, 'temporarily_unavailable']);
}

/** Requires that what must answer under any load does. */
async function expectNeverShed(rootToken: string): Promise<void> {
  const paths = [
    '/health',
    '/health/ready',
    '/.well-known/jwks.json',
    '/.well-known/revocation-feed-jwks.json',
    '/.well-known/oauth-authorization-server',
  ];
  const answers = await Promise.all([
    ...paths.map((path) => server.call('GET', path)),
    server.call('GET', '/.well-known/oauth-protected-resource'),
    server.call('GET', '/metrics'),
    server.call('GET', '/api/v1/oauth/scope', { token: rootToken }),
    server.call('POST', '/api/v1/oauth/client', { token: rootToken, body: { scopes: ['policy:read'] } }),
    server.postForm(tokenPath, tokenForm(server.root)),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array(answers.length).fill(200));
}

const expectServed = () =>
  vi.waitFor(async () => expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200), { timeout: 20_000 });

/** Starts `count` requests from another process, each on its own connection, with these lines and what is sent of the body. */
function beginRequests(count: number, body: string, ...lines: string[]): ChildProcess {
  const { hostname, port } = new URL(server.url);
  const text = [...lines, 'Host: x', '', body].join('\r\n');
  const program = `
    const { connect } = require('node:net');
    for (let index = 0; index < ${count}; index += 1) {
      connect(${port}, '${hostname}').on('error', () => {}).write(${JSON.stringify(text)});
    }`;
  return spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, 'exit');
}

/** Blocks the thread as too many requests would, and then lets timers run once. */
async function compute(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    // The thread is blocked.
  }
  await new Promise((next) => setTimeout(next, 0));
}

test.each(['a', ''])('1,001 sockets that send %j of a body stop nobody', async (sent) => {
  const token = await server.token(client);
  const type = 'Content-Type: application/x-www-form-urlencoded';
  const child = beginRequests(1_001, sent, `POST ${tokenPath} HTTP/1.1`, type, 'Content-Length: 10');
  await vi.waitFor(() => expect(asked.get(tokenPath)).toBeGreaterThan(1_001), { timeout: 20_000 });
  expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200);
  expect((await server.call('GET', '/api/v1/policy', { token })).status).toBe(404);
  await expectNeverShed(await server.rootToken());
  await end(child);
});

test('from the thousandth unanswered request on, requests of strangers are shed, until others are gone', async () => {
  const rootToken = await server.rootToken();
  const child = beginRequests(1_000, '', 'GET /unanswered HTTP/1.1');
  await vi.waitFor(expectShed, { timeout: 20_000 });
  await expectNeverShed(rootToken);
  await end(child);
  await expectServed();
});

test('a request whose caller is gone before its turn is not handled, and is no load', async () => {
  const inFlight = async () =>
    /^postern_requests_in_flight (\d+)/m.exec((await server.call('GET', '/metrics')).body)?.[1];
  const before = await inFlight();
  const sockets = await Promise.all(
    [1, 2, 3].map(async () => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {});
      // Once it is accepted, the server reads all three requests in one turn.
      socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'data');
      return socket;
    }),
  );
  onAsked = (path) => {
    if (path === '/slow') {
      // Longer than the steps of one turn may take.
      const end = performance.now() + 20;
      while (performance.now() < end) {
        // The thread is blocked.
      }
      sockets[2]?.resetAndDestroy();
    }
  };
  for (const socket of sockets) {
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, 'data')));
  expect(await inFlight()).toBe(before);
  expect(asked.get('/slow')).toBe(2);
  for (const socket of sockets) {
    socket.destroy();
  }
});

test('requests that wait for revocations are not counted as load', async () => {
  const token = await server.rootToken();
  const feed = '/api/v1/oauth/revocations';
  const { body } = await server.call('GET', feed, { token });
  const child = beginRequests(
    1_010,
    '',
    `GET ${feed}?wait=30&cursor=${encodeURIComponent(body.cursor)} HTTP/1.1`,
    `Authorization: Bearer ${token}`,
  );
  await vi.waitFor(() => expect(asked.get(feed)).toBe(1_011), { timeout: 20_000 });
  expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200);
  expect((await server.call('GET', '/metrics')).body).toContain('postern_requests_in_flight 1\n');
  await end(child);
});

test('requests are shed while the event loop is late', async () => {
  const rootToken = await server.rootToken();
  await expectServed();
  await compute(1_000);
  expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200);
  // Repeated if this machine took longer to send a request than the server to notice that the overload is over.
  await vi.waitFor(
    async () => {
      await compute(1_000);
      await compute(1_000);
      await expectShed();
      await compute(1_000);
      await compute(1_000);
      await expectNeverShed(rootToken);
    },
    { timeout: 20_000 },
  );
  expect(server.log.join('')).toContain('overloaded, shedding requests');
  await expectServed();
});
