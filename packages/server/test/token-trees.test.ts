/** A token ends with all that was exchanged for it, and nothing else does; how many that are is said before and after. RFC 7009 §2.1, RFC 8693. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDatabase } from '@postern/testing/test-database';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const base = '/api/v1/oauth';
const api = 'https://api.example.com';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const grant_types = ['client_credentials', exchangeGrant];
const issuer = 'https://auth.example.com';

/** Two nodes on one database. Everything is asked of the first one, unless a test says so. */
let dataDir: string;
let server: TestServer;
let other: TestServer;
let root: string;
/** They act for the API, each for the others too. */
let agents: Credentials[];
let caller: Credentials;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'postern-trees-'));
  const options = { dataDir, env: { POSTERN_ISSUER: issuer } };
  await testDatabase(dataDir);
  server = await startTestServer(options);
  other = await startTestServer(options);
  root = await server.rootToken();
  const resource = { key: 'api', identifier: api, scopes: ['policy:read', 'rule:read'] };
  await asRoot('PUT', '/resource', resource);
  const body = { scopes: ['policy:read', 'rule:read', 'scope:read'], resources: [api], grant_types };
  agents = await Promise.all([0, 1, 2].map(() => server.createClient(body)));
  caller = await server.createClient(body);
  await asRoot('PUT', '/resource', { ...resource, introspection_clients: agents.map(({ clientId }) => clientId) });
  await other.advance(0);
});
afterAll(async () => {
  await Promise.all([server.close(), other.close()]);
  rmSync(dataDir, { recursive: true });
  await (await testDatabase(dataDir)).drop();
});
beforeEach(async () => {
  root = await server.rootToken();
});

async function asRoot(method: string, path: string, body?: unknown, at = server) {
  const answer = await at.call(method, base + path, { token: root, ...(body !== undefined && { body }) });
  expect([path, answer.status, answer.body]).toEqual([path, expect.toSatisfy((status) => status < 300), answer.body]);
  return answer.body;
}

const secretOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });

async function obtain(who: Credentials, form: Record<string, string> = { resource: api }): Promise<string> {
  const answer = await server.postForm(`${base}/token`, {
    ...secretOf(who),
    grant_type: 'client_credentials',
    ...form,
  });
  expect([answer.status, answer.body.error]).toEqual([200, undefined]);
  return answer.body.access_token;
}

const post = (who: Credentials, subject: string, form: Record<string, string> = {}, at = server) =>
  at.postForm(`${base}/token`, {
    ...secretOf(who),
    grant_type: exchangeGrant,
    subject_token: subject,
    subject_token_type: accessTokenType,
    ...form,
  });

async function exchange(
  who: Credentials,
  subject: string,
  form: Record<string, string> = {},
  at = server,
): Promise<string> {
  const answer = await post(who, subject, form, at);
  expect([answer.status, answer.body.error_description]).toEqual([200, undefined]);
  return answer.body.access_token;
}

async function isActive(token: string, at = server): Promise<boolean> {
  return (await at.postForm(`${base}/introspect`, { ...secretOf(server.root), token })).body.active;
}

const jtiOf = (token: string) => String(claimsOf(token)['jti']);
const preview = (body: object, at = server) => asRoot('POST', '/revoke_one/preview', body, at);
const kill = (body: object, at = server) => asRoot('POST', '/revoke_one', body, at);

/** What an answer says of so many tokens for the API. */
const issuedTo = (...counts: [who: Credentials, tokens: number][]) =>
  counts.map(([{ clientId }, tokens_issued]) => ({
    client_id: clientId,
    resource: api,
    tokens_issued,
    last_expires_at: expect.any(String),
  }));

