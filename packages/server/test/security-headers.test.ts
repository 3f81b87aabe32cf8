/** Every answer says that browsers must take it for what it is, and with https that they must come by https. RFC 6797 §7. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe.each([
  ['https://auth.example.com', 'max-age=31536000'],
  [undefined, null],
])('with the issuer %s', (issuer, httpsOnly) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ env: issuer === undefined ? {} : { POSTERN_ISSUER: issuer } });
  });
  afterAll(() => server.close());

  test.each([
    ['GET', '/health', 200],
    ['GET', '/metrics', 200],
    ['GET', '/.well-known/jwks.json', 200],
    ['GET', '/.well-known/oauth-authorization-server', 200],
    ['GET', '/api/v1/oauth/scope', 401],
    ['POST', '/api/v1/oauth/token', 400],
    ['POST', '/api/v1/oauth/register', 403],
    ['GET', '/no/such/path', 404],
    ['DELETE', '/health', 405],
    ['GET', '/%ff', 400],
    ['GET', `/api/v1/oauth/client/${'x'.repeat(300)}`, 404],
    ['OPTIONS', '/health', 405],
  ])('%s %s', async (method, path, status) => {
    const answer = await server.call(method, path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('strict-transport-security')).toBe(httpsOnly);
  });

  test('bytes that are not HTTP', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write('nonsense\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('X-Content-Type-Options: nosniff');
    socket.destroy();
  });
});
