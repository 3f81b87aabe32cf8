/** Claims that an administrator gives to the tokens of a client. RFC 9068 §2.2, RFC 7519 §4.2 and §10.1, RFC 8725 §3.11. */

import { registeredClaims } from '@postern/protocol';
import {
  type Answer,
  type Credentials,
  claimsOf,
  startTestServer,
  type TestServer,
} from '@postern/testing/test-server';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const clientPath = '/api/v1/oauth/client';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const fixed = { tenant: 'acme', 'https://example.com/region': ['eu', { zone: 1, ok: true, none: null }] };

let server: TestServer;
let root: string;
let client: Credentials;
beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  root = await server.rootToken();
  client = await server.createClient({ scopes: ['policy:read'], fixed_claims: fixed });
});
afterAll(() => server.close());

const secretOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });
const create = (fixed_claims: unknown, token = root): Promise<Answer> =>
  server.call('POST', clientPath, { token, body: { scopes: ['policy:read'], fixed_claims } });
const change = ({ clientId }: Credentials, body: object, token = root): Promise<Answer> =>
  server.call('PATCH', `${clientPath}/${clientId}`, { token, body });
const introspect = async (token: string, as = server.root) =>
  (await server.postForm('/api/v1/oauth/introspect', { token, ...secretOf(as) })).body;
const toClient = ({ body }: Answer): Credentials => ({ clientId: body.client_id, clientSecret: body.client_secret });

