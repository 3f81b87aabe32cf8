/**
 * Requests that a proxy and this server might read differently are refused: where a request ends, which host it is for, and
 * which credentials it has. RFC 9112 §2.2, §3.2, §5, §6, §7.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: { POSTERN_TRUSTED_PROXIES: '127.0.0.1', POSTERN_CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert' },
  });
});
afterAll(() => server.close());

/** Sends bytes, and a request of which it shows whether the connection is still open. Returns the statuses of all answers. */
async function send(bytes: string): Promise<string[]> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.write(Buffer.from(bytes, 'latin1'));
  socket.end('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const received = await text(socket).catch(() => '');
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
}

const lines = (...all: readonly string[]) => [...all, '', ''].join('\r\n');
const get = (...headers: readonly string[]) => lines('GET /health HTTP/1.1', ...headers);
const getTarget = (target: string, host = 'x') => lines(`GET ${target} HTTP/1.1`, `Host: ${host}`);
const form = 'grant_type=client_credentials';
const post = (body: string, ...headers: readonly string[]) =>
  lines('POST /api/v1/oauth/token HTTP/1.1', 'Host: x', 'Content-Type: application/x-www-form-urlencoded', ...headers) +
  body;
const length = `Content-Length: ${form.length}`;
const chunk = `${form.length.toString(16)}\r\n${form}\r\n`;
const chunked = (body: string, encoding = 'chunked') => post(body, `Transfer-Encoding: ${encoding}`);

