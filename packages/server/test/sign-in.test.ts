/** People sign in at an OpenID provider: a real one, and others that lie. OpenID Connect Core §3.1.3.7, RFC 7636. */

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { freePort } from '@postern/testing/free-port';
import {
  createCookieJar,
  enterDeviceCode,
  type SignInProvider,
  startSignInProvider,
} from '@postern/testing/sign-in-provider';
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { replayTrail } from '../src/backup/replay-trail.ts';
import type { LoggedEvent } from '../src/events/event.ts';

const roles = [
  { claims: { groups: 'postern-admins' }, role: 'administrator' },
  { claims: { groups: ['support', 'help'] }, role: 'helpdesk' },
  { claims: { email: '*@audit.example' }, role: 'auditor' },
  { claims: { '/email': '*@pointer.example' }, role: 'auditor' },
  { claims: { groups: 'ghosts' }, role: 'no-such-role' },
];
const ownPage = { 'postern-session': '1' };

let server: TestServer;
let provider: SignInProvider;
let rootToken: string;

beforeAll(async () => {
  provider = await startSignInProvider(roles);
  server = await startTestServer({ env: provider.env });
  rootToken = await server.rootToken();
});
afterAll(async () => {
  provider.close();
  await server.close();
});
beforeEach(async () => {
  provider.people['alice'] = { name: 'Alice Archer', email: 'alice@example.com', groups: ['postern-admins'] };
  provider.people['bob'] = { name: 'Bob Baker', groups: ['help'] };
  provider.people['eve'] = { name: 'Eve' };
  const body = { name: 'helpdesk', description: '', scopes: ['client:read', 'role:read'] };
  await server.call('PUT', '/api/v1/oauth/role', { token: rootToken, body });
});

type Jar = ReturnType<typeof createCookieJar>;

const isConsole = ({ pathname }: URL) => pathname.startsWith('/console');
const isCallback = ({ pathname }: URL) => pathname === '/api/v1/sign-in/callback';

/** Signs in, and returns the address of the console that the browser is sent to. */
const signIn = (jar: Jar, login: string, query = '') =>
  jar.follow(`${server.url}/api/v1/sign-in${query}`, login, isConsole);

async function tokenOf(jar: Jar): Promise<{ status: number; token: string }> {
  const response = await jar.send(`${server.url}/api/v1/session/token`, { method: 'POST', headers: ownPage });
  const body = (await response.json()) as { access_token: string };
  return { status: response.status, token: body.access_token };
}

