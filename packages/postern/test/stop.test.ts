/** How `postern serve` stops: no caller is cut off, and what each signal does. RFC 9112 §9.6. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));

let directory: string;
let server: ServeProcess;

beforeAll(() => {
  directory = makeTemporaryDirectory();
});
afterEach(() => server.stop());
afterAll(() => removeDirectory(directory));

async function start(env: Record<string, string> = {}): Promise<ServeProcess> {
  server = await startServe(directory, { env });
  return server;
}

interface Received {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly body: string;
}

async function receive(message: IncomingMessage): Promise<Received> {
  const body = await text(message);
  return { status: message.statusCode, connection: message.headers.connection, body };
}

function ask(path: string, agent: Agent, headers: Record<string, string> = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    get(server.url + path, { agent, headers }, (message) => resolve(receive(message))).on('error', reject);
  });
}

/** An agent for each connection, so that none is closed or opened unnoticed. */
const openConnections = async (count: number) => {
  const agents = Array.from({ length: count }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const answers = await Promise.all(agents.map((agent) => ask('/health', agent)));
  expect(answers.map(({ connection }) => connection)).toEqual(agents.map(() => 'keep-alive'));
  return agents;
};

/** Calls again and again until the server can no longer be reached. Returns the codes of all errors. */
async function callUntilGone(agent: Agent): Promise<string[]> {
  const faults: string[] = [];
  while (faults.at(-1) !== 'ECONNREFUSED') {
    await ask('/health', agent).catch((error: NodeJS.ErrnoException) => faults.push(String(error.code)));
  }
  return faults;
}

describe.each(['1', '2'])('with %s process', (workers) => {
  test('each of thirty kept connections gets its next answer, which says that it is the last', async () => {
    await start({ POSTERN_WORKERS: workers });
    const agents = await openConnections(30);
    server.signal('SIGTERM');
    // Each process hears of it by itself.
    const heard = () => expect(server.stdout.match(/"msg":"stopping"/g)).toHaveLength(Number(workers));
    await vi.waitFor(heard, { timeout: 10_000, interval: 5 });
    const answers = await Promise.all(agents.map((agent) => ask('/health', agent)));
    expect(answers).toEqual(agents.map(() => ({ status: 200, connection: 'close', body: '{"status":"ok"}' })));
    expect((await server.exit).code).toBe(0);
  });

  // The system resets a connection that arrives between the last look and the end of listening, which no program can prevent.
  const unlikely = { retry: 2 };
  test('callers that call all the time see nothing but answers until it no longer listens', unlikely, async () => {
    await start({ POSTERN_WORKERS: workers });
    const calling = (await openConnections(40)).map(callUntilGone);
    server.signal('SIGTERM');
    expect(new Set((await Promise.all(calling)).flat())).toEqual(new Set(['ECONNREFUSED']));
    expect((await server.exit).code).toBe(0);
  });
});

test('from the signal on it is not ready, but alive', async () => {
  await start();
  const [first, second] = (await openConnections(2)) as [Agent, Agent];
  server.signal('SIGTERM');
  await server.logged('"msg":"stopping"');
  const ready = await ask('/health/ready', first);
  expect(ready).toMatchObject({ status: 503, connection: 'close' });
  expect(JSON.parse(ready.body)).toEqual({ error: 'temporarily_unavailable', detail: 'The server is stopping.' });
  expect((await ask('/health', second)).status).toBe(200);
  expect((await server.exit).stdout).not.toContain('"level":50');
});

test('requests that wait for changes are answered, and not cut off', async () => {
  await start();
  const token = await acquireToken(server.url, rootCredentials(server.dataDir));
  const asRoot = { authorization: `Bearer ${token}` };
  const { cursor } = (await call('GET', `${server.url}/api/v1/oauth/revocations`, asRoot)).body;
  const { sequence } = (await call('GET', `${server.url}/api/v1/oauth/events/head`, asRoot)).body;
  const paths = [
    `/api/v1/oauth/revocations?wait=30&cursor=${cursor}`,
    `/api/v1/oauth/events?wait=30&order=asc&after=${sequence}`,
  ];
  const agents = await openConnections(paths.length);
  const waiting = paths.map((path, index) => ask(path, agents[index] as Agent, asRoot));
  await ask('/health', new Agent());
  server.signal('SIGTERM');
  expect(await Promise.all(waiting)).toEqual(
    paths.map(() => expect.objectContaining({ status: 200, connection: 'close' })),
  );
  expect((await server.exit).code).toBe(0);
});

test('requests that were sent one after the other on one connection are all answered', async () => {
  await start();
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  server.signal('SIGTERM');
  await server.logged('"msg":"stopping"');
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
  const answers = await text(socket);
  expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  expect(answers.match(/^connection: close/gim)).toHaveLength(1);
});

test('a connection on which nothing is sent does not delay the end', async () => {
  await start();
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  server.signal('SIGTERM');
  expect((await server.exit).code).toBe(0);
  expect(server.stdout).not.toContain('did not stop');
});

/** A request that has no body yet. */
async function startRequest() {
  const sent = request(`${server.url}/api/v1/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '100', expect: '100-continue' },
  });
  const fault = once(sent, 'error').then(([error]) => (error as NodeJS.ErrnoException).code);
  await once(sent, 'continue');
  return { fault };
}

test.each([
  ['1', 'SIGTERM'],
  ['1', 'SIGINT'],
  ['2', 'SIGTERM'],
] as const)('with %s process, a second signal, %s, cuts off what is in flight and ends', async (workers, signal) => {
  await start({ POSTERN_WORKERS: workers });
  const { fault } = await startRequest();
  server.signal('SIGTERM');
  await server.logged('"msg":"stopping"');
  server.signal(signal);
  expect(await fault).toBe('ECONNRESET');
  expect((await server.exit).code).toBe(0);
});

test('SIGQUIT stops it as SIGTERM does', async () => {
  await start();
  server.signal('SIGQUIT');
  const { code, stdout } = await server.exit;
  expect([code, stdout.includes('"msg":"stopped"')]).toEqual([0, true]);
});

test.each(['1', '2'])(
  'with %s process, signals that ask other servers to read files again stop nothing and open no debugger',
  async (workers) => {
    await start({ POSTERN_WORKERS: workers });
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
      server.signal(signal);
      await vi.waitFor(() => expect(server.stdout + server.stderr).toContain(signal), { timeout: 10_000 });
    }
    expect(server.stdout + server.stderr).toContain('the signal was ignored: Postern reads its configuration');
    expect(server.stderr).not.toContain('Debugger');
    await acquireToken(server.url, rootCredentials(server.dataDir));
  },
);

describe('a log that cannot be written', () => {
  /** Starts the server with `stdout`; resolves to a function that tells what it wrote to standard error. */
  async function startWith(stdout: number | 'pipe') {
    const port = await freePort();
    const child = spawn(process.execPath, [main, 'serve'], {
      cwd: directory,
      env: { PORT: String(port), POSTERN_METRICS_PORT: String(port), POSTERN_DATA_DIR: join(directory, 'data') },
      stdio: ['ignore', stdout, 'pipe'],
    });
    let written = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk) => {
      written += chunk;
    });
    await vi.waitFor(() => expect(written).toContain('Postern listens on'), { timeout: 20_000 });
    return { child, port, written: () => written };
  }

  const isServing = async (port: number) => {
    const { clientId, clientSecret } = rootCredentials(join(directory, 'data'));
    const { status } = await postForm(
      `http://127.0.0.1:${port}/api/v1/oauth/token`,
      'grant_type=client_credentials',
      `client_id=${clientId}`,
      `client_secret=${clientSecret}`,
    );
    return status === 200;
  };

  test.each(['full', 'closed'])('since its output is %s ends no server, and is said once', async (kind) => {
    await start();
    const full = openSync('/dev/full', 'w');
    const { child, port, written } = await startWith(kind === 'full' ? full : 'pipe');
    closeSync(full);
    child.stdout?.destroy();
    const told = () => written().match(/lines of the log are lost/g) ?? [];
    for (let round = 0; round < 3; round += 1) {
      expect(await isServing(port)).toBe(true);
      await vi.waitFor(() => expect(told()).toHaveLength(1), { timeout: 10_000 });
    }
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exit)[0]).toBe(0);
    expect(told()).toHaveLength(1);
  });
});
