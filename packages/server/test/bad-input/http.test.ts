/** Malformed HTTP, and callers that hang up: the server answers and continues. RFC 9112, RFC 6585 §5. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { exchange, expectError, expectUnharmed, requestOf } from './exchange.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
afterEach(() => expectUnharmed(server));

const tokenPath = '/api/v1/oauth/token';
const clientPath = '/api/v1/oauth/client';
const formType = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe('RFC 9112 what is hardly HTTP', () => {
  const head = 'GET /health HTTP/1.1\r\nHost: localhost\r\n';
  const chunked = `POST ${tokenPath} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n`;
  const form = 'Content-Type: application/x-www-form-urlencoded\r\n';

  test.each<[string, string | Buffer]>([
    ['words', 'hello\r\n\r\n'],
    ['a TLS handshake', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0d, 0x0a])],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a version that there is not', 'GET /health HTTP/3.0\r\n\r\n'],
    ['a space in the URL', 'GET /hea lth HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a non-ASCII byte in the URL', Buffer.from('GET /\u00e9 HTTP/1.1\r\nHost: localhost\r\n\r\n', 'latin1')],
    ['a NUL in a header', `${head}X: a\0b\r\n\r\n`],
    ['a header without a name', `${head}: a\r\n\r\n`],
    ['a space before the colon', `${head}X : a\r\n\r\n`],
    ['a folded header', `${head}X: a\r\n b\r\n\r\n`],
    ['§6.3 both Content-Length and Transfer-Encoding', `${chunked}Content-Length: 5\r\n\r\n0\r\n\r\n`],
    ['§6.3 two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\naa`],
    ['§6.3 a length below zero', `${head}Content-Length: -1\r\n\r\n`],
    ['§6.3 a length with a sign', `${head}Content-Length: +1\r\n\r\na`],
    ['§7.1 a chunk of no size', `${chunked}${form}\r\nzz\r\n`],
    ['§7.1 a chunk longer than its size', `${chunked}${form}\r\n1\r\naaaa\r\n`],
    ['a transfer coding that there is not', `POST ${tokenPath} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n`],
  ])('%s', async (_, bytes) => {
    expectError(await exchange(server.url, bytes), 400, 'invalid_request', 'The request is not valid HTTP.');
  });

  test.each([
    ['a header of 20 kB', requestOf('GET', clientPath, { Authorization: `Bearer ${'a'.repeat(20_000)}` })],
    ['a URL of 20 kB', requestOf('GET', `/${'a'.repeat(20_000)}`, {})],
    [
      'three thousand headers',
      requestOf('GET', '/health', Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`X-${i}`, '1']))),
    ],
  ])('RFC 6585 §5 %s is 431', async (_, bytes) => {
    expectError(await exchange(server.url, bytes), 431, 'header_too_large', 'The URL or the headers are too large.');
  });

  test.each([
    ['no Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['an expectation that nobody can meet', `${head}Expect: a pony\r\nConnection: close\r\n\r\n`, 417],
  ])('%s', async (_, bytes, status) => {
    expect((await exchange(server.url, bytes)).status).toBe(status);
  });

  test.each(['TRACE', 'PROPFIND', 'QUERY', 'OPTIONS'])('the method %s is refused', async (method) => {
    for (const target of [tokenPath, clientPath, '/nothing']) {
      const { status, body } = await exchange(server.url, requestOf(method, target, {}));
      expect([400, 404, 405]).toContain(status);
      expect(Object.keys(body)).toEqual(['error', 'detail']);
    }
  });

  test('a caller that hangs up in the middle is no fault of the server', async () => {
    const request = requestOf('POST', tokenPath, { ...formType, 'Content-Length': '1000' });
    const logged = server.log.length;
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.end(request));
    await once(socket.resume(), 'close');
    await expect.poll(() => server.log.slice(logged).join('')).toContain('request refused');
  });
});
