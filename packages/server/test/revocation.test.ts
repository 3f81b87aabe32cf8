/** Revocation over HTTP: of one token by RFC 7009, and of all tokens of a client. */
import { DatabaseSync } from 'node:sqlite';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

const path = '/api/v1/oauth/revoke';
const clientPath = '/api/v1/oauth/client';

let server: TestServer;
let root: string;
let owner: Credentials;
let other: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  owner = await server.createClient(['scope:read']);
  other = await server.createClient(['scope:read']);
});
afterAll(() => server.close());

const formOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });
const revoke = (token: string, by: Credentials = owner, at = server) => at.postForm(path, { ...formOf(by), token });
const statusOf = async (token: string, at = server) => (await at.call('GET', '/api/v1/oauth/scope', { token })).status;

describe('RFC 7009 §2.1 the request', () => {
  test('must be authenticated, and name a token', async () => {
    const token = await server.token(owner);
    const anonymous = await server.postForm(path, { token });
    expect([anonymous.status, anonymous.body.error]).toEqual([401, 'invalid_client']);
    const wrong = await revoke(token, { ...owner, clientSecret: 'wrong' });
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
    const missing = await server.postForm(path, formOf(owner));
    expect([missing.status, missing.body.error]).toEqual([400, 'invalid_request']);
    expect(await statusOf(token)).toBe(200);
  });

  test('revokes a token of its own on the very next call, and no other', async () => {
    const [token, sibling] = [await server.token(owner), await server.token(owner)];
    expect(await statusOf(token)).toBe(200);
    const answer = await revoke(token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect([await statusOf(token), await statusOf(sibling)]).toEqual([401, 200]);
    const { jti, exp } = claimsOf(token);
    const data = { client_id: owner.clientId, exp, gen: 0 };
    const event = { actor: owner.clientId, kind: 'token.revoked', data };
    expect(await server.eventsAbout(jti)).toEqual([event]);

    expect((await revoke(token)).status).toBe(200);
    expect(await server.eventsAbout(jti)).toEqual([event]);
  });

  test('may hint at the type of the token, rightly or wrongly', async () => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'other']) {
      const token = await server.token(owner);
      expect((await server.postForm(path, { ...formOf(owner), token, token_type_hint })).status).toBe(200);
      expect(await statusOf(token)).toBe(401);
    }
  });

  test('refuses the token of another client, which remains valid', async () => {
    const token = await server.token(owner);
    const answer = await revoke(token, other);
    expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client']);
    expect(await statusOf(token)).toBe(200);
  });

  test('lets a holder of token:revoke revoke any', async () => {
    const officer = await server.createClient({ scopes: ['token:revoke'], grantable_scopes: [] });
    for (const by of [officer, server.root]) {
      const token = await server.token(owner);
      expect((await revoke(token, by)).status).toBe(200);
      expect(await statusOf(token)).toBe(401);
    }
  });
});

describe('RFC 7009 §2.2 what is no good anyway is answered in the same way', () => {
  test.each([
    ['garbage', 'x'],
    ['an unknown JWT', 'e30.e30.AAAA'],
    ['what is not ASCII', '\u{1f511}'],
    ['a very long text', 'a'.repeat(16_000)],
  ])('%s', async (_, token) => {
    const answer = await revoke(token);
    expect([answer.status, answer.body]).toEqual([200, '']);
  });

  test('a token that expired more than a month ago, also of another client', async () => {
    const late = await startTestServer();
    try {
      const short = await late.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 1 });
      const stranger = await late.createClient({ scopes: ['scope:read'] });
      const token = await late.token(short);
      await late.advance(31 * 86_400);
      expect((await revoke(token, short, late)).status).toBe(200);
      expect((await revoke(token, stranger, late)).status).toBe(200);
      expect(await late.eventsAbout(claimsOf(token)['jti'])).toEqual([]);
    } finally {
      await late.close();
    }
  });
});

test('a token that has expired only by the clock of the node, which jumped ahead, is revoked all the same', async () => {
  const ahead = await startTestServer();
  try {
    const client = await ahead.createClient({ scopes: ['scope:read'] });
    const token = await ahead.token(client);
    ahead.jump(9 * 86_400);
    expect((await revoke(token, client, ahead)).status).toBe(200);
    ahead.jump(-9 * 86_400);
    expect(await statusOf(token, ahead)).toBe(401);
  } finally {
    await ahead.close();
  }
});

test('so is one whose signing key has expired by that clock', async () => {
  const ahead = await startTestServer();
  try {
    const client = await ahead.createClient({ scopes: ['scope:read'] });
    const token = await ahead.token(client);
    const rotated = await ahead.call('POST', '/api/v1/oauth/key/rotate', { token: await ahead.rootToken(), body: {} });
    expect(rotated.status).toBe(200);
    await ahead.advance(3_601);
    expect(await statusOf(token, ahead)).toBe(200);
    ahead.jump(9 * 86_400);
    expect((await revoke(token, client, ahead)).status).toBe(200);
    ahead.jump(-9 * 86_400);
    expect(await statusOf(token, ahead)).toBe(401);
  } finally {
    await ahead.close();
  }
});

test('a token that has expired is revoked on every node, for the clock of one may be behind', async () => {
  const short = await server.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 60 });
  const token = await server.token(short);
  server.jump(9 * 86_400);
  try {
    expect((await revoke(token, short)).status).toBe(200);
  } finally {
    server.jump(-9 * 86_400);
  }
  expect(await statusOf(token)).toBe(401);
  expect(await server.eventsAbout(claimsOf(token)['jti'])).toHaveLength(1);
});

