/** More than can be done: answered 503 at once, and over as soon as it is over. RFC 9110 §15.6.4. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
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
    { error: 'temporarily_unavailable', error_description: body.detail, detail: 'There is too much to do: try again.' },
  ]);
  expect(headers.get('retry-after')).toBe('5');
  expect([other.status, other.body.error]).toEqual([503, 'temporarily_unavailable']);
}

const expectServed = () =>
  vi.waitFor(async () => expect((await server.postForm(tokenPath, tokenForm())).status).toBe(200));

/** Begins `count` requests, each with a body that never comes; settles when the server has them all. */
async function beginRequests(count: number): Promise<ChildProcess> {
  const { hostname, port } = new URL(server.url);
  const program = `
    const { connect } = require('node:net');
    const head = 'POST ${tokenPath} HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/x-www-form-urlencoded\\r\\n' +
      'Content-Length: 10\\r\\n\\r\\n';
    for (let index = 0; index < ${count}; index += 1) {
      connect(${port}, '${hostname}').on('error', () => {}).write(head);
    }`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  await vi.waitFor(async () => expect((await server.postForm(tokenPath, tokenForm())).status).toBe(503), {
    timeout: 20_000,
  });
  return child;
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
  const child = await beginRequests(1_000);
  await expectShed();
  expect((await server.call('GET', '/health')).status).toBe(200);
  expect((await server.call('GET', '/health/ready')).status).toBe(200);
  child.kill();
  await once(child, 'exit');
  await expectServed();
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
  expect(server.log.join('')).toContain('overloaded: requests are shed');
  await expectServed();
});
