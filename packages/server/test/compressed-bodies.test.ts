/** RFC 9110 §15.5.16: a body that is compressed is 415, whatever would be in it. */
import { gzipSync } from 'node:zlib';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  root = await server.rootToken();
});
afterAll(() => server.close());

const form = 'application/x-www-form-urlencoded';

test.each([
  ['POST', '/api/v1/oauth/client', 'application/json'],
  ['PUT', '/api/v1/oauth/scope', 'application/json'],
  ['POST', '/api/v1/batch', 'application/json'],
  ['POST', '/api/v1/oauth/token', form],
  ['POST', '/api/v1/oauth/introspect', form],
  ['POST', '/api/v1/oauth/revoke', form],
])('%s %s', async (method, path, type) => {
  for (const coding of ['gzip', 'GZIP', 'deflate', 'br', 'zstd', 'gzip, identity', 'x-unknown']) {
    for (const body of [gzipSync('{}'), Buffer.from('{}')]) {
      const answer = await fetch(server.url + path, {
        method,
        headers: { authorization: `Bearer ${root}`, 'content-type': type, 'content-encoding': coding },
        body: new Uint8Array(body),
      });
      const { error, ...rest } = (await answer.json()) as Record<string, string>;
      expect([coding, answer.status, error]).toEqual([coding, 415, 'unsupported_media_type']);
      expect(JSON.stringify(rest)).toContain('compressed');
    }
  }
});

test('the coding identity is none', async () => {
  const answer = await fetch(`${server.url}/api/v1/oauth/client`, {
    method: 'POST',
    headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json', 'content-encoding': 'identity' },
    body: '{}',
  });
  expect(answer.status).toBe(200);
});
