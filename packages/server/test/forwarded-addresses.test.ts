/** RFC 7239 §6: the address of a caller, which a trusted proxy forwards with or without a port. */
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8,2001:db8:1::/48' } });
});
afterAll(() => server.close());

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.1:4711', '192.0.2.1'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['192.0.2.1, 10.0.0.1:80', '192.0.2.1'],
  ['192.0.2.1:4711, [2001:db8:1::1]:443, 10.0.0.1:80', '192.0.2.1'],
  ['192.0.2.1, 198.51.100.1:80', '198.51.100.1'],
  ['192.0.2.1:no', 'invalid'],
])('X-Forwarded-For: %s is a request of %s', async (forwarded, address) => {
  const before = server.log.length;
  await fetch(`${server.url}/api/v1/oauth/scope`, { headers: { 'x-forwarded-for': forwarded } });
  const lines = server.log.slice(before).map((line) => JSON.parse(line));
  expect(lines.find(({ msg }) => msg === 'request')).toMatchObject({ ip: address });
});
