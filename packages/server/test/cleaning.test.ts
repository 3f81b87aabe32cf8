/** What has expired is deleted in small transactions, between which everybody else gets a turn, and is not read at the start. */
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { sql } from 'kysely';
import { afterEach, describe, expect, test } from 'vitest';

let server: TestServer;
afterEach(() => server.close());

const many = 8_000;
const numbers = sql`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(many)})`;

/** Statements that fill a table with rows that expired long ago. */
const fill = {
  used_tokens: sql`insert into used_tokens (id, expires_at) ${numbers} select 'expired-' || n, n from numbers`,
  revoked_tokens: sql`insert into revoked_tokens (jti, client_id, generation, expires_at) ${numbers}
    select 'expired-' || n, 'somebody', 0, n from numbers`,
  kept_answers: sql`insert into kept_answers (id, client_id, request, answer, bytes, expires_at) ${numbers}
    select 'expired-' || n, 'somebody', 'x', 'x', 1, n from numbers`,
  session_codes: sql`insert into session_codes (digest, client_id, generation, kind, parent_id, challenge, expires_at) ${numbers}
    select 'expired-' || n, 'somebody', 0, 'device', null, null, '1970-01-01T00:00:00.000Z' from numbers`,
  token_statistics: sql`insert into token_statistics (hour, outcome, requests) ${numbers}
    select n, 'issued', 1 from numbers`,
  period_counters: sql`insert into period_counters (key, ends_at, node, count) ${numbers}
    select 'key-' || n, n / 1000, 'node', 1 from numbers`,
};

const countOf = async (table: string) =>
  Number((await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(server.db)).rows[0]?.n);

/** The numbers of rows that one slice after the other has deleted until the table was empty. */
async function cleanInSlices(table: string): Promise<number[]> {
  const counts = [many];
  let isCleaning = true;
  const cleaned = server.advance(90_000).finally(() => {
    isCleaning = false;
  });
  while (isCleaning) {
    const count = await countOf(table);
    if (count !== counts.at(-1)) {
      counts.push(count);
    }
    await new Promise(setImmediate);
  }
  await cleaned;
  expect(await countOf(table)).toBe(0);
  return counts.slice(1).map((count, index) => (counts[index] ?? 0) - count);
}

describe.each(Object.entries(fill))('%s', (table, statement) => {
  test('that expired are deleted in slices, and others get a turn after each', async () => {
    server = await startTestServer();
    await statement.execute(server.db);
    const slices = await cleanInSlices(table);
    expect(slices.length).toBeGreaterThan(1);
    expect(Math.max(...slices)).toBeLessThan(many);
  });
});

test('revoked tokens that a call covers which revokes all tokens count no more, and are deleted in slices', async () => {
  server = await startTestServer();
  const client = await server.createClient({ scopes: [] });
  const { clientId: client_id, clientSecret: client_secret } = client;
  await sql`insert into revoked_tokens (jti, client_id, generation, expires_at) ${numbers}
    select 'covered-' || n, ${client_id}, 0, 9000000000 from numbers`.execute(server.db);
  expect((await server.call('POST', '/api/v1/oauth/revoke_all', { token: await server.rootToken() })).status).toBe(204);
  expect(await countOf('revoked_tokens')).toBe(many);
  // One more than the most that a client may have would revoke all its tokens.
  const [token, other] = [await server.token(client), await server.token(client)];
  await server.postForm('/api/v1/oauth/revoke', { client_id, client_secret, token });
  const introspect = async (asked: string) =>
    (await server.postForm('/api/v1/oauth/introspect', { client_id, client_secret, token: asked })).body.active;
  expect([await introspect(token), await introspect(other)]).toEqual([false, true]);
  await sql`delete from revoked_tokens where jti = ${claimsOf(token)['jti']}`.execute(server.db);
  expect((await cleanInSlices('revoked_tokens')).length).toBeGreaterThan(1);
});

test('a minute that begins while the last one’s rows are still being deleted starts no second deletion', async () => {
  server = await startTestServer();
  await fill.used_tokens.execute(server.db);
  const runs = [server.advance(90_000), server.advance(60)];
  await runs[1];
  expect(await countOf('used_tokens')).toBeGreaterThan(0);
  await runs[0];
  expect(await countOf('used_tokens')).toBe(0);
});

test('a node that starts reads no revoked token that expired more than a day before', async () => {
  server = await startTestServer();
  const client = await server.createClient({});
  const revoke = async () => {
    const token = await server.token(client);
    const form = { client_id: client.clientId, client_secret: client.clientSecret, token };
    expect((await server.postForm('/api/v1/oauth/revoke', form)).status).toBe(200);
    return claimsOf(token)['jti'];
  };
  const [expired, valid] = [await revoke(), await revoke()];
  await sql`update events set data = '{"exp":1}' where subject = ${expired}`.execute(server.db);
  const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
  try {
    const { body } = await other.call('GET', '/api/v1/oauth/revocations', { token: await other.rootToken() });
    const jtis = body.entries.map(({ jti }: { jti?: string }) => jti);
    expect([jtis.includes(expired), jtis.includes(valid)]).toEqual([false, true]);
  } finally {
    await other.close();
  }
});

test('what was revoked while the clock was days behind stays revoked after a restart', async () => {
  // So short that only the events of the last day are read at a start.
  const env = { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '10' };
  server = await startTestServer({ env });
  const [client, disabled] = [await server.createClient({ scopes: [] }), await server.createClient({ scopes: [] })];
  const token = await server.token(client);
  const root = await server.rootToken();
  const days = 3 * 86_400;
  server.jump(-days);
  const form = { client_id: client.clientId, client_secret: client.clientSecret, token };
  expect((await server.postForm('/api/v1/oauth/revoke', form)).status).toBe(200);
  await server.call('PATCH', `/api/v1/oauth/client/${disabled.clientId}`, { token: root, body: { enabled: false } });
  server.jump(days);
  await server.createClient({ scopes: [] });
  const other = await startTestServer({ dataDir: server.dataDir, env: { ...env, POSTERN_ISSUER: server.url } });
  try {
    const { body } = await other.call('GET', '/api/v1/oauth/revocations', { token: await other.rootToken() });
    expect(body.entries).toContainEqual(expect.objectContaining({ jti: claimsOf(token)['jti'] }));
    expect(body.entries).toContainEqual({ type: 'client', client_id: disabled.clientId, active: false });
    const asked = { client_id: server.root.clientId, client_secret: server.root.clientSecret, token };
    expect((await other.postForm('/api/v1/oauth/introspect', asked)).body).toEqual({ active: false });
  } finally {
    await other.close();
  }
});