describe('a person', () => {
  test('signs in at the provider, returns to their page, and acts in their own name', async () => {
    const jar = createCookieJar();
    expect(await signIn(jar, 'alice', '?page=/clients%3Fq%3Da')).toBe(`${server.url}/console/clients?q=a`);
    const { token } = await tokenOf(jar);
    const claims = claimsOf(token);
    expect(claims).toMatchObject({ client_id: expect.stringMatching(/^person:\w{22}$/), name: 'Alice Archer' });
    const id = claims['client_id'] as string;
    const { body } = await server.call('GET', '/api/v1/whoami', { token });
    expect(body).toMatchObject({
      client_id: id,
      kind: 'person',
      name: 'Alice Archer',
      email: 'alice@example.com',
      role: 'administrator',
    });

    const made = await server.call('POST', '/api/v1/oauth/client', {
      token,
      body: { name: 'by alice', scopes: ['client:create'], grantable_scopes: ['key:revoke'] },
    });
    expect(made.status).toBe(200);
    expect(await server.eventsAbout(made.body.client_id)).toMatchObject([
      { actor: id, kind: 'client.created', data: { actor_name: 'Alice Archer' } },
      { actor: id, kind: 'secret.created', data: { actor_name: 'Alice Archer' } },
    ]);
    expect(await server.eventsAbout(id)).toMatchObject([
      {
        kind: 'person.saved',
        data: { name: 'Alice Archer', sub: 'alice', issuer: provider.issuer, role: 'administrator' },
      },
    ]);
  });

  test('keeps their id when they sign in again, under another name too', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'alice');
    const first = claimsOf((await tokenOf(jar)).token)['client_id'];
    provider.people['alice'] = { name: 'Alice Baker', groups: ['postern-admins'] };
    const again = createCookieJar();
    await signIn(again, 'alice');
    expect(claimsOf((await tokenOf(again)).token)).toMatchObject({ client_id: first, name: 'Alice Baker' });
  });

  test('can do what the role says, and gives no more than it gives', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'bob');
    const { token } = await tokenOf(jar);
    expect(claimsOf(token)['scope']).toBe('client:read role:read');
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(200);
    expect((await server.call('POST', '/api/v1/oauth/client', { token, body: { name: 'x' } })).status).toBe(403);
  });

  test('is narrowed at once when their role changes, and can do nothing when it is deleted', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'bob');
    const { token } = await tokenOf(jar);
    const narrower = { name: 'helpdesk', scopes: ['role:read'] };
    await server.call('PUT', '/api/v1/oauth/role', { token: rootToken, body: narrower });
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(401);
    expect(claimsOf((await tokenOf(jar)).token)['scope']).toBe('role:read');
    await server.call('DELETE', '/api/v1/oauth/role/helpdesk', { token: rootToken });
    expect((await tokenOf(jar)).status).toBe(401);
  });

  test.each([
    ['no rule matches', { name: 'Eve' }],
    ['the group is another one', { name: 'Eve', groups: ['postern-admins-not'] }],
    ['the role does not exist', { name: 'Eve', groups: ['ghosts'] }],
    ['the address is not verified', { name: 'Eve', email: 'eve@audit.example' }],
    ['the address of a rule with a JSON Pointer is not verified', { name: 'Eve', email: 'eve@pointer.example' }],
    ['the claim is no list of texts', { name: 'Eve', groups: { 'postern-admins': true } }],
  ])('is refused if %s', async (_why, claims) => {
    provider.people['eve'] = claims;
    const jar = createCookieJar();
    expect(await signIn(jar, 'eve')).toBe(`${server.url}/console/?sign_in_error=role_missing`);
    expect((await tokenOf(jar)).status).toBe(401);
  });

  test('with a verified address gets the role of the rule for addresses', async () => {
    provider.people['eve'] = { name: 'Eve', email: 'eve@audit.example', email_verified: true };
    const jar = createCookieJar();
    await signIn(jar, 'eve');
    const { body } = await server.call('GET', '/api/v1/whoami', { token: (await tokenOf(jar)).token });
    expect(body.role).toBe('auditor');
  });

  test('whose claims give no role any more loses their other sessions with the next sign-in', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'bob');
    const { token } = await tokenOf(jar);
    provider.people['bob'] = { name: 'Bob Baker', groups: [] };
    expect(await signIn(createCookieJar(), 'bob')).toContain('sign_in_error=role_missing');
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(401);
    expect((await tokenOf(jar)).status).toBe(401);
  });

  test('loses every session and token when an administrator revokes them, and nobody else can', async () => {
    const [laptop, phone] = [createCookieJar(), createCookieJar()];
    await signIn(laptop, 'bob');
    await signIn(phone, 'bob');
    const { token } = await tokenOf(laptop);
    const id = claimsOf(token)['client_id'] as string;
    const revoke = (by: string, person = id) =>
      server.call('POST', `/api/v1/oauth/client/${person}/revoke`, { token: by });
    expect((await revoke(token)).status).toBe(403);
    const operator = await server.createClient(['token:revoke']);
    expect((await revoke(await server.token(operator))).status).toBe(403);
    expect((await revoke(rootToken, 'person:nobody')).status).toBe(404);
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(200);
    expect((await revoke(rootToken)).status).toBe(204);
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(401);
    expect([(await tokenOf(laptop)).status, (await tokenOf(phone)).status]).toEqual([401, 401]);
    await signIn(laptop, 'bob');
    expect((await tokenOf(laptop)).status).toBe(200);
  });

  test('gets no revoked token back, however many of them are revoked', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'bob');
    const tokens = [await tokenOf(jar), await tokenOf(jar)].map(({ token }) => token);
    const revoke = (token = '') =>
      server.call('POST', '/api/v1/oauth/revoke_one', { token: rootToken, body: { token } });
    expect((await revoke(tokens[0])).status).toBe(200);
    // As many as a client may have before one more revokes all of its tokens.
    const [row] = await server.db.selectFrom('revoked_tokens').selectAll().orderBy('expires_at', 'desc').execute();
    const rows = Array.from({ length: 1_000 }, (_, number) => ({ ...row, jti: `other ${number}` }));
    await server.db
      .insertInto('revoked_tokens')
      .values(rows as never)
      .execute();
    expect((await revoke(tokens[1])).status).toBe(200);
    for (const token of tokens) {
      expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(401);
    }
    expect((await tokenOf(jar)).status).toBe(200);
  });

  test('loses every session when all tokens are revoked', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'alice');
    const { token } = await tokenOf(jar);
    await server.advance(1);
    await server.call('POST', '/api/v1/oauth/revoke_all', { token: rootToken });
    rootToken = await server.rootToken();
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(401);
    expect((await tokenOf(jar)).status).toBe(401);
  });
});