describe('random trees of exchanges, narrowings and delegations', () => {
  interface Node {
    readonly token: string;
    readonly who: Credentials;
    readonly parents: readonly Node[];
  }

  const isBelow = (node: Node, top: Node): boolean =>
    node === top || node.parents.some((parent) => isBelow(parent, top));

  /** Grows a tree of some tokens; what is refused, since it would be too deep or have too many actors, is left out. */
  async function growTree(next: (below: number) => number): Promise<Node[]> {
    const nodes: Node[] = [{ token: await obtain(caller), who: caller, parents: [] }];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const parent = nodes[next(nodes.length)] as Node;
      const who = next(3) === 0 ? parent.who : (agents[next(agents.length)] as Credentials);
      const actor: Node | undefined = next(4) === 0 ? { token: await obtain(who), who, parents: [] } : undefined;
      const form: Record<string, string> = {
        ...(next(2) === 0 && { scope: 'policy:read' }),
        ...(actor !== undefined && { actor_token: actor.token, actor_token_type: accessTokenType }),
      };
      const { status, body } = await post(who, parent.token, form);
      if (status === 200) {
        const parents = [parent, ...(actor === undefined ? [] : [actor])];
        nodes.push(...(actor === undefined ? [] : [actor]), { token: body.access_token, who, parents });
      }
    }
    return nodes;
  }

  test('killed anywhere, exactly what is below ends, in one change, and the answer counts it, by token or by its id', async () => {
    // A linear congruential generator: the same trees on every run.
    let state = 7;
    const next = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    for (let tree = 0; tree < 24; tree += 1) {
      const nodes = await growTree(next);
      const killed = nodes[next(nodes.length)] as Node;
      const below = nodes.filter((node) => node !== killed && isBelow(node, killed));
      const body = tree % 2 === 0 ? { token: killed.token } : { jti: jtiOf(killed.token) };
      const before = await preview(body);
      const events = (await server.rows('events')).length;
      const after = await kill(body);
      expect((await server.rows('events')).length).toBe(events + 1);
      expect(after.descendants).toEqual(before.descendants);
      expect(after.descendants).toMatchObject({ tokens_issued: below.length, is_complete: true });
      const active = await Promise.all(nodes.map(({ token }) => isActive(token)));
      expect(active).toEqual(nodes.map((node) => node !== killed && !below.includes(node)));
    }
  });
});

describe('what ends is counted before and after, as far as it is known', () => {
  test('by client and resource, with all that was exchanged for what was exchanged', async () => {
    const [a, b] = agents as [Credentials, Credentials];
    const top = await obtain(caller);
    const first = await exchange(a, top);
    await exchange(a, top);
    const second = await exchange(b, first, { scope: 'rule:read' });
    const expected = {
      kind: 'token',
      jti: jtiOf(top),
      client_id: caller.clientId,
      expires_at: new Date(Number(claimsOf(top)['exp']) * 1000).toISOString(),
      status: 'active',
      descendants: { tokens_issued: 3, is_complete: true, issued_to: issuedTo([a, 2], [b, 1]) },
    };
    expect(await preview({ token: top })).toEqual(expected);
    expect(await preview({ token: first })).toMatchObject({
      descendants: { tokens_issued: 1, issued_to: issuedTo([b, 1]) },
    });
    expect(await preview({ token: second })).toMatchObject({ descendants: { tokens_issued: 0, issued_to: [] } });
    // Reading changes nothing.
    expect(await isActive(second)).toBe(true);

    expect(await kill({ token: top })).toEqual({ ...expected, status: 'inactive' });
    expect(await server.eventsAbout(jtiOf(top))).toEqual([
      {
        actor: server.root.clientId,
        kind: 'token.revoked',
        data: {
          client_id: caller.clientId,
          exp: claimsOf(top)['exp'],
          gen: 0,
          descendants: { tokens_issued: 3, is_complete: true, issued_to: issuedTo([a, 2], [b, 1]) },
        },
      },
    ]);
    expect(await preview({ token: top })).toEqual({ ...expected, status: 'inactive' });
  });

  test('RFC 7009 §2.2 in the answer to the client that revokes its own token too; a token that was not valid is answered by nothing', async () => {
    const [a] = agents as [Credentials];
    const top = await obtain(caller);
    await exchange(a, top);
    const revoke = () => server.postForm(`${base}/revoke`, { ...secretOf(caller), token: top });
    const { status, body } = await revoke();
    expect([status, body.jti, body.descendants]).toEqual([
      200,
      jtiOf(top),
      { tokens_issued: 1, is_complete: true, issued_to: issuedTo([a, 1]) },
    ]);
    expect(await revoke()).toMatchObject({ status: 200, body: '' });
  });

  test('until the last of them has expired, and then no row is left', async () => {
    const body = { scopes: ['policy:read'], resources: [api], grant_types };
    const brief = await server.createClient({ ...body, access_token_ttl_seconds: 100 });
    const top = await obtain(await server.createClient({ ...body, may_act: brief.clientId }));
    const countRows = async () => {
      const rows = (await server.rows('token_descendants')) as { jti: string }[];
      return rows.filter(({ jti }) => jti === jtiOf(top)).length;
    };
    await exchange(brief, top);
    await server.advance(60);
    await exchange(brief, top);
    await server.advance(60);
    const expected = { tokens_issued: 2, issued_to: issuedTo([brief, 2]) };
    expect((await preview({ token: top })).descendants).toMatchObject(expected);
    expect(await countRows()).toBe(1);
    // Nothing is deleted in the first hour, in which the clock may be wrong.
    await server.advance(3_700);
    expect(await countRows()).toBe(0);
    expect((await preview({ token: top })).descendants).toMatchObject({ tokens_issued: 0, is_complete: true });
  });

  test('issuing writes no row a token: two hundred by exchange of one token are one row', async () => {
    const [a] = agents as [Credentials];
    const top = await obtain(caller);
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => exchange(a, top, { scope: 'policy:read' })));
    }
    await server.advance(5);
    const rows = (await server.rows('token_descendants')) as { jti: string; tokens_issued: unknown }[];
    expect(rows.filter(({ jti }) => jti === jtiOf(top)).map(({ tokens_issued }) => Number(tokens_issued))).toEqual([
      200,
    ]);
    expect((await preview({ jti: jtiOf(top) })).descendants.tokens_issued).toBe(200);
  });

  test('on another node after some seconds, and it ends there too', async () => {
    const [a, b] = agents as [Credentials, Credentials];
    const top = await obtain(caller);
    const below = [await exchange(a, top), await exchange(b, top, {}, other)];
    expect(await isActive(below[1] as string, other)).toBe(true);
    // Each node knows what it issued itself, and what the other one wrote.
    expect((await preview({ token: top })).descendants).toMatchObject({ tokens_issued: 1 });
    await other.advance(5);
    expect((await preview({ token: top })).descendants).toMatchObject({ tokens_issued: 2 });
    await server.advance(5);
    expect(await kill({ token: top }, other)).toMatchObject({
      descendants: { tokens_issued: 2, issued_to: expect.arrayContaining(issuedTo([a, 1], [b, 1])) },
    });
    await server.advance(0);
    for (const token of [top, ...below]) {
      expect([await isActive(token), await isActive(token, other)]).toEqual([false, false]);
    }
  });
});

