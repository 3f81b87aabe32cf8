/** Callers that hold connections and requests open: each limit by real sockets. RFC 9110 §15.5.9, RFC 9112 §9.5. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServerIdentity, tlsFetch } from '@postern/testing/certificates';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, describe, expect, test, vi } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const head = (...lines: string[]) => [...lines, 'Host: x', '', ''].join('\r\n');
const formHead = head(
  `POST ${tokenPath} HTTP/1.1`,
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Length: 100',
);
const get = (path: string) => head(`GET ${path} HTTP/1.1`);

let server: TestServer;
const sockets: Peer[] = [];
afterEach(async () => {
  for (const { socket } of sockets.splice(0)) {
    socket.destroy();
  }
  await server.close();
});

interface Peer {
  readonly socket: Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
}

/** Opens a connection and sends a text. */
async function open(text = '', localAddress = '127.0.0.1'): Promise<Peer> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', localAddress });
  let received = '';
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('close', () => {
    isClosed = true;
  });
  const peer = { socket, received: () => received, isClosed: () => isClosed };
  sockets.push(peer);
  await once(socket, 'connect');
  socket.write(text);
  return peer;
}

const openMany = (count: number, text: string, from?: string) =>
  Promise.all(Array.from({ length: count }, () => open(text, from)));
const closedOf = (peers: readonly Peer[]) => peers.filter(({ isClosed }) => isClosed()).length;
const answered = (peer: Peer, status: string) =>
  vi.waitFor(() => expect(peer.received()).toContain(`HTTP/1.1 ${status}`), { timeout: 10_000 });
const closed = (peer: Peer) => vi.waitFor(() => expect(peer.isClosed()).toBe(true), { timeout: 10_000 });

/** Keeps sending, as a caller does that wants to hold a request open for as long as it can. */
function trickle({ socket }: Peer, text: string): void {
  const timer = setInterval(() => socket.write(text), 20);
  socket.on('close', () => clearInterval(timer));
}

const ask = ({ clientId, clientSecret }: Credentials = server.root) =>
  server.postForm(tokenPath, { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });

describe('times hold, whatever is sent meanwhile', () => {
  const start = async () => {
    server = await startTestServer({ limits: { headersMs: 200, requestMs: 400, answerMs: 200, checkEveryMs: 50 } });
  };

  test.each([
    ['nothing at all', '', ''],
    ['a part of the request line', 'POST /api', ''],
    ['one header after the other', `GET /health HTTP/1.1\r\nHost: x\r\n`, 'X-More: x\r\n'],
    ['no body', formHead, ''],
    ['one byte of the body after the other', formHead, 'a'],
    [
      'one chunk of the body after the other',
      head(
        `POST ${tokenPath} HTTP/1.1`,
        'Content-Type: application/x-www-form-urlencoded',
        'Transfer-Encoding: chunked',
      ),
      '1\r\na\r\n',
    ],
    ['a body that nobody asked for', head('POST /no/such/path HTTP/1.1', 'Content-Length: 1000'), 'a'],
    ['a second request that does not end', `${get('/health')}GET /hea`, ''],
  ])('%s', async (_what, first, more) => {
    await start();
    const peer = await open(first);
    if (more !== '') {
      trickle(peer, more);
    }
    await closed(peer);
    expect((await ask()).status).toBe(200);
  });

  test('the answer says so', async () => {
    await start();
    const peer = await open(formHead);
    await answered(peer, '408 Request Timeout');
    expect(peer.received()).toContain('"detail":"The request took too long to arrive."');
  });

  test('a caller that does not read its answer', async () => {
    server = await startTestServer({
      limits: { answerMs: 200, checkEveryMs: 50 },
      extend: async (app) => {
        app.get('/large', async () => 'x'.repeat(50_000_000));
      },
    });
    const peer = await open();
    peer.socket.pause();
    peer.socket.write(get('/large'));
    await vi.waitFor(async () => {
      const count = await new Promise<number>((resolve) =>
        server.app.server.getConnections((_, many) => resolve(many)),
      );
      expect(count).toBe(0);
    });
  });
});

