/** What a node tells of itself, in the text format of Prometheus. */

import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let client: Credentials;
beforeAll(async () => {
  server = await startTestServer();
  client = await server.createClient({ scopes: ['policy:read'] });
});
afterAll(() => server.close());

/** The samples by name and labels, as they stand in the text. */
async function samples(from = server): Promise<Map<string, number>> {
  const { status, headers, body } = await from.call('GET', '/metrics');
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const lines = (body as string).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

/** By how much a sample grows while `act` is done; one that is missing is 0. */
async function growth(sample: string, act: () => Promise<unknown>): Promise<number> {
  const before = (await samples()).get(sample) ?? 0;
  await act();
  return ((await samples()).get(sample) ?? 0) - before;
}

const ask = (form: Record<string, string> = {}) =>
  server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_id: client.clientId,
    client_secret: client.clientSecret,
    ...form,
  });

test('tokens are counted by their grant, of which each is there from the start', async () => {
  expect(await growth('postern_tokens_issued_total{grant_type="client_credentials"}', ask)).toBe(1);
  expect(
    (await samples()).get('postern_tokens_issued_total{grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer"}'),
  ).toBe(0);
});

const tokenRoute = 'method="POST",route="/api/v1/oauth/token"';

describe('refusals are counted by route, code and reason', () => {
  test.each([
    ['a wrong secret', `${tokenRoute},code="invalid_client",reason="secret_wrong"`, () => ask({ client_secret: 'x' })],
    [
      'a client that is not there',
      `${tokenRoute},code="invalid_client",reason="client_unknown"`,
      () => ask({ client_id: 'x' }),
    ],
    ['a scope that is not held', `${tokenRoute},code="invalid_scope",reason="none"`, () => ask({ scope: 'rule:read' })],
    [
      'a wrong Bearer token',
      'method="GET",route="/api/v1/oauth/client/:client_id",code="invalid_token",reason="token_malformed"',
      () => server.call('GET', '/api/v1/oauth/client/some', { token: 'wrong' }),
    ],
    [
      'a path that is not served',
      'method="any",route="none",code="not_found",reason="none"',
      () => server.call('GET', '/no/such/path'),
    ],
  ])('%s', async (_what, labels, act) => {
    expect(await growth(`postern_requests_refused_total{${labels}}`, act)).toBe(1);
  });
});

test('every answer is measured by its route as declared, and by the first digit of its status', async () => {
  const count = (labels: string) => `postern_request_duration_seconds_count{${labels}}`;
  expect(await growth(count(`${tokenRoute},status="2xx"`), ask)).toBe(1);
  expect(await growth(count(`${tokenRoute},status="4xx"`), () => ask({ client_secret: 'x' }))).toBe(1);
  const path = `/api/v1/oauth/client/${client.clientId}`;
  const labels = 'method="GET",route="/api/v1/oauth/client/:client_id",status="4xx"';
  expect(await growth(count(labels), () => server.call('GET', path))).toBe(1);
});

test('the cache of clients tells its hits, its misses and its size', async () => {
  const other = await server.createClient({ scopes: ['policy:read'] });
  const first = () => server.token(other);
  expect(await growth('postern_client_cache_misses_total', first)).toBe(1);
  expect(await growth('postern_client_cache_hits_total', first)).toBe(1);
  expect((await samples()).get('postern_client_cache_clients')).toBeGreaterThanOrEqual(1);
});

test('the age of the key that signs, and the lag of the event log, go by the clock', async () => {
  const age = 'postern_signing_key_age_seconds{alg="ES256"}';
  expect(await growth(age, () => server.advance(3_600))).toBe(3_600);
  expect((await samples()).get('postern_event_lag_seconds')).toBe(0);
});

test('a request under way is in flight', async () => {
  // The one that asks.
  expect((await samples()).get('postern_requests_in_flight')).toBe(1);
});

test('no label holds what a caller chose', async () => {
  await ask({ client_id: 'chosen-by-caller', scope: 'chosen:by:caller' });
  await server.call('GET', '/api/v1/oauth/client/chosen-by-caller?chosen-by-caller', { token: 'chosen-by-caller' });
  await server.call('DELETE', '/chosen-by-caller');
  const { body } = await server.call('GET', '/metrics');
  expect(body).not.toContain('chosen');
  expect(body).not.toContain(client.clientId);
  expect(body).not.toContain('127.0.0.1');
});

test.each(['', 'off', '12345'])(
  'with POSTERN_METRICS_PORT=%j metrics are not served to callers of the APIs',
  async (port) => {
    const other = await startTestServer({ env: { POSTERN_METRICS_PORT: port } });
    expect((await other.call('GET', '/metrics')).status).toBe(404);
    await other.close();
  },
);