describe('a sign-in', () => {
  test('ends once: neither the address nor the cookie can be used again', async () => {
    const jar = createCookieJar();
    const callback = await jar.follow(`${server.url}/api/v1/sign-in`, 'alice', isCallback);
    const kept = new Map(jar.cookies.get(new URL(server.url).host));
    expect((await jar.send(callback)).headers.get('location')).toBe(`${server.url}/console/`);
    const thief = createCookieJar();
    thief.cookies.set(new URL(server.url).host, kept);
    expect((await thief.send(callback)).headers.get('location')).toContain('sign_in_error=sign_in_lost');
    expect((await tokenOf(thief)).status).toBe(401);
  });

  test('of somebody else does not end in this browser', async () => {
    const attacker = createCookieJar();
    const callback = await attacker.follow(`${server.url}/api/v1/sign-in`, 'bob', isCallback);
    const victim = createCookieJar();
    expect((await victim.send(callback)).headers.get('location')).toContain('sign_in_error=sign_in_lost');
    await victim.send(`${server.url}/api/v1/sign-in`);
    expect((await victim.send(callback)).headers.get('location')).toContain('sign_in_error=sign_in_lost');
    expect((await tokenOf(victim)).status).toBe(401);
  });

  test('expires after ten minutes', async () => {
    const jar = createCookieJar();
    const callback = await jar.follow(`${server.url}/api/v1/sign-in`, 'alice', isCallback);
    await server.advance(600);
    expect((await jar.send(callback)).headers.get('location')).toContain('sign_in_error=sign_in_lost');
  });

  test('goes to pages of this console only, and to commands on this machine only', async () => {
    for (const query of [
      'page=//evil.example',
      'page=https://evil.example',
      'page=/%5Cevil.example',
      'redirect_uri=http://evil.example/callback',
      'redirect_uri=http://127.0.0.1:80@evil.example/callback',
      'other=1',
    ]) {
      expect([query, (await fetch(`${server.url}/api/v1/sign-in?${query}`, { redirect: 'manual' })).status]).toEqual([
        query,
        422,
      ]);
    }
  });

  test('asks with PKCE, a state and a nonce, and its cookie tells nobody what they are', async () => {
    const response = await fetch(`${server.url}/api/v1/sign-in`, { redirect: 'manual' });
    const asked = new URL(response.headers.get('location') ?? '').searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect([asked.get('state'), asked.get('nonce')]).toEqual([
      expect.stringMatching(/.{43}/),
      expect.stringMatching(/.{43}/),
    ]);
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^postern-sign-in-\w{8}=\S+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(cookie).not.toContain(asked.get('state'));
  });
});

