/** An overloaded server answers 503 at once, and no longer than the overload lasts. RFC 9110 §15.6.4. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let server: TestServer;
/** The number of requests received, by path. */
let asked: Map<string, number>;
beforeEach(async () => {
  asked = new Map();
  server = await startTestServer({
    env: { POSTERN_OVERLOAD_MS: '500' },
    before: (app) => {
      app.addHook('onRequest', async ({ url }) => {
        const path = url.split('?', 1)[0] ?? '';
        asked.set(path, (asked.get(path) ?? 0) + 1);
      });
    },
  });
});
afterEach(() => server.close());

const tokenPath = '/api/v1/oauth/token';
const tokenForm = () => ({
  grant_type: 'client_credentials',
  client_id: server.root.clientId,
  client_secret: server.root.clientSecret,
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

const expectServed = () =>
  vi.waitFor(async () => expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200), { timeout: 20_000 });

/** Starts `count` requests from another process, each on its own connection. A request is these lines and may be incomplete. */
function beginRequests(count: number, ...lines: string[]): ChildProcess {
  const { hostname, port } = new URL(server.url);
  const text = [...lines, 'Host: x', '', ''].join('\r\n');
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

test('from the thousandth unanswered request on, all but health and metrics are shed, until others are gone', async () => {
  const type = 'Content-Type: application/x-www-form-urlencoded';
  const child = beginRequests(1_000, `POST ${tokenPath} HTTP/1.1`, type, 'Content-Length: 10');
  await vi.waitFor(expectShed, { timeout: 20_000 });
  expect((await server.call('GET', '/health')).status).toBe(200);
  expect((await server.call('GET', '/health/ready')).status).toBe(200);
  expect((await server.call('GET', '/metrics')).status).toBe(200);
  await end(child);
  await expectServed();
});

test('requests that wait for revocations are not counted as load', async () => {
  const token = await server.rootToken();
  const feed = '/api/v1/oauth/revocations';
  const { body } = await server.call('GET', feed, { token });
  const child = beginRequests(
    1_010,
    `GET ${feed}?wait=30&cursor=${encodeURIComponent(body.cursor)} HTTP/1.1`,
    `Authorization: Bearer ${token}`,
  );
  await vi.waitFor(() => expect(asked.get(feed)).toBe(1_011), { timeout: 20_000 });
  expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200);
  expect((await server.call('GET', '/metrics')).body).toContain('postern_requests_in_flight 1\n');
  await end(child);
});

test('requests are shed while the event loop is late', async () => {
  await expectServed();
  await compute(1_000);
  expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200);
  // Repeated if this machine took longer to send a request than the server to notice that the overload is over.
  await vi.waitFor(
    async () => {
      await compute(1_000);
      await compute(1_000);
      await expectShed();
    },
    { timeout: 20_000 },
  );
  expect(server.log.join('')).toContain('overloaded, shedding requests');
  await expectServed();
});
