/** What strangers send cannot spoil the counts that nodes share, nor switch them off. RFC 6585 §4. */
import { OAuthError } from '@postern/protocol';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createFailureBudgets } from '../src/limits/failure-budgets.ts';
import { createPeriodCounters } from '../src/limits/period-counters.ts';

const tokenPath = '/api/v1/oauth/token';

let server: TestServer;
let limited: Credentials;
beforeAll(async () => {
  server = await startTestServer();
  limited = await server.createClient({ scopes: ['policy:read'], token_quota_per_minute: 100 });
});
afterAll(() => server.close());
beforeEach(() => server.advance(60));

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** An assertion of a client with that id, by nobody. */
function assertionOf(id: string): Record<string, string> {
  const now = Math.floor(server.now() / 1000);
  const claims = { iss: id, sub: id, aud: server.url, jti: 'some', iat: now, exp: now + 60 };
  return {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${encode({ alg: 'ES256' })}.${encode(claims)}.AAAA`,
  };
}

const counts = async () => {
  const rows = await server.db.selectFrom('period_counters').selectAll().execute();
  return rows.map(({ count }) => Number(count)).toSorted((a, b) => a - b);
};

const strangeIds = ['\ud800', '\udfff x', 'a\0b', '\0', 'ä', 'x'.repeat(200), 'id with spaces', '🙂'];

test('ids that no client can have count once for their address, and nothing else is counted again', async () => {
  for (let index = 0; index < 5; index += 1) {
    await server.token(limited);
  }
  const statuses: number[] = [];
  for (const id of strangeIds) {
    statuses.push((await server.postForm(tokenPath, assertionOf(id))).status);
  }
  expect(new Set(statuses)).toEqual(new Set([401]));
  await vi.waitFor(async () => expect(await counts()).toEqual([5, strangeIds.length]));
  // Each further token causes a write, which must not add again what was written before.
  for (let index = 6; index <= 8; index += 1) {
    await server.token(limited);
    await vi.waitFor(async () => expect(await counts()).toEqual([index, strangeIds.length].toSorted((a, b) => a - b)));
  }
  expect(server.log.join('')).not.toContain('not shared');
});

test('the database has digests of one length, and neither ids nor addresses', async () => {
  await server.postForm(tokenPath, assertionOf('some-client'));
  await vi.waitFor(async () => expect(await counts()).toHaveLength(3));
  const keys = await server.db.selectFrom('period_counters').select('key').execute();
  expect(keys.every(({ key }) => /^[\w-]{43}$/.test(key))).toBe(true);
});

test('a write whose answer is lost is repeated, and counts once', async () => {
  const counters = createPeriodCounters({
    db: server.db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (isLost && result.rows.length === 0) {
          isLost = false;
          throw new Error('the connection is gone, after the commit');
        }
        return result;
      },
    }),
    masterKey: server.masterKey,
    now: server.now,
    onFault: (error) => faults.push(error),
  });
  let isLost = true;
  const faults: unknown[] = [];
  counters.add('a');
  await vi.waitFor(() => expect(faults).toHaveLength(1));
  counters.add('a');
  await vi.waitFor(async () => expect(await counts()).toEqual([2]));
  expect(counters.count('a')).toBe(2);
  counters.stop();
});

test('beyond the budget, what a failure costs is done in the lane of low priority, and a right secret waits for none of it', async () => {
  const counts = { areEmpty: () => false, count: () => 1_000, add: () => {}, secondsLeft: () => 60 };
  const failures = createFailureBudgets(counts as never);
  const attempt = { clientId: 'victim', address: '192.0.2.1', isCheap: true };
  const ends: (() => void)[] = [];
  const judgeAgain = () => new Promise<undefined>((resolve) => void ends.push(() => resolve(undefined)));
  const fail = () =>
    failures
      .attempt({ ...attempt, judgeAgain }, async () => {
        throw new OAuthError('invalid_client', 'wrong');
      })
      .catch(({ code }) => code);
  const failed = Promise.all(Array.from({ length: 50 }, fail));
  await vi.waitFor(() => expect(ends).toHaveLength(4));
  expect(await failures.attempt<string>({ ...attempt, judgeAgain }, async () => 'passed')).toBe('passed');
  expect(ends).toHaveLength(4);
  let done = false;
  void failed.then(() => {
    done = true;
  });
  await vi.waitFor(() => {
    for (const end of ends.splice(0)) {
      end();
    }
    expect(done).toBe(true);
  });
  expect(new Set(await failed)).toEqual(new Set(['too_many_requests']));
});

test('failures of ever new clients at ever new addresses switch no limit off, and take no quota from a client', async () => {
  const counters = createPeriodCounters({
    db: server.db,
    masterKey: server.masterKey,
    now: server.now,
    onFault: () => {},
  });
  const failures = createFailureBudgets(counters);
  const fail = (clientId: string, address: string): Promise<string> =>
    failures
      .attempt({ clientId, address, isCheap: true }, async () => {
        throw new OAuthError('invalid_client', 'wrong');
      })
      .catch(({ code }) => code);
  for (let index = 0; index < 34_000; index += 1) {
    await fail(`client${index}`, `2001:db8:${(index >> 8).toString(16)}:${(index & 255).toString(16)}::1`);
  }
  counters.stop();
  const codes: string[] = [];
  for (let index = 0; index < 70; index += 1) {
    codes.push(await fail('victim', '192.0.2.1'));
  }
  expect(codes.indexOf('too_many_requests')).toBeGreaterThan(40);
  expect(codes.lastIndexOf('invalid_client')).toBeLessThan(60);
  // Strangers at other addresses are not among those who are refused.
  expect(await fail('another', '192.0.2.2')).toBe('invalid_client');
}, 60_000);
