/** Connections that a balancer of TCP passes on by the PROXY protocol, with real sockets, a real HAProxy, and TLS. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { createServerIdentity } from '@postern/testing/certificates';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

const onPort = { POSTERN_PROXY_PROTOCOL: 'true', POSTERN_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' };
const request = (...lines: string[]) => ['GET /health HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n');
const announce = (address: string, port = 4711) => `PROXY TCP4 ${address} 198.51.100.1 ${port} 443\r\n`;
const binary = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000209c6336401dc0401bb', 'hex');

const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) {
    socket.destroy();
  }
  sockets.clear();
});

interface Peer {
  readonly socket: Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
}

/** Opens a connection from a trusted address (127.0.0.1) or from another one, and sends the parts one after the other. */
async function open(
  server: TestServer,
  parts: readonly (string | Buffer)[],
  localAddress = '127.0.0.1',
): Promise<Peer> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', localAddress, noDelay: true });
  const peer = watch(socket);
  await once(socket, 'connect');
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, resolve));
  }
  return peer;
}

function watch(socket: Socket): Peer {
  sockets.add(socket);
  let received = '';
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('close', () => {
    isClosed = true;
  });
  return { socket, received: () => received, isClosed: () => isClosed };
}

const answered = (peer: Peer, status: number) =>
  vi.waitFor(() => expect(peer.received()).toContain(`HTTP/1.1 ${status} `), { timeout: 5_000 });
const closed = (peer: Peer) => vi.waitFor(() => expect(peer.isClosed()).toBe(true), { timeout: 5_000 });

/** The addresses of the requests that were logged since then. */
const addresses = ({ log }: TestServer, since: number) =>
  log
    .slice(since)
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === 'request')
    .map(({ ip }) => ip);

const get = (path: string, ...lines: string[]) => request(...lines).replace('/health', path);