test('each token of the client has them, and so have introspection and whoever verifies the token', async () => {
  const token = await server.token(client);
  expect(claimsOf(token)).toMatchObject(fixed);
  expect(await introspect(token)).toMatchObject({ active: true, client_id: client.clientId, ...fixed });
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`)));
  expect(payload).toMatchObject(fixed);
  expect((await server.call('GET', `${clientPath}/${client.clientId}`, { token: root })).body.fixed_claims).toEqual(
    fixed,
  );
});

test('a token without fixed claims has only registered ones, so that no other claim is taken for a fixed one', async () => {
  const plain = await server.createClient({ scopes: ['policy:read'], may_act: client.clientId });
  const names = Object.keys(claimsOf(await server.token(plain)));
  expect(names.filter((name) => !registeredClaims.has(name))).toEqual([]);
});

describe('RFC 7519 §10.1 a registered name is refused', () => {
  test.each([...registeredClaims])('%s', async (name) => {
    const { status, body } = await create({ [name]: 'x' });
    expect([status, body.detail]).toEqual([422, expect.stringMatching(/^fixed_claims: /)]);
  });

  test.each(['scp', 'SCP', 'scopes', 'cid', 'appid'])(
    '%s, which libraries take for scope or client_id',
    async (name) => {
      expect((await create({ [name]: 'admin' })).status).toBe(422);
    },
  );

  test.each(['SUB', 'Scope', 'cLiEnT_iD', 'Gen', 'PARENT_TOKENS', 'Cnf', 'Active', 'producerNfSetId', 'Trust_Chain'])(
    '%s, in any case',
    async (name) => {
      expect((await create({ [name]: 'x' })).body.detail).toContain('registered meaning');
    },
  );
});

describe('what is not safe or too much is refused with a clear error', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  test.each<[string, unknown, RegExp]>([
    ['constructor', { constructor: 1 }, /not safe in programs/],
    ['prototype', { prototype: 1 }, /not safe in programs/],
    ['constructor inside', { own: [{ constructor: { x: 1 } }] }, /member named constructor/],
    ['a letter that folds to an ASCII one', { ſub: 'x' }, /ASCII letters/],
    ['a name with a space', { ' sub': 'x' }, /ASCII letters/],
    ['a name with a NUL', { 'sub\0': 'x' }, /ASCII letters/],
    ['an empty name', { '': 'x' }, /ASCII letters/],
    ['a long name', { ['n'.repeat(201)]: 'x' }, /ASCII letters/],
    ['no value', { own: null }, /has no value/],
    ['half of a surrogate pair', { own: '\ud800' }, /not Unicode/],
    ['half of a surrogate pair in a name inside', { own: { '\udfff': 1 } }, /not Unicode/],
    ['too deep', { own: deep(5) }, /more than 4 objects or arrays/],
    ['too many bytes', { own: 'x'.repeat(2_048) }, /2058 bytes of JSON, and may be at most 2048/],
    ['too many', Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`c${index}`, 1])), /fixed_claims/],
    ['none', {}, /fixed_claims/],
    ['an array', ['tenant'], /fixed_claims/],
    ['a text', 'tenant', /fixed_claims/],
  ])('%s', async (_name, wanted, reason) => {
    const { status, body } = await create(wanted);
    expect([status, body.detail]).toEqual([422, expect.stringMatching(reason)]);
    expect(body.detail).toMatch(/^fixed_claims/);
  });

  test.each(['{"fixed_claims": {"__proto__": {"admin": true}}}', '{"fixed_claims": {"own": {"__proto__": 1}}}'])(
    '%s',
    async (body) => {
      const response = await fetch(server.url + clientPath, {
        method: 'POST',
        headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json' },
        body,
      });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('__proto__');
    },
  );

  test.each(['1e999', '[{"inside": -1e999}]'])('the number %s, which JSON cannot say again', async (value) => {
    const response = await fetch(server.url + clientPath, {
      method: 'POST',
      headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json' },
      body: `{"fixed_claims": {"own": ${value}}}`,
    });
    expect([response.status, await response.text()]).toEqual([422, expect.stringContaining('too large')]);
  });

  test('the most that is allowed makes a token that guards accept', async () => {
    const most = { own: deep(4), text: 'ü'.repeat(980) };
    const made = await create(most);
    expect([made.status, made.body.detail]).toEqual([200, undefined]);
    const token = await server.token(toClient(made));
    expect(await introspect(token)).toMatchObject({ active: true, ...most });
  });
});

describe('RFC 8693 §2.1 by exchange they do not travel', () => {
  test('the new token has those of the client that it was issued to, and none of the other one', async () => {
    const actor = await server.createClient({
      scopes: ['policy:read'],
      grant_types: [exchange],
      fixed_claims: { tier: 'gold' },
    });
    const subject = await server.createClient({
      scopes: ['policy:read'],
      may_act: actor.clientId,
      fixed_claims: { tenant: 'acme', tier: 'iron' },
    });
    const { body } = await server.postForm('/api/v1/oauth/token', {
      grant_type: exchange,
      subject_token: await server.token(subject),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...secretOf(actor),
    });
    const claims = claimsOf(body.access_token);
    expect([claims['tier'], 'tenant' in claims]).toEqual(['gold', false]);
    // A claim that is withdrawn from the subject ends what was got by its token.
    await change(subject, { fixed_claims: { tenant: 'acme' } });
    expect(await introspect(body.access_token)).toEqual({ active: false });
  });
});

describe('a change', () => {
  test('that removes or changes one revokes the tokens that have it, and one that adds does not', async () => {
    const changing = await server.createClient({ scopes: ['policy:read'], fixed_claims: { tenant: 'a' } });
    const first = await server.token(changing);
    await change(changing, { fixed_claims: { tier: 1, tenant: 'a' } });
    expect((await introspect(first)).active).toBe(true);
    const second = await server.token(changing);
    expect(claimsOf(second)).toMatchObject({ tenant: 'a', tier: 1 });
    await change(changing, { fixed_claims: { tier: 2, tenant: 'a' } });
    expect([(await introspect(first)).active, (await introspect(second)).active]).toEqual([false, false]);
    const third = await server.token(changing);
    await change(changing, { fixed_claims: null });
    expect((await introspect(third)).active).toBe(false);
    expect('tenant' in claimsOf(await server.token(changing))).toBe(false);
    const events = await server.eventsAbout(changing.clientId);
    expect(events.at(-1)).toMatchObject({ kind: 'client.updated', data: { fixed_claims: null, status: {} } });
  });
});

describe('who may give them is decided as for all that a client can do', () => {
  const administrators = ['client:create', 'client:update', 'policy:read', 'initial_access_token:create'];

  test('a client without limits gives any', async () => {
    const open = await server.createClient({ scopes: administrators });
    expect((await create({ tenant: 'b' }, await server.token(open))).status).toBe(200);
  });

  test('one with limits and no claims gives none, not even to itself', async () => {
    const limited = await server.createClient({ scopes: administrators, token_quota_per_minute: 1_000 });
    const token = await server.token(limited);
    expect((await create({ tenant: 'b' }, token)).body).toMatchObject({ error: 'access_denied' });
    expect((await change(limited, { fixed_claims: { tenant: 'b' } }, token)).status).toBe(403);
    expect((await create(null, token)).status).toBe(200);
  });

  test('one that cannot create clients gives none, although it may change them', async () => {
    const changer = await server.createClient({ scopes: ['client:update', 'policy:read'] });
    const plain = await server.createClient({ scopes: ['policy:read'] });
    expect((await change(plain, { fixed_claims: { tenant: 'b' } }, await server.token(changer))).status).toBe(403);
  });

  test('one with claims gives exactly those: it stays in its tenant, and so do all that it creates', async () => {
    const tenant = await server.createClient({ scopes: administrators, fixed_claims: { tenant: 'acme', tier: 1 } });
    const token = await server.token(tenant);
    const child = await create(undefined, token);
    expect(child.body.inherited).toEqual({ fixed_claims: { tenant: 'acme', tier: 1 } });
    expect((await create({ tier: 1, tenant: 'acme' }, token)).status).toBe(200);
    for (const other of [null, { tenant: 'acme' }, { tenant: 'b', tier: 1 }, { tenant: 'acme', tier: 1, more: 1 }]) {
      expect((await create(other, token)).body).toMatchObject({
        error: 'access_denied',
        detail: expect.stringMatching(/^fixed_claims: /),
      });
      expect((await change(tenant, { fixed_claims: other }, token)).status).toBe(403);
      expect((await change(toClient(child), { fixed_claims: other }, token)).status).toBe(403);
    }
    // Nor does it touch a client of another tenant, or of none.
    for (const fixed_claims of [null, { tenant: 'b', tier: 1 }]) {
      const other = await server.createClient({ scopes: ['policy:read'], fixed_claims });
      expect((await change(other, { name: 'mine' }, token)).status).toBe(403);
      const secret = await server.call('POST', `${clientPath}/${other.clientId}/secret`, { token, body: {} });
      expect(secret.status).toBe(403);
    }
    const initial = await server.call('POST', '/api/v1/oauth/initial-access-token', {
      token,
      body: { scopes: ['policy:read'] },
    });
    const registered = await server.call('POST', '/api/v1/oauth/register', {
      token: initial.body.initial_access_token,
      body: { fixed_claims: { tenant: 'b' } },
    });
    expect(registered.body.fixed_claims).toEqual({ tenant: 'acme', tier: 1 });
  });

  test('an administrator without limits changes what another one has set', async () => {
    const [one, other] = [
      await server.createClient({ scopes: administrators }),
      await server.createClient({ scopes: administrators }),
    ];
    const made = toClient(await create({ region: 'eu' }, await server.token(one)));
    expect((await change(made, { fixed_claims: { region: 'us' } }, await server.token(other))).status).toBe(200);
  });
});