describe('a token that is known by its id alone', () => {
  test('ends with its tree, also if nothing was counted below it', async () => {
    const token = await obtain(caller);
    expect(await preview({ jti: jtiOf(token) })).toEqual({
      kind: 'jti',
      jti: jtiOf(token),
      client_id: null,
      expires_at: null,
      status: 'unknown',
      descendants: { tokens_issued: 0, is_complete: true, issued_to: [] },
    });
    expect(await kill({ jti: jtiOf(token).toUpperCase() })).toMatchObject({ jti: jtiOf(token), status: 'inactive' });
    expect(await isActive(token)).toBe(false);
    await other.advance(0);
    expect(await isActive(token, other)).toBe(false);
    const [event] = await server.eventsAbout(jtiOf(token));
    // As long as any token lives, since nobody knows how long this one does.
    expect(event).toMatchObject({
      kind: 'token.revoked',
      data: { exp: expect.toSatisfy((exp) => exp >= Number(claimsOf(token)['exp'])) },
    });
    // Once more changes nothing.
    await kill({ jti: jtiOf(token) });
    expect(await server.eventsAbout(jtiOf(token))).toHaveLength(1);
  });

  test('is unknown, not absent, if no such token was ever seen: it is revoked all the same', async () => {
    const jti = randomUUID();
    expect(await preview({ jti })).toMatchObject({ status: 'unknown', client_id: null });
    expect(await kill({ jti })).toMatchObject({ status: 'inactive' });
    expect(await preview({ jti })).toMatchObject({ status: 'inactive' });
  });

  test('is known to its client if something was exchanged for it', async () => {
    const token = await obtain(caller);
    await exchange(agents[0] as Credentials, token);
    expect(await preview({ jti: jtiOf(token) })).toMatchObject({ client_id: caller.clientId });
  });

  test('takes room in every API until no token can live, so there are a thousand of these at most', async () => {
    const expires_at = Math.floor(server.now() / 1000) + 100;
    const rows = Array.from({ length: 1_000 }, () => ({
      jti: randomUUID(),
      client_id: '',
      generation: null,
      expires_at,
    }));
    await server.db.insertInto('revoked_tokens').values(rows).execute();
    const answer = await server.call('POST', `${base}/revoke_one`, { token: root, body: { jti: randomUUID() } });
    expect([answer.status, answer.body.error]).toEqual([429, 'too_many_requests']);
    expect(answer.body.detail).toMatch(/revoke this one by the token itself, or all tokens of its client/);
    await server.advance(200);
    await server.advance(86_400);
    root = await server.rootToken();
    await kill({ jti: randomUUID() });
  });
});