describe('a command', () => {
  const verifier = 'v'.repeat(43);
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = new URLSearchParams({
    redirect_uri: 'http://127.0.0.1:9/callback',
    code_challenge,
    state: 'of the command',
  });
  const start = async (code: string, code_verifier: string) => {
    const response = await fetch(`${server.url}/api/v1/session`, {
      method: 'POST',
      headers: { ...ownPage, 'content-type': 'application/json' },
      body: JSON.stringify({ code, code_verifier }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as { secret: string; error: string },
    };
  };

  test('gets a code at its own machine, which it alone can use, and once', async () => {
    const at = await createCookieJar().follow(
      `${server.url}/api/v1/sign-in?${query}`,
      'bob',
      ({ port }) => port === '9',
    );
    const { code = '', state } = Object.fromEntries(new URL(at).searchParams);
    expect(state).toBe('of the command');
    expect((await start(code, 'w'.repeat(43))).body.error).toBe('invalid_grant');
    const { status, headers, body } = await start(code, verifier);
    expect([status, headers.get('set-cookie')]).toEqual([200, null]);
    expect((await start(code, verifier)).body.error).toBe('invalid_grant');
    const answer = await server.call('POST', '/api/v1/session/token', { token: body.secret, body: {} });
    expect(claimsOf(answer.body.access_token)).toMatchObject({ name: 'Bob Baker' });
  });

  test('is told at its own machine why nobody signed in', async () => {
    const at = await createCookieJar().follow(
      `${server.url}/api/v1/sign-in?${query}`,
      'eve',
      ({ port }) => port === '9',
    );
    expect(Object.fromEntries(new URL(at).searchParams)).toEqual({ error: 'role_missing', state: 'of the command' });
  });

  test('without a browser waits until the person has entered a code at the provider', async () => {
    const device = (await server.call('POST', '/api/v1/sign-in/device')).body;
    const poll = () =>
      server.call('POST', '/api/v1/sign-in/device/token', { body: { device_code: device.device_code } });
    expect((await poll()).body.error).toBe('authorization_pending');
    await enterDeviceCode(device.verification_uri_complete, 'bob');
    const { status, body } = await poll();
    expect(status).toBe(200);
    const { body: token } = await server.call('POST', '/api/v1/session/token', { token: body.session, body: {} });
    expect(claimsOf(token.access_token)).toMatchObject({ name: 'Bob Baker' });
    expect((await poll()).status).toBe(403);
  });

  test('gets a code for the console, for a minute and for one session', async () => {
    const { clientId: client_id, clientSecret: client_secret } = server.root;
    const ask = async () => {
      const response = await fetch(`${server.url}/api/v1/session/code`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ client_id, client_secret }),
      });
      return (await response.json()) as { code: string; url: string };
    };
    const { code, url } = await ask();
    expect(url).toBe(`${server.url}/console/#code=${code}`);
    expect(JSON.stringify(await server.rows('session_codes'))).not.toContain(code);
    const { status, headers } = await start(code, '');
    expect([status, headers.get('set-cookie')]).toEqual([422, null]);
    const redeem = (text: string) =>
      fetch(`${server.url}/api/v1/session`, {
        method: 'POST',
        headers: { ...ownPage, 'content-type': 'application/json' },
        body: JSON.stringify({ code: text }),
      });
    expect((await redeem(code)).headers.get('set-cookie')).toContain('HttpOnly');
    expect((await redeem(code)).status).toBe(400);
    const late = await ask();
    await server.advance(60);
    expect((await redeem(late.code)).status).toBe(400);
    await server.advance(3_600);
    expect(await server.rows('session_codes')).toEqual([]);
  });
});

