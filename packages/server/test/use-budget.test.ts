/** A client that uses too many one-time tokens is refused, and no other. RFC 9449 §11.1, RFC 6585 §4. */
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createUsedTokens } from '../src/jwt/used-token-store.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('a client with 100,000 unexpired uses gets 429 until some have expired; others are not affected', async () => {
  let now = 1_700_000_000_000;
  const { use } = createUsedTokens(server.db, () => now);
  const useOf = (clientId: string, jti: string) =>
    use({ kind: 'dpop', issuer: `key ${jti}`, jti, expiresAt: now / 1000 + 60, clientId });
  for (let first = 0; first < 100_000; first += 5_000) {
    await Promise.all(Array.from({ length: 5_000 }, (_, index) => useOf('flooder', `${first + index}`)));
  }
  await expect(useOf('flooder', 'more')).rejects.toMatchObject({
    code: 'too_many_requests',
    reason: 'use_budget_spent',
    retryAfterSeconds: 70,
  });
  expect(await useOf('innocent', 'some')).toBe(true);
  now += 70_000;
  expect(await useOf('flooder', 'more')).toBe(true);
}, 120_000);