describe('with POSTERN_PROXY_PROTOCOL', () => {
  let server: TestServer;
  const limits = { proxyHeaderMs: 300, checkEveryMs: 50, connectionsOfAddress: 2, headersMs: 2_000 };
  beforeAll(async () => {
    server = await startTestServer({ env: onPort, limits });
  });
  afterAll(() => server.close());

  const refused = async () =>
    Number(/^postern_proxy_connections_refused_total (\d+)/m.exec((await readMetrics()).body)?.[1]);
  const readMetrics = async () => {
    const peer = await open(server, [announce('192.0.2.99'), get('/metrics', 'Connection: close')]);
    await closed(peer);
    return { body: peer.received() };
  };

  test.each<[string, (string | Buffer)[], string]>([
    ['a text header', [announce('192.0.2.7'), get('/api/v1/oauth/scope')], '192.0.2.7'],
    ['a binary header', [binary, get('/api/v1/oauth/scope')], '192.0.2.9'],
    ['both in one piece', [announce('192.0.2.8') + get('/api/v1/oauth/scope')], '192.0.2.8'],
    ['every byte alone', [...(announce('192.0.2.6') + get('/api/v1/oauth/scope'))], '192.0.2.6'],
    ['IPv6', ['PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n', get('/api/v1/oauth/scope')], '2001:db8::7'],
    ['an unknown caller', ['PROXY UNKNOWN\r\n', get('/api/v1/oauth/scope')], '127.0.0.1'],
    [
      'a proxy behind it that forwards the address of a caller',
      [announce('10.0.0.9'), get('/api/v1/oauth/scope', 'X-Forwarded-For: 203.0.113.5')],
      '203.0.113.5',
    ],
    [
      'a caller who forwards an address itself',
      [announce('192.0.2.7'), get('/api/v1/oauth/scope', 'X-Forwarded-For: 203.0.113.5')],
      '192.0.2.7',
    ],
  ])('%s says whose requests they are', async (_name, parts, address) => {
    const since = server.log.length;
    await answered(await open(server, parts), 401);
    await vi.waitFor(() => expect(addresses(server, since)).toEqual([address]));
  });

  test('all requests of the connection are those of the caller', async () => {
    const since = server.log.length;
    const peer = await open(server, [announce('192.0.2.20'), get('/api/v1/oauth/scope')]);
    await answered(peer, 401);
    peer.socket.write(get('/api/v1/oauth/scope', 'Connection: close'));
    await closed(peer);
    expect(addresses(server, since)).toEqual(['192.0.2.20', '192.0.2.20']);
  });

  test.each<[string, string | Buffer]>([
    ['HTTP without a header', request()],
    ['a malformed header', `PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n${request()}`],
    ['a header without an end', 'PROXY TCP4 '.padEnd(200, '1')],
    ['a binary header that is too long', Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex')],
    ['a part of a header', 'PROXY TCP4 192.0.2.7'],
    ['nothing', ''],
  ])('a trusted proxy that sends %s is not answered, and counted', async (_name, text) => {
    const before = await refused();
    const peer = await open(server, text === '' ? [] : [text]);
    await closed(peer);
    expect(peer.received()).toBe('');
    expect(await refused()).toBe(before + 1);
  });

  test('a proxy that only looks whether the port is open is no fault', async () => {
    const before = await refused();
    const peer = await open(server, []);
    peer.socket.end();
    await closed(peer);
    expect(await refused()).toBe(before);
  });

  test('the log says once why connections are closed', () => {
    const lines = server.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('PROXY protocol'));
    expect(lines).toMatchObject([
      { level: 40, peer: '127.0.0.1', msg: expect.stringContaining('POSTERN_PROXY_PROTOCOL') },
    ]);
  });

  test('nobody else announces a caller, and needs no header', async () => {
    const since = server.log.length;
    await answered(await open(server, [get('/api/v1/oauth/scope')], '127.0.0.2'), 401);
    await vi.waitFor(() => expect(addresses(server, since)).toEqual(['127.0.0.2']));
    for (const header of [announce('192.0.2.7'), binary]) {
      const peer = await open(server, [header, request()], '127.0.0.3');
      await answered(peer, 400);
      await closed(peer);
      expect(peer.received()).not.toContain('HTTP/1.1 200');
    }
  });

  test('the limit of connections is that of the caller, not of the proxy', async () => {
    const connections: Peer[] = [];
    for (const caller of ['192.0.2.30', '192.0.2.31', '192.0.2.32']) {
      for (const port of [1, 2]) {
        const peer = await open(server, [announce(caller, port), request()]);
        await answered(peer, 200);
        connections.push(peer);
      }
    }
    const third = await open(server, [announce('192.0.2.30', 3), request()]);
    await answered(third, 200);
    await vi.waitFor(() => expect(connections.map((peer) => peer.isClosed())).toContain(true));
    expect(connections.filter((peer) => peer.isClosed())).toEqual([connections[0]]);
  });

  test('two proxies may announce the same caller and port at the same time', async () => {
    const [one, other] = [await open(server, [announce('192.0.2.40')]), await open(server, [announce('192.0.2.40')])];
    for (const peer of [one, other]) {
      peer.socket.write(request());
      await answered(peer, 200);
    }
    one.socket.destroy();
    other.socket.write(request('Connection: close'));
    await closed(other);
    expect(other.received().match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });

  const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
  describe.skipIf(!hasHaproxy)(`behind HAProxy${hasHaproxy ? '' : ' (skipped: haproxy is not installed)'}`, () => {
    test.each(['send-proxy', 'send-proxy-v2'])('%s', async (option) => {
      const directory = mkdtempSync(join(tmpdir(), 'postern-haproxy-'));
      const socketPath = join(directory, 'front.sock');
      const config = join(directory, 'haproxy.cfg');
      // HAProxy takes the address of the caller from another header in front of it.
      writeFileSync(
        config,
        `defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen postern
  bind unix@${socketPath} accept-proxy
  server one 127.0.0.1:${new URL(server.url).port} ${option}
`,
      );
      const haproxy = spawn('haproxy', ['-db', '-f', config], { stdio: 'ignore' });
      try {
        await vi.waitFor(() => expect(existsSync(socketPath)).toBe(true), { timeout: 20_000 });
        const since = server.log.length;
        const peer = watch(connect(socketPath));
        peer.socket.write(announce('192.0.2.50') + get('/api/v1/oauth/scope'));
        await answered(peer, 401);
        await vi.waitFor(() => expect(addresses(server, since)).toEqual(['192.0.2.50']));
      } finally {
        haproxy.kill();
        await once(haproxy, 'exit');
        rmSync(directory, { recursive: true });
      }
    });
  });
});

test('the header comes before TLS', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-proxy-tls-'));
  const identity = await createServerIdentity();
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  writeFileSync(cert, identity.cert);
  writeFileSync(key, identity.key);
  const server = await startTestServer({ env: { ...onPort, POSTERN_TLS_CERT_FILE: cert, POSTERN_TLS_KEY_FILE: key } });
  try {
    for (const [header, address] of [
      [announce('192.0.2.7'), '192.0.2.7'],
      [binary, '192.0.2.9'],
    ] as const) {
      const since = server.log.length;
      const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
      sockets.add(socket);
      socket.write(header);
      const peer = watch(connectTls({ socket, rejectUnauthorized: false }));
      peer.socket.write(get('/api/v1/oauth/scope', 'Connection: close'));
      await closed(peer);
      expect(peer.received()).toContain('HTTP/1.1 401 ');
      expect(addresses(server, since)).toEqual([address]);
    }
  } finally {
    await server.close();
    rmSync(directory, { recursive: true });
  }
});

test('a server that stops does not wait for headers', async () => {
  const server = await startTestServer({ env: onPort });
  const peer = await open(server, ['PROXY ']);
  const answeredOnce = await open(server, [announce('192.0.2.7'), request()]);
  await answered(answeredOnce, 200);
  const before = performance.now();
  await server.close();
  await closed(peer);
  expect(performance.now() - before).toBeLessThan(4_500);
});