test('a revocation outlives a restart, and is forgotten only a day after the token has expired', async () => {
  const env = { POSTERN_ISSUER: 'http://localhost:8080' };
  const first = await startTestServer({ env });
  try {
    const client = await first.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: 600 });
    const token = await first.token(client);
    await revoke(token, client, first);
    const second = await startTestServer({ dataDir: first.dataDir, env });
    expect(await statusOf(token, second)).toBe(401);
    const kept = async () => (await second.db.selectFrom('revoked_tokens').selectAll().execute()).length;
    await second.advance(590);
    expect([await statusOf(token, second), await kept()]).toEqual([401, 1]);
    await second.advance(86_400);
    expect([await statusOf(token, second), await kept()]).toEqual([401, 1]);
    await second.advance(10);
    expect([await statusOf(token, second), await kept()]).toEqual([401, 0]);
    await second.close();
  } finally {
    await first.close();
  }
});

describe.runIf(inject('postgres') === undefined)('while the database is locked by another program', () => {
  let locked: TestServer;
  let lock: DatabaseSync;
  let client: Credentials;

  beforeAll(async () => {
    locked = await startTestServer({ env: { POSTERN_DATABASE_TIMEOUT_MS: '100' } });
    client = await locked.createClient(['scope:read']);
    lock = new DatabaseSync(`${locked.dataDir}/postern.db`);
  });
  afterAll(async () => {
    lock.close();
    await locked.close();
  });
  const whileLocked = async (work: () => Promise<void>) => {
    lock.exec('begin exclusive');
    try {
      await work();
    } finally {
      lock.exec('rollback');
    }
  };

  test('RFC 7009 §2.2.1 a revocation is 503 and never 200, and can be repeated', async () => {
    const token = await locked.token(client);
    await whileLocked(async () => {
      const answer = await revoke(token, client, locked);
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(JSON.stringify(answer.body)).not.toMatch(/locked|SQLITE/i);
      expect(await statusOf(token, locked)).toBe(200);
    });
    expect(locked.log.join()).toContain('database is locked');
    expect((await revoke(token, client, locked)).status).toBe(200);
    expect(await statusOf(token, locked)).toBe(401);
  });

  test('the management API answers 503 too, and changes nothing', async () => {
    const token = await locked.rootToken();
    await whileLocked(async () => {
      const url = `${clientPath}/${client.clientId}`;
      for (const [method, target] of [
        ['POST', clientPath],
        ['PATCH', url],
        ['POST', `${url}/revoke`],
        ['DELETE', url],
      ] as const) {
        const answer = await locked.call(method, target, { token, ...(method !== 'DELETE' && { body: {} }) });
        expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      }
    });
    expect((await locked.call('GET', clientPath, { token })).body.total).toBe(1);
  });

  test('tokens are still issued, introspected and accepted, since none of that writes', async () => {
    await whileLocked(async () => {
      const token = await locked.token(client);
      expect(await statusOf(token, locked)).toBe(200);
      const introspected = await locked.postForm('/api/v1/oauth/introspect', { ...formOf(client), token });
      expect(introspected.body.active).toBe(true);
    });
  });
});

describe('POST /api/v1/oauth/client/{client_id}/revoke', () => {
  const revokeAll = (clientId: string, token = root) =>
    server.call('POST', `${clientPath}/${clientId}/revoke`, { token });

  test('revokes every token that the client has, and none that it gets afterwards', async () => {
    const client = await server.createClient(['scope:read']);
    const tokens = [await server.token(client), await server.token(client)];
    const bystander = await server.token(other);
    expect((await revokeAll(client.clientId)).status).toBe(204);
    for (const token of tokens) {
      expect(await statusOf(token)).toBe(401);
    }
    expect(await statusOf(bystander)).toBe(200);
    expect(await statusOf(await server.token(client))).toBe(200);
    expect((await server.eventsAbout(client.clientId)).at(-1)).toEqual({
      actor: server.root.clientId,
      kind: 'client.revoked',
      data: { status: expect.objectContaining({ generation: expect.any(Number) }) },
    });
  });

  test('needs token:revoke, and the right to assign all that the client holds', async () => {
    const client = await server.createClient({ scopes: ['scope:read', 'policy:read'] });
    const token = await server.token(client);
    const creator = await server.createClient(['client:create', 'client:update']);
    expect((await revokeAll(client.clientId, await server.token(creator))).status).toBe(403);
    const officer = await server.createClient({ scopes: ['token:revoke'], grantable_scopes: ['scope:read'] });
    const refused = await revokeAll(client.clientId, await server.token(officer));
    expect([refused.status, refused.body.error]).toEqual([403, 'access_denied']);
    expect(await statusOf(token)).toBe(200);
    await server.call('PATCH', `${clientPath}/${officer.clientId}`, {
      token: root,
      body: { grantable_scopes: ['scope:read', 'policy:read'] },
    });
    expect((await revokeAll(client.clientId, await server.token(officer))).status).toBe(204);
    expect(await statusOf(token)).toBe(401);
  });

  test('is 404 for root and for a client that does not exist', async () => {
    for (const id of [server.root.clientId, 'unknown']) {
      expect((await revokeAll(id)).status).toBe(404);
    }
    expect(await statusOf(root)).toBe(200);
  });
});