describe('refused with 400, and the connection is closed', () => {
  test.each([
    ['two hosts', get('Host: x', 'Host: y')],
    ['two equal hosts', get('Host: x', 'host: x')],
    ['two hosts in HTTP/1.0', lines('GET /health HTTP/1.0', 'Host: x', 'Host: y')],
    ['two hosts in one header', get('Host: x, y')],
    ['no host', get()],
    ['an empty host', get('Host:')],
    ['a host with a path', get('Host: x/y')],
    ['a host with a user', get('Host: a@x')],
    ['a host with a space', get('Host: x y')],
    ['a host with a query', get('Host: x?y')],
    ['a host with bytes beyond ASCII', get('Host: \xe4')],
    ['a port that is no number', get('Host: x:y')],
    ['a port of a port', get('Host: x:80:80')],
    ['a URL of another host', getTarget('http://y/health')],
    ['a URL with another port', getTarget('http://x:81/health')],
    ['a URL with a user', getTarget('http://x@y/health', 'y')],
    ['a URL without a path', getTarget('http://x')],
    ['a URL whose host is followed by a query', getTarget('http://x?y/health')],
    ['a URL of another scheme', getTarget('ftp://x/health')],
    ['a target that is a host', getTarget('x:80')],
    ['a target that is no path', getTarget('*')],
    ['a target with a fragment', getTarget('/health#x')],
    ['a target with a tab', getTarget('/health\tx')],
    ['a target with a space', getTarget('/hea lth')],
    ['a target with bytes beyond ASCII', getTarget('/health\xe4')],
    ['HTTP/0.9 with a version', lines('GET /health HTTP/0.9', 'Host: x')],
    ['HTTP/0.9', 'GET /health\r\n\r\n'],
    ['HTTP/1.2', lines('GET /health HTTP/1.2', 'Host: x')],
    ['HTTP/2.0 as text', lines('GET /health HTTP/2.0', 'Host: x')],
    ['a length and chunks', post('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked')],
    ['chunks and a length', post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Content-Length: 5')],
    ['two lengths', post(form, length, 'Content-Length: 3')],
    ['two equal lengths', post(form, length, length)],
    ['two lengths in one header', post(form, `${length}, ${form.length}`)],
    ['a length with a sign', post(form, `Content-Length: +${form.length}`)],
    ['a length in base 16', post(form, 'Content-Length: 0x1d')],
    ['a length with a space', post(form, 'Content-Length: 2 9')],
    ['an empty length', post(form, 'Content-Length:')],
    ['chunks in HTTP/1.0', chunked(`${chunk}0\r\n\r\n`).replace('HTTP/1.1', 'HTTP/1.0')],
    ['compressed chunks', chunked(`${chunk}0\r\n\r\n`, 'gzip, chunked')],
    ['a compressed body without an end', chunked(form, 'gzip')],
    ['chunks of chunks', chunked(`${chunk}0\r\n\r\n`, 'chunked, chunked')],
    ['chunks that are not last', chunked(`${chunk}0\r\n\r\n`, 'chunked, identity')],
    ['chunks with a parameter', chunked(`${chunk}0\r\n\r\n`, 'chunked;a=b')],
    ['an encoding that begins with another character', chunked(`${chunk}0\r\n\r\n`, '\x0bchunked')],
    ['an unknown encoding', chunked(`${chunk}0\r\n\r\n`, 'xchunked')],
    ['an empty encoding', chunked(`${chunk}0\r\n\r\n`, '')],
    ['two encodings', post(`${chunk}0\r\n\r\n`, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity')],
    ['a chunk extension that is too long', chunked(`1d;a=${'b'.repeat(20_000)}\r\n${form}\r\n0\r\n\r\n`)],
    ['a chunk extension with a line feed', chunked(`1d;a\nb\r\n${form}\r\n0\r\n\r\n`)],
    ['chunks with line feeds only', chunked(`1d\n${form}\n0\n\n`)],
    ['a chunk that is longer than its size', chunked(`1c\r\n${form}\r\n0\r\n\r\n`)],
    ['a chunk size with a prefix', chunked(`0x1d\r\n${form}\r\n0\r\n\r\n`)],
    ['a chunk size with a space', chunked(`1d \r\n${form}\r\n0\r\n\r\n`)],
    ['a chunk size beyond 64 bits', chunked(`1000000000000001d\r\n${form}\r\n0\r\n\r\n`)],
    ['a length among the trailers', chunked(`${chunk}0\r\nContent-Length: 5\r\n\r\n`)],
    ['a header over two lines', get('Host: x', 'X-A: a', ' b')],
    ['a first header with a space', get(' Host: x')],
    ['lines that end with a line feed only', 'GET /health HTTP/1.1\nHost: x\n\n'],
    ['one line that ends with a line feed only', 'GET /health HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n'],
    ['a line that ends with a carriage return only', 'GET /health HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n'],
    ['a carriage return in a header', get('Host: x', 'X-A: a\rb')],
    ['a NUL in a header', get('Host: x', 'X-A: a\0b')],
    ['a NUL in the name of a header', get('Host: x', 'X\0A: b')],
    ['a space before the colon', get('Host: x', 'X-A : b')],
    ['a space before the colon of a length', post(form, `Content-Length : ${form.length}`)],
    ['a header without a colon', get('Host: x', 'X-A')],
    ['a header without a name', get('Host: x', ': b')],
    ['two Authorization headers', get('Host: x', 'Authorization: Bearer a', 'authorization: Bearer b')],
    ['two content types', post(form, length, 'content-type: application/json')],
    ['two content encodings', post(form, length, 'Content-Encoding: identity', 'Content-Encoding: gzip')],
    ['two DPoP proofs', post(form, length, 'DPoP: a', 'DPoP: b')],
    ['two certificates of a proxy', get('Host: x', 'X-Client-Cert: a', 'x-client-cert: b')],
  ])('%s', async (_what, bytes) => {
    expect(new Set(await send(bytes))).toEqual(new Set(['400']));
  });
});

describe('accepted, as RFC 9112 wants', () => {
  test.each([
    ['a host with a port', get('Host: x:80'), '200'],
    ['a host with an empty port', get('Host: x:'), '200'],
    ['an IPv6 address', get('Host: [::1]:80'), '200'],
    ['a name with an underscore', get('Host: postern_1'), '200'],
    ['HTTP/1.0 without a host', lines('GET /health HTTP/1.0', 'Connection: keep-alive'), '200'],
    ['a URL of the same host', getTarget('http://X/health'), '200'],
    ['empty lines before a request', `\r\n\r\n${get('Host: x')}`, '200'],
    ['chunks', chunked(`${chunk}0\r\n\r\n`, 'Chunked'), '401'],
    ['a chunk extension', chunked(`1d;a=b\r\n${form}\r\n0\r\n\r\n`), '401'],
    ['a trailer', chunked(`${chunk}0\r\nX-A: b\r\n\r\n`), '401'],
    ['a body that nobody reads', `${get('Host: x', 'Content-Length: 40')}${'x'.repeat(40)}`, '200'],
    [
      'other headers twice',
      get('Host: x', 'Accept: a', 'Accept: b', 'X-Forwarded-For: ::1', 'X-Forwarded-For: ::2'),
      '200',
    ],
  ])('%s', async (_what, bytes, status) => {
    expect(await send(bytes)).toEqual([status, '200']);
  });
});

test('the error says what is wrong', async () => {
  const answer = await server.call('GET', '/health');
  expect(answer.status).toBe(200);
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
  socket.write(get('Host: x', 'Host: y'));
  const received = await text(socket);
  expect(received).toMatch(/^HTTP\/1\.1 400 .*\r\nconnection: close\r\n/s);
  expect(received).toContain('{"error":"invalid_request","detail":"The request has the header host more than once."}');
});