describe('the list of people', () => {
  const list = async (query = '') =>
    (await server.call('GET', `/api/v1/oauth/person?${query}`, { token: await server.rootToken() })).body;
  const find = async (sub: string) =>
    ((await list('size=100')).items as { id: string; sub: string }[]).find((person) => person.sub === sub);
  const signInNow = async (login: string) => {
    await signIn(createCookieJar(), login);
    return new Date(server.now()).toISOString();
  };

  test('has whoever signed in, with their role now, the first and the last time, and their open sessions', async () => {
    provider.people['dora'] = { name: 'Dora Dale', email: 'dora@example.com', groups: ['help'] };
    const first = await signInNow('dora');
    await server.advance(600);
    const last = await signInNow('dora');
    const dora = {
      id: expect.stringMatching(/^person:\w{22}$/),
      name: 'Dora Dale',
      email: 'dora@example.com',
      issuer: provider.issuer,
      sub: 'dora',
      role: 'helpdesk',
      first_signed_in_at: first,
      last_signed_in_at: last,
      open_sessions: 2,
    };
    expect(await find('dora')).toEqual(dora);
    // Both sessions have been idle for too long.
    await server.advance(1_800);
    expect(await find('dora')).toEqual({ ...dora, open_sessions: 0 });
    await server.call('DELETE', '/api/v1/oauth/role/helpdesk', { token: await server.rootToken() });
    expect(await find('dora')).toMatchObject({ role: null, last_signed_in_at: last });
    // Whoever is refused has not signed in.
    provider.people['dora'] = { name: 'Dora Dale' };
    expect(await signIn(createCookieJar(), 'dora')).toContain('sign_in_error=role_missing');
    expect(await find('dora')).toMatchObject({ role: null, last_signed_in_at: last });
    provider.people['gina'] = { name: 'Gina' };
    expect(await signIn(createCookieJar(), 'gina')).toContain('sign_in_error=role_missing');
    expect(await find('gina')).toBeUndefined();
  });

  test('shows that sessions have ended that somebody ended, and the trail says who', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'bob');
    const { id = '' } = (await find('bob')) ?? {};
    const [session] = claimsOf((await tokenOf(jar)).token)['parent_tokens'] as { jti: string }[];
    expect(await find('bob')).not.toMatchObject({ open_sessions: 0 });
    const token = await server.rootToken();
    expect((await server.call('POST', `/api/v1/oauth/client/${id}/revoke`, { token })).status).toBe(204);
    expect(await find('bob')).toMatchObject({ open_sessions: 0 });
    expect((await server.eventsAbout(session?.jti ?? '')).at(-1)).toMatchObject({
      kind: 'session.ended',
      actor: server.root.clientId,
      data: { client_id: id },
    });
    await signIn(createCookieJar(), 'bob');
    await server.advance(1);
    await server.call('POST', '/api/v1/oauth/revoke_all', { token: await server.rootToken() });
    expect(await find('bob')).toMatchObject({ open_sessions: 0 });
    rootToken = await server.rootToken();
  });

  test('is read in pages, in the order of the first sign-ins', async () => {
    await signIn(createCookieJar(), 'alice');
    await signIn(createCookieJar(), 'bob');
    const all = (await list('size=100')).items as { id: string; first_signed_in_at: string }[];
    expect(all.map((one) => one.first_signed_in_at)).toEqual(all.map((one) => one.first_signed_in_at).toSorted());
    const paged: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await list(`size=1&cursor=${cursor}`);
      expect(page.total).toBe(all.length);
      paged.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all);
  });

  test('forgets whoever has not signed in for 400 days, and the trail keeps their name', async () => {
    provider.people['fred'] = { name: 'Fred Flint', groups: ['help'] };
    await signIn(createCookieJar(), 'fred');
    const { id = '' } = (await find('fred')) ?? {};
    await server.advance(399 * 86_400);
    expect(await find('fred')).toBeDefined();
    await server.advance(86_400 + 60);
    await server.advance(60);
    expect(await find('fred')).toBeUndefined();
    const { body } = await server.call('GET', `/api/v1/oauth/events?subject=${id}&names=true`, {
      token: await server.rootToken(),
    });
    expect(body.names[id]).toEqual({ name: 'Fred Flint', deleted: true });
    await signIn(createCookieJar(), 'fred');
    expect((await find('fred'))?.id).not.toBe(id);
    rootToken = await server.rootToken();
  });
});

