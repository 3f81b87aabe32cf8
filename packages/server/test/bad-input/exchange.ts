/** HTTP by the byte, for requests that no proper client would send, and what is expected of the answers. */
import { connect } from 'node:net';
import type { Answer, TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { expect } from 'vitest';

/**
 * Sends the bytes and reads until the server closes the connection, so they should ask for that. Where the server
 * closes before all is sent, its answer counts nevertheless. Throws where there is none.
 */
export async function exchange(url: string, bytes: string | Buffer): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const received: Buffer[] = [];
  await new Promise<void>((done, fail) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', (error) => {
      if (received.length === 0) {
        fail(error);
      }
    });
    socket.on('close', () => done());
  });
  return readAnswer(Buffer.concat(received).toString());
}

function readAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine) ?? [];
  if (end === -1 || status === undefined) {
    throw new Error(`not an answer: ${text.slice(0, 200)}`);
  }
  const headers = new Headers(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]));
  const body = text.slice(end + 4);
  const isJson = headers.get('content-type')?.startsWith('application/json') ?? false;
  return { status: Number(status), headers, body: isJson ? JSON.parse(body) : body };
}

/** A request as bytes that asks to close the connection, its Content-Length right unless `headers` say otherwise. */
export function requestOf(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer = '',
): Buffer {
  const all = {
    Host: 'localhost',
    Connection: 'close',
    ...(body.length > 0 && { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'),
    Buffer.from(body),
  ]);
}

/** RFC 6749 §5.2: JSON with `error` and `error_description` of the characters allowed there, not to be stored. */
export function expectOAuthError(answer: Answer, status: number, error: string, description: string): void {
  expect([answer.status, answer.body]).toEqual([
    status,
    { error, error_description: description, detail: description },
  ]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

export function expectError(answer: Answer, status: number, error: string, detail: string): void {
  expect([answer.status, answer.body]).toEqual([status, { error, detail }]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

/** The server still serves, and had nothing to be sorry for. */
export async function expectUnharmed(server: TestServer): Promise<void> {
  expect(await server.rootToken()).toEqual(expect.any(String));
  expect(server.log.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
}

/** Any code point, halves of surrogate pairs among them. */
export const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