describe('all tokens of a client', () => {
  test('end with all that was got from them, each counted once', async () => {
    const body = { scopes: ['policy:read'], resources: [api], grant_types };
    const own = await server.createClient(body);
    const [a] = agents as [Credentials];
    const first = await obtain(own);
    const narrowed = await exchange(own, first);
    const acted = await exchange(a, narrowed);
    const alone = await obtain(own);
    const innocent = await exchange(a, await obtain(caller));
    const expected = {
      kind: 'client',
      jti: null,
      client_id: own.clientId,
      expires_at: null,
      status: 'active',
      descendants: {
        tokens_issued: 2,
        is_complete: true,
        issued_to: expect.arrayContaining(issuedTo([own, 1], [a, 1])),
      },
    };
    expect(await preview({ client_id: own.clientId })).toEqual(expected);
    await server.advance(5);
    expect(await preview({ client_id: own.clientId })).toEqual(expected);
    expect(await kill({ client_id: own.clientId })).toEqual({ ...expected, status: 'inactive' });
    expect(await Promise.all([first, narrowed, acted, alone, innocent].map((token) => isActive(token)))).toEqual([
      ...[false, false, false, false],
      true,
    ]);
    const events = await server.eventsAbout(own.clientId);
    expect(events.at(-1)).toMatchObject({ kind: 'client.revoked', data: { descendants: { tokens_issued: 2 } } });
    expect(
      (await server.postForm(`${base}/token`, { ...secretOf(own), grant_type: 'client_credentials' })).status,
    ).toBe(200);
  });

  test('a client that has expired is inactive', async () => {
    const expires_at = new Date(server.now() + 60_000).toISOString();
    const { clientId } = await server.createClient({ scopes: [], expires_at });
    expect(await preview({ client_id: clientId })).toMatchObject({ status: 'active' });
    await server.advance(61);
    expect(await preview({ client_id: clientId })).toMatchObject({ status: 'inactive' });
  });

  test('only by who may give all that the client can do, and only of one that exists', async () => {
    const officer = await server.createClient({ scopes: ['token:revoke'], grantable_scopes: [] });
    const token = await server.token(officer);
    const call = (path: string, body: object) => server.call('POST', base + path, { token, body });
    expect((await call('/revoke_one', { client_id: caller.clientId })).body.error).toBe('access_denied');
    expect((await call('/revoke_one/preview', { client_id: 'nobody' })).status).toBe(404);
    expect((await call('/revoke_one', { client_id: 'nobody' })).status).toBe(404);
  });
});

describe('bad input is an error that says why', () => {
  const call = (body: unknown, path: string) => server.call('POST', base + path, { token: root, body });
  test.each(['/revoke_one', '/revoke_one/preview'])('at %s', async (path) => {
    const jti = randomUUID();
    const token = await obtain(caller);
    const forged = `${token.slice(0, -4)}AAAA`;
    const answers: [body: unknown, text: RegExp][] = [
      [{}, /exactly one of token, jti and client_id/],
      [{ jti, client_id: 'a' }, /exactly one/],
      [{ token, jti }, /exactly one/],
      [{ jti: 'not-a-uuid' }, /jti/],
      [{ jti: `${jti}\n` }, /jti/],
      [{ jti: [jti] }, /jti/],
      [{ client_id: '' }, /client_id/],
      [{ token: 'a.b.c' }, /cannot be revoked/],
      [{ token: forged }, /cannot be revoked/],
      [{ token: 'x'.repeat(20_000) }, /token/],
    ];
    for (const [body, text] of answers) {
      const answer = await call(body, path);
      expect([body, answer.status]).toEqual([body, 422]);
      expect(JSON.stringify(answer.body)).toMatch(text);
    }
    expect(await isActive(token)).toBe(true);
  });

  test('a lineage with loops, made by hand, is no token of this server', async () => {
    const [header, , signature] = (await exchange(agents[0] as Credentials, await obtain(caller))).split('.');
    const claims = claimsOf(await obtain(caller));
    const parent = { jti: claims['jti'], kid: 'x', client_id: caller.clientId, gen: 0, aud: [api] };
    const payload = Buffer.from(JSON.stringify({ ...claims, parent_tokens: [parent, parent] })).toString('base64url');
    const forged = `${header}.${payload}.${signature}`;
    expect(await isActive(forged)).toBe(false);
    expect((await call({ token: forged }, '/revoke_one')).status).toBe(422);
    expect((await post(agents[0] as Credentials, forged)).body.error).toBe('invalid_request');
    expect((await server.call('GET', `${base}/scope`, { token: forged })).status).toBe(401);
  });

  test('an expired token says that all below it has expired too, and so it has', async () => {
    const top = await obtain(caller);
    const below = await exchange(agents[0] as Credentials, top);
    await server.advance(Number(claimsOf(top)['exp']) - server.now() / 1000 + 1);
    root = await server.rootToken();
    const answer = await call({ token: top }, '/revoke_one');
    expect([answer.status, answer.body.detail]).toEqual([
      422,
      expect.stringMatching(/has expired, and with it all that was exchanged/),
    ]);
    expect(await isActive(below)).toBe(false);
    // By its id, of which nobody knows that it has expired, it is revoked.
    expect(await kill({ jti: jtiOf(top) })).toMatchObject({ kind: 'jti', status: 'inactive' });
  });
});