describe('what a restored backup gives back, and the trail takes again:', () => {
  const idOf = async (name: string) =>
    ((await server.rows('people')) as { id: string; name: string; role: string | null }[]).find(
      (person) => person.name === name,
    );
  const replay = async (from: number) => {
    const { items } = (await server.call('GET', `/api/v1/oauth/events?after=${from}&size=1000`, { token: rootToken }))
      .body;
    const events = (items as LoggedEvent[]).map((event) => ({ ...event, occurredAt: 0 }));
    return replayTrail(events, {
      log: server.app.events,
      hostedTables: {},
      rootClientId: server.root.clientId,
      now: server.now,
    });
  };
  const head = async () => (await server.call('GET', '/api/v1/oauth/events/head', { token: rootToken })).body.sequence;

  test('a role that a person lost has to be given again by their next sign-in', async () => {
    const jar = createCookieJar();
    await signIn(jar, 'alice');
    const { token } = await tokenOf(jar);
    const before = await head();
    provider.people['alice'] = { name: 'Alice Archer', groups: [] };
    await signIn(createCookieJar(), 'alice');
    const { id = '' } = (await idOf('Alice Archer')) ?? {};
    // What a restore does.
    await server.db.updateTable('people').set({ role: 'administrator' }).where('id', '=', id).execute();
    const ends = await replay(before);
    expect(ends.find(({ event }) => event.kind === 'person.saved')).toMatchObject({ isEnded: true });
    expect((await idOf('Alice Archer'))?.role).toBeNull();
    expect((await server.call('GET', '/api/v1/oauth/client', { token })).status).toBe(401);
  });

  test('a role that a person lost and got back stays', async () => {
    await signIn(createCookieJar(), 'alice');
    const before = await head();
    provider.people['alice'] = { name: 'Alice Archer', groups: [] };
    await signIn(createCookieJar(), 'alice');
    provider.people['alice'] = { name: 'Alice Archer', groups: ['postern-admins'] };
    await signIn(createCookieJar(), 'alice');
    expect((await replay(before)).filter(({ isEnded }) => isEnded)).toEqual([]);
    expect((await idOf('Alice Archer'))?.role).toBe('administrator');
  });

  test('the scopes that a role lost', async () => {
    const before = await head();
    const save = (scopes: string[]) =>
      server.call('PUT', '/api/v1/oauth/role', {
        token: rootToken,
        body: { name: 'helpdesk', description: '', scopes, grantable_scopes: ['policy:read'] },
      });
    await save(['role:read', 'key:read']);
    const everything = JSON.stringify(['client:read', 'role:read']);
    await server.db
      .updateTable('roles')
      .set({ scopes: everything, grantable_scopes: null })
      .where('name', '=', 'helpdesk')
      .execute();
    const ends = await replay(before);
    expect(ends.filter(({ isEnded }) => isEnded).map(({ event }) => event.kind)).toEqual(['role.saved']);
    const { body } = await server.call('GET', '/api/v1/oauth/role/helpdesk', { token: rootToken });
    expect(body).toMatchObject({ scopes: ['role:read'], grantable_scopes: ['policy:read'] });
  });
});