describe('bodies that do not arrive', () => {
  test('of one address, more than a hundred: the oldest goes, and nobody else is affected', async () => {
    server = await startTestServer();
    const other = await open(formHead, '127.0.0.2');
    const first = await openMany(100, formHead);
    await vi.waitFor(async () => expect((await ask()).status).toBe(200));
    const [late] = await openMany(1, `${formHead}a`);
    await vi.waitFor(() => expect(closedOf(first)).toBe(1));
    const gone = first.find(({ isClosed }) => isClosed());
    expect(gone?.received()).toContain('HTTP/1.1 503 Service Unavailable');
    expect([late?.isClosed(), other.isClosed()]).toEqual([false, false]);
    await openMany(500, formHead);
    expect((await ask()).status).toBe(200);
    expect(other.isClosed()).toBe(false);
  });

  test('a request that arrives together with its body makes none of them go', async () => {
    server = await startTestServer({ limits: { openBodiesOfAddress: 5 } });
    const waiting = await openMany(5, formHead);
    const whole = await open(`${formHead}${'a'.repeat(100)}`);
    await answered(whole, '400 Bad Request');
    expect(closedOf(waiting)).toBe(0);
  });

  test('of a /64, as one address, behind a trusted proxy', async () => {
    server = await startTestServer({
      env: { POSTERN_TRUSTED_PROXIES: '127.0.0.1' },
      limits: { openBodiesOfAddress: 5 },
    });
    const from = (address: string) => formHead.replace('Host: x', `Host: x\r\nX-Forwarded-For: ${address}`);
    const other = await open(from('2001:db8:0:2::1'));
    const peers = await Promise.all([1, 2, 3, 4, 5, 6, 7].map((part) => open(from(`2001:db8:0:1::${part}`))));
    await vi.waitFor(() => expect(closedOf(peers)).toBe(2));
    expect(other.isClosed()).toBe(false);
  });

  test('of all addresses: the address with most of them loses the oldest', async () => {
    server = await startTestServer({ limits: { openBodies: 6 } });
    const other = await open(formHead, '127.0.0.2');
    const peers = await openMany(5, formHead, '127.0.0.3');
    const next = await open(formHead, '127.0.0.4');
    await vi.waitFor(() => expect(closedOf(peers)).toBe(1));
    expect([other.isClosed(), next.isClosed()]).toEqual([false, false]);
  });
});

describe('connections', () => {
  test('of one address, too many: the one that was idle longest goes, and none that is answered', async () => {
    server = await startTestServer({
      limits: { connectionsOfAddress: 5 },
      extend: async (app) => {
        app.get('/unanswered', () => new Promise<never>(() => {}));
      },
    });
    const busy = await open(get('/unanswered'));
    const used = await open(get('/health'));
    await answered(used, '200 OK');
    const silent = await open();
    const partial = await open('GET /hea');
    used.socket.write(get('/health'));
    await vi.waitFor(() => expect(used.received().split('HTTP/1.1 200 OK')).toHaveLength(3));
    const other = await open('', '127.0.0.2');
    const more = [await open(), await open(), await open()];
    await closed(silent);
    await closed(partial);
    expect([busy, used, other, ...more].map(({ isClosed }) => isClosed())).toEqual(Array(6).fill(false));
    expect((await ask()).status).toBe(200);
  });

  test('of all addresses: the address with most of them loses one', async () => {
    server = await startTestServer({ limits: { connections: 6 } });
    const other = await open('', '127.0.0.2');
    const peers = await openMany(6, '', '127.0.0.3');
    await vi.waitFor(() => expect(closedOf(peers)).toBe(1));
    expect(other.isClosed()).toBe(false);
    expect((await ask()).status).toBe(200);
  });

  test('with more than ten requests ahead of their answers are closed', async () => {
    server = await startTestServer({
      extend: async (app) => {
        app.get('/unanswered', () => new Promise<never>(() => {}));
      },
    });
    const patient = await open(get('/unanswered').repeat(10));
    const greedy = await open(get('/unanswered').repeat(11));
    await closed(greedy);
    expect(patient.isClosed()).toBe(false);
  });

  test('TLS handshakes that do not end are closed, and connections count as without TLS', async () => {
    const identity = await createServerIdentity();
    const directory = mkdtempSync(join(tmpdir(), 'postern-limits-'));
    const [certFile, keyFile] = [join(directory, 'crt'), join(directory, 'key')];
    writeFileSync(certFile, identity.cert);
    writeFileSync(keyFile, identity.key);
    server = await startTestServer({
      env: { POSTERN_TLS_CERT_FILE: certFile, POSTERN_TLS_KEY_FILE: keyFile },
      fetch: tlsFetch(identity),
      limits: { headersMs: 300, checkEveryMs: 50, connectionsOfAddress: 5 },
    });
    rmSync(directory, { recursive: true });
    const silent = await openMany(10, '');
    await vi.waitFor(() => expect(closedOf(silent)).toBeGreaterThanOrEqual(5));
    expect((await ask()).status).toBe(200);
    await vi.waitFor(() => expect(closedOf(silent)).toBe(10), { timeout: 10_000 });
  });
});
