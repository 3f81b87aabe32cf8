/** More than can be done: answered 503 at once, and over as soon as it is over. RFC 9110 §15.6.4. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let server: TestServer;
/** How many requests have come, by path. */
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
  vi.waitFor(async () => expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200));

/** Begins `count` requests by another process, each on a connection of its own: the text of one, as far as it goes. */
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

/** Keeps the one thread, as too many requests would, then lets the timers have it once. */
async function compute(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    // Nothing else runs meanwhile.
  }
  await new Promise((next) => setTimeout(next, 0));
}

test('requests that pile up unanswered are shed from the thousandth on; health is not, and who goes makes room', async () => {
  const type = 'Content-Type: application/x-www-form-urlencoded';
  const child = beginRequests(1_000, `POST ${tokenPath} HTTP/1.1`, type, 'Content-Length: 10');
  await vi.waitFor(expectShed, { timeout: 20_000 });
  expect((await server.call('GET', '/health')).status).toBe(200);
  expect((await server.call('GET', '/health/ready')).status).toBe(200);
  expect((await server.call('GET', '/metrics')).status).toBe(200);
  await end(child);
  await expectServed();
});

test('requests that wait for news are no load', async () => {
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

test('requests that come late because there is too much to compute are shed until that is over', async () => {
  await expectServed();
  await compute(1_000);
  expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200);
  // Tried again where this machine took longer to ask than the server to find out that it is over.
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