describe('a provider that', () => {
  let lies: { issuer: string; claims: Record<string, unknown>; isDown: boolean; key?: CryptoKey; error?: string };
  let fake: Server;
  let other: TestServer;
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;

  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true });
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'ES256' };
    lies = { issuer, claims: {}, isDown: false };
    fake = createServer(async ({ url = '' }, response) => {
      const send = (body: unknown) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (lies.isDown) {
        response.writeHead(503).end();
      } else if (url === '/.well-known/openid-configuration') {
        send({
          issuer: lies.issuer,
          authorization_endpoint: `${issuer}/auth`,
          token_endpoint: `${issuer}/token`,
          device_authorization_endpoint: `${issuer}/device`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['ES256'],
        });
      } else if (url === '/jwks') {
        send({ keys: [jwk] });
      } else if (lies.error !== undefined) {
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: lies.error }));
      } else {
        const now = Math.floor(Date.now() / 1000);
        const claims = {
          iss: issuer,
          aud: 'postern',
          sub: 'mallory',
          groups: ['postern-admins'],
          iat: now,
          exp: now + 60,
          ...lies.claims,
        };
        const id_token = await new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', kid: 'k' })
          .sign(lies.key ?? keys.privateKey);
        send({ access_token: 'x', token_type: 'Bearer', id_token });
      }
    }).listen(port, '127.0.0.1');
    other = await startTestServer({ env: { ...provider.env, POSTERN_SIGN_IN_ISSUER: issuer } });
  });
  afterAll(async () => {
    fake.close();
    await other.close();
  });
  beforeEach(() => {
    lies = { issuer: lies.issuer, claims: {}, isDown: false };
  });

  /** Where the browser is sent after the provider has sent it back. */
  async function comeBack(): Promise<string> {
    const jar = createCookieJar();
    const asked = new URL((await jar.send(`${other.url}/api/v1/sign-in`)).headers.get('location') ?? '');
    const { state = '', nonce = '' } = Object.fromEntries(asked.searchParams);
    lies.claims = { nonce, ...lies.claims };
    const response = await jar.send(`${other.url}/api/v1/sign-in/callback?code=c&state=${encodeURIComponent(state)}`);
    return response.headers.get('location') ?? '';
  }

  test('tells the truth lets people in', async () => {
    expect(await comeBack()).toBe(`${other.url}/console/`);
  });

  test.each([
    ['another nonce', { nonce: 'other' }],
    ['another audience', { aud: 'somebody-else' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['an ID token that has expired', { exp: 1 }],
    ['no subject', { sub: undefined }],
  ])('names %s is not believed', async (_what, claims) => {
    lies.claims = claims;
    expect(await comeBack()).toContain('sign_in_error=provider_refused');
  });

  test('signs with a key that it does not publish is not believed', async () => {
    lies.key = (await generateKeyPair('ES256')).privateKey;
    expect(await comeBack()).toContain('sign_in_error=provider_refused');
  });

  test.each(['authorization_pending', 'slow_down'])('RFC 8628 §3.5 says %s is passed on', async (error) => {
    lies.error = error;
    const body = { device_code: 'd' };
    const { status, body: answer } = await other.call('POST', '/api/v1/sign-in/device/token', { body });
    expect([status, answer.error]).toEqual([400, error]);
  });

  test('does not answer is said to be unavailable, and administrators sign in with a secret', async () => {
    await other.advance(3_600);
    lies.isDown = true;
    const response = await fetch(`${other.url}/api/v1/sign-in`, { redirect: 'manual' });
    expect(response.headers.get('location')).toBe(`${other.url}/console/?sign_in_error=provider_unavailable`);
    expect(other.log.join('')).toContain('provider_unavailable');
    const { clientId: client_id, clientSecret: client_secret } = other.root;
    const started = await fetch(`${other.url}/api/v1/session`, {
      method: 'POST',
      headers: { ...ownPage, 'content-type': 'application/json' },
      body: JSON.stringify({ client_id, client_secret }),
    });
    expect(started.status).toBe(200);
  });
});
