/** Tokens for one resource: audience, scopes, lifetime and algorithm. RFC 8707, RFC 9068 §3. */

import { type AccessTokenTyp, createApiGuard } from '@postern/guard';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countRowsRead } from './work-counts.ts';

const path = '/api/v1/oauth/resource';
const billing = 'https://billing.example.com/api';
const archive = 'https://archive.example.com';
const legacy = 'urn:example:legacy';

let server: TestServer;
let root: string;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  await save({ key: 'billing', identifier: billing, scopes: ['policy:read', 'rule:read'] });
  await save({ key: 'archive', identifier: archive, scopes: ['policy:read'] });
  await save({ key: 'legacy', identifier: legacy, scopes: ['policy:read'], signing_alg: 'RS256' });
  client = await server.createClient({ scopes: ['policy:read', 'scope:read'], resources: [billing, legacy] });
});
afterAll(() => server.close());

const call = (method: string, url: string, body?: unknown, token = root) => server.call(method, url, { token, body });
async function save(body: object) {
  const answer = await call('PUT', path, body);
  expect(answer.status).toBe(200);
  return answer.body;
}
const ask = (more: Record<string, string>, by = client) =>
  server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_id: by.clientId,
    client_secret: by.clientSecret,
    ...more,
  });
const invalidTarget = { status: 400, body: { error: 'invalid_target' } };

describe('RFC 8707 §2 a token for a resource', () => {
  test('has exactly the audience that was asked for', async () => {
    for (const resource of [billing, legacy, server.url]) {
      const { status, body } = await ask({ resource });
      expect([status, claimsOf(body.access_token)['aud']]).toEqual([200, resource]);
    }
    expect(claimsOf((await ask({})).body.access_token)['aud']).toBe(server.url);
  });

  test("is none for Postern's own APIs", async () => {
    const { access_token } = (await ask({ resource: billing })).body;
    expect((await call('GET', '/api/v1/oauth/scope', undefined, access_token)).status).toBe(401);
  });

  test.each([
    ['one that is not registered', 'https://other.example.com'],
    ['one that the client may not ask for', archive],
    ['one that differs by a slash', `${billing}/`],
    ['one that differs by a query', `${billing}?a=b`],
    ['one that differs by case', billing.toUpperCase()],
    ['one with a fragment', `${billing}#a`],
    ['what is no URI', 'billing'],
    ['two in one', `${billing} ${archive}`],
  ])('%s is invalid_target, and there is one answer for all', async (_, resource) => {
    const answer = await ask({ resource });
    expect(answer).toMatchObject(invalidTarget);
    expect(answer.body).toEqual((await ask({ resource: 'x' })).body);
  });

  test('two at once are refused: a token has one audience', async () => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: client.clientId });
    form.append('client_secret', client.clientSecret);
    form.append('resource', billing);
    form.append('resource', legacy);
    const answer = await fetch(`${server.url}/api/v1/oauth/token`, { method: 'POST', body: form });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_request' }]);
  });

  test('root may ask for each, and for none that is not registered', async () => {
    for (const resource of [billing, archive, legacy]) {
      expect((await ask({ resource }, server.root)).status).toBe(200);
    }
    expect(await ask({ resource: 'https://other.example.com' }, server.root)).toMatchObject(invalidTarget);
  });

  test('is rejected when the client may no longer request it', async () => {
    const own = await server.createClient({ scopes: ['policy:read'], resources: [billing] });
    const { access_token: token } = (await ask({ resource: billing }, own)).body;
    const form = { client_id: own.clientId, client_secret: own.clientSecret, token };
    expect((await server.postForm('/api/v1/oauth/introspect', form)).body.active).toBe(true);
    await call('PATCH', `/api/v1/oauth/client/${own.clientId}`, { resources: null });
    expect((await server.postForm('/api/v1/oauth/introspect', form)).body).toEqual({ active: false });
  });
});

describe('audience says what the token is for, as resource does', () => {
  test.each([
    ['the identifier', billing],
    ['the key', 'billing'],
    ['the identifier of a URN', legacy],
  ])('%s of a resource', async (_, audience) => {
    const { status, body } = await ask({ audience });
    expect([status, claimsOf(body.access_token)['aud']]).toEqual([200, audience === 'billing' ? billing : audience]);
    expect(body.scope).toBe('policy:read');
  });

  test('the issuer, with and without a slash', async () => {
    for (const audience of [server.url, `${server.url}/`]) {
      expect(claimsOf((await ask({ audience })).body.access_token)['aud']).toBe(server.url);
    }
  });

  test('together with resource, if both name the same one', async () => {
    for (const audience of [billing, 'billing']) {
      const { body } = await ask({ audience, resource: billing });
      expect(claimsOf(body.access_token)['aud']).toBe(billing);
    }
  });

  test.each([
    ['another resource', { resource: billing, audience: legacy }],
    ['another resource by key', { resource: billing, audience: 'legacy' }],
    ['the issuer', { resource: billing, audience: 'ISSUER' }],
    ['the issuer the other way around', { resource: 'ISSUER', audience: billing }],
  ])('RFC 8707 §2 with resource, %s is invalid_target', async (_, form: Record<string, string>) => {
    const entries = Object.entries(form).map(([name, value]) => [name, value === 'ISSUER' ? server.url : value]);
    const answer = await ask(Object.fromEntries(entries));
    expect(answer).toMatchObject(invalidTarget);
    expect(answer.body.error_description).toMatch(/resource and audience name two different resources/);
  });

  test.each([
    ['what nobody registered', { audience: 'nothing' }],
    ['a resource that the client may not ask for', { audience: archive }],
    ['its key', { audience: 'archive' }],
    ['it, with its own resource', { audience: 'archive', resource: archive }],
    ['it, with a resource of the client', { audience: 'archive', resource: billing }],
    ['a resource of the client, with it', { audience: 'billing', resource: archive }],
    ['two in one', { audience: `${billing} ${legacy}` }],
    ['a key in other case', { audience: 'BILLING' }],
  ])('%s is invalid_target, and there is one answer for all', async (_, form: Record<string, string>) => {
    const answer = await ask(form);
    expect(answer).toMatchObject(invalidTarget);
    expect(answer.body).toEqual((await ask({ resource: 'x' })).body);
  });
});

describe('default_resource of a client', () => {
  const clientPath = (id: string) => `/api/v1/oauth/client/${id}`;
  const scopes = ['policy:read', 'scope:read'];
  let owner: Credentials;
  beforeAll(async () => {
    owner = await server.createClient({ scopes, resources: [billing, legacy], default_resource: billing });
  });
  const audienceOf = async (form: Record<string, string>, by = owner) =>
    claimsOf((await ask(form, by)).body.access_token)['aud'];

  test('is what a token is for if the request names none, with the scopes of that resource', async () => {
    const { body } = await ask({}, owner);
    expect([claimsOf(body.access_token)['aud'], body.scope]).toEqual([billing, 'policy:read']);
    expect((await call('GET', '/api/v1/oauth/scope', undefined, body.access_token)).status).toBe(401);
  });

  test('gives way to what the request names, also the issuer', async () => {
    expect(await audienceOf({ resource: legacy })).toBe(legacy);
    expect(await audienceOf({ audience: 'legacy' })).toBe(legacy);
    const { body } = await ask({ resource: server.url }, owner);
    expect([claimsOf(body.access_token)['aud'], body.scope]).toEqual([server.url, 'policy:read scope:read']);
  });

  test('is shown, changed and taken back', async () => {
    const own = await server.createClient({ scopes, resources: [billing, legacy], default_resource: billing });
    const change = (body: object) => call('PATCH', clientPath(own.clientId), body);
    expect((await call('GET', clientPath(own.clientId))).body.default_resource).toBe(billing);
    expect((await change({ default_resource: legacy })).body.default_resource).toBe(legacy);
    expect(await audienceOf({}, own)).toBe(legacy);
    expect((await change({ default_resource: null })).body).not.toHaveProperty('default_resource');
    expect(await audienceOf({}, own)).toBe(server.url);
  });

  test.each([
    ['one that is not among its resources', { resources: [billing], default_resource: archive }],
    ['one without resources', { default_resource: billing }],
    ['a key', { resources: [billing], default_resource: 'billing' }],
    ['one that does not exist', { resources: [billing], default_resource: 'https://other.example.com' }],
    ['an empty one', { resources: [billing], default_resource: '' }],
  ])('%s is refused', async (_, metadata) => {
    const answer = await call('POST', '/api/v1/oauth/client', { scopes, ...metadata });
    expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(/^default_resource: /)]);
  });

  test('cannot be lost by a change of the resources, which would make its tokens for Postern without a word', async () => {
    const change = (body: object) => call('PATCH', clientPath(owner.clientId), body);
    for (const resources of [[legacy], null]) {
      const answer = await change({ resources });
      expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(/^default_resource: /)]);
    }
    expect((await change({ resources: [legacy], default_resource: legacy })).status).toBe(200);
    expect((await change({ resources: [billing, legacy], default_resource: billing })).status).toBe(200);
  });

  test('that is deleted is invalid_target, and never Postern itself', async () => {
    const identifier = 'https://default-gone.example.com';
    await save({ key: 'default-gone', identifier, scopes: [] });
    const own = await server.createClient({ scopes, resources: [identifier], default_resource: identifier });
    expect(await audienceOf({}, own)).toBe(identifier);
    expect((await call('DELETE', `${path}/default-gone`)).status).toBe(204);
    expect(await ask({}, own)).toMatchObject(invalidTarget);
  });
});

describe('RFC 9068 §3 the scopes of a token for a resource', () => {
  test('are those of the client that the resource knows', async () => {
    expect((await ask({ resource: billing })).body.scope).toBe('policy:read');
    expect((await ask({})).body.scope).toBe('policy:read scope:read');
  });

  test('are never more, whether the client or the resource lacks it', async () => {
    for (const scope of ['scope:read', 'rule:read', 'policy:read rule:read', 'nothing:read']) {
      const answer = await ask({ resource: billing, scope });
      expect([scope, answer.status, answer.body.error]).toEqual([scope, 400, 'invalid_scope']);
    }
    expect((await ask({ resource: billing, scope: 'policy:read' })).body.scope).toBe('policy:read');
  });
});

describe('what a resource wants of its tokens', () => {
  test('its lifetime shortens that of the client, and never extends it', async () => {
    const identifier = 'https://short.example.com';
    await save({ key: 'short', identifier, scopes: [] });
    const owner = await server.createClient({
      scopes: ['policy:read'],
      resources: [identifier],
      access_token_ttl_seconds: 600,
    });
    for (const [ttl, expected] of [
      [60, 60],
      [6_000, 600],
      [null, 600],
    ]) {
      await save({ key: 'short', identifier, scopes: ['policy:read'], access_token_ttl_seconds: ttl });
      const { body } = await ask({ resource: identifier }, owner);
      const { iat, exp } = claimsOf(body.access_token);
      expect([body.expires_in, (exp as number) - (iat as number)]).toEqual([expected, expected]);
    }
    expect((await ask({}, owner)).body.expires_in).toBe(600);
  });

  test('signing_alg signs its tokens, and the others use the default', async () => {
    const jwks: JSONWebKeySet = (await server.call('GET', '/.well-known/jwks.json')).body;
    for (const [resource, alg] of [
      [legacy, 'RS256'],
      [billing, 'ES256'],
      [server.url, 'ES256'],
    ] as const) {
      const { access_token } = (await ask({ resource })).body;
      const { protectedHeader } = await jwtVerify(access_token, createLocalJWKSet(jwks), {
        issuer: server.url,
        audience: resource,
        typ: 'at+jwt',
        algorithms: [alg],
        currentDate: new Date(server.now()),
      });
      expect(protectedHeader.alg).toBe(alg);
    }
    expect(decodeProtectedHeader(await server.rootToken()).alg).toBe('ES256');
  });

  test('an algorithm that nobody used before has its key at once', async () => {
    const identifier = 'https://pss.example.com';
    await save({ key: 'pss', identifier, scopes: [], signing_alg: 'PS256' });
    const { access_token } = (await ask({ resource: identifier }, server.root)).body;
    const jwks: JSONWebKeySet = (await server.call('GET', '/.well-known/jwks.json')).body;
    const verified = await jwtVerify(access_token, createLocalJWKSet(jwks), { currentDate: new Date(server.now()) });
    expect(verified.protectedHeader.alg).toBe('PS256');
  });
});

describe('access_token_typ of a resource', () => {
  const spring = 'https://spring.example.com';
  let caller: Credentials;
  beforeAll(async () => {
    await save({ key: 'spring', identifier: spring, scopes: ['policy:read'], access_token_typ: 'JWT' });
    caller = await server.createClient({ scopes: ['policy:read', 'scope:read'], resources: [spring, billing] });
  });
  const tokenFor = async (resource: string) => (await ask({ resource }, caller)).body.access_token as string;
  const typOf = (token: string) => decodeProtectedHeader(token).typ;
  const introspect = async (token: string, by: Credentials) => {
    const form = { client_id: by.clientId, client_secret: by.clientSecret, token };
    return (await server.postForm('/api/v1/oauth/introspect', form)).body;
  };

  test('is the type of its tokens, and of no others', async () => {
    expect(typOf(await tokenFor(spring))).toBe('JWT');
    expect(typOf(await tokenFor(billing))).toBe('at+jwt');
    expect(typOf(await tokenFor(server.url))).toBe('at+jwt');
  });

  test("JWT: Postern's own APIs refuse the token, introspection knows it, and revocation ends it", async () => {
    const token = await tokenFor(spring);
    expect((await call('GET', '/api/v1/oauth/scope', undefined, token)).status).toBe(401);
    const api = await server.createClient({ scopes: [] });
    await save({
      ...{ key: 'spring', identifier: spring, scopes: ['policy:read'], access_token_typ: 'JWT' },
      introspection_clients: [api.clientId],
    });
    expect(await introspect(token, api)).toMatchObject({ active: true, aud: spring });
    expect(await introspect(token, caller)).toMatchObject({ active: true });
    const form = { client_id: caller.clientId, client_secret: caller.clientSecret, token };
    expect((await server.postForm('/api/v1/oauth/revoke', form)).status).toBe(200);
    expect(await introspect(token, api)).toEqual({ active: false });
  });

  test('JWT: a guard refuses the token, and one that accepts the type checks all else as ever', async () => {
    const token = await tokenFor(spring);
    const outcome = async (acceptTyp?: readonly AccessTokenTyp[], text = token, audience = spring) => {
      const guard = createApiGuard({
        issuer: server.url,
        audience,
        now: server.now,
        ...(acceptTyp !== undefined && { acceptTyp }),
      });
      const request = {
        method: 'GET',
        path: '/',
        authorization: `Bearer ${text}`,
        dpop: undefined,
        certificateThumbprint: undefined,
      };
      return guard.authorize(request, 'policy:read').then(
        () => 'passed',
        ({ reason }) => reason,
      );
    };
    expect(await outcome()).toBe('token_type_wrong');
    expect(await outcome(['at+jwt'])).toBe('token_type_wrong');
    expect(await outcome(['at+jwt', 'JWT'])).toBe('passed');
    expect(await outcome(['JWT'])).toBe('passed');
    const own = await tokenFor(billing);
    expect(await outcome(['JWT'], own, billing)).toBe('token_type_wrong');
    expect(await outcome(['at+jwt', 'JWT'], own, billing)).toBe('passed');
    expect(await outcome(['JWT'], token, billing)).toBe('audience_wrong');
    const answer = await fetch(`${server.url}/api/v1/oauth/introspect`, {
      method: 'POST',
      headers: { accept: 'application/token-introspection+jwt' },
      body: new URLSearchParams({ client_id: caller.clientId, client_secret: caller.clientSecret, token: own }),
    });
    expect(await outcome(['at+jwt', 'JWT'], await answer.text())).toBe('token_type_wrong');
  });

  test('JWT: the explanation says why guards refuse it', async () => {
    const token = await tokenFor(spring);
    const { body } = await call('POST', '/api/v1/oauth/explain', { token });
    expect(body.checks[0]).toMatchObject({ result: 'ok', detail: expect.stringContaining('acceptTyp') });
  });

  test('JWT: token exchange keeps to the type of the resource', async () => {
    const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
    const own = await server.createClient({
      ...{ scopes: ['policy:read'], resources: [spring], default_resource: spring },
      grant_types: ['client_credentials', grant],
    });
    const subject_token = (await ask({}, own)).body.access_token;
    const subject_token_type = 'urn:ietf:params:oauth:token-type:access_token';
    const { body } = await ask({ grant_type: grant, subject_token, subject_token_type }, own);
    expect([typOf(subject_token), typOf(body.access_token)]).toEqual(['JWT', 'JWT']);
  });
});

describe('the management API of resources', () => {
  test('keeps what was saved, over a restart too', async () => {
    const body = {
      key: 'full',
      identifier: 'https://full.example.com',
      scopes: ['rule:read'],
      access_token_ttl_seconds: 60,
      signing_alg: 'EdDSA',
      access_token_typ: 'JWT',
      introspection_clients: [client.clientId],
    };
    expect(await save(body)).toEqual(body);
    expect((await call('GET', `${path}/full`)).body).toEqual(body);
    const second = await startTestServer({ dataDir: server.dataDir });
    const answer = await second.call('GET', `${path}/full`, { token: await second.rootToken() });
    expect(answer.body).toEqual(body);
    await second.close();
  });

  test('replaces the one of that key: what is missing goes back to its default', async () => {
    const identifier = 'https://changed.example.com';
    await save({ key: 'changed', identifier, scopes: ['policy:read'], access_token_ttl_seconds: 60 });
    expect(await save({ key: 'changed', identifier: `${identifier}/v2`, scopes: [] })).toEqual({
      key: 'changed',
      identifier: `${identifier}/v2`,
      scopes: [],
      access_token_ttl_seconds: null,
      signing_alg: null,
      access_token_typ: 'at+jwt',
      introspection_clients: [],
    });
    expect(await ask({ resource: identifier }, server.root)).toMatchObject(invalidTarget);
    expect((await ask({ resource: `${identifier}/v2` }, server.root)).status).toBe(200);
  });

  test('deletes: no more tokens are issued for it, and it is not found', async () => {
    const identifier = 'https://gone.example.com';
    await save({ key: 'gone', identifier, scopes: ['policy:read'] });
    expect((await ask({ resource: identifier }, server.root)).status).toBe(200);
    expect((await call('DELETE', `${path}/gone`)).status).toBe(204);
    expect(await ask({ resource: identifier }, server.root)).toMatchObject(invalidTarget);
    expect([(await call('GET', `${path}/gone`)).status, (await call('DELETE', `${path}/gone`)).status]).toEqual([
      404, 404,
    ]);
  });

  test('lists by key, page by page', async () => {
    const { body } = await call('GET', `${path}?size=2&page=1`);
    expect(body).toMatchObject({ page: 1, size: 2, pages: Math.ceil(body.total / 2) });
    const keys = body.items.map(({ key }: { key: string }) => key);
    expect(keys).toEqual(['archive', 'billing']);
  });

  test.each<[string, number, object]>([
    ['an identifier that another has', 409, { identifier: billing }],
    ['the issuer', 422, { identifier: 'ISSUER' }],
    ['a fragment', 422, { identifier: `${billing}#a` }],
    ['a relative reference', 422, { identifier: '/billing' }],
    ['a space', 422, { identifier: 'https://a.example.com/a b' }],
    ['a scope that does not exist', 422, { scopes: ['nothing:read'] }],
    ['no scopes', 422, { scopes: undefined }],
    ['an algorithm of no key', 422, { signing_alg: 'none' }],
    ['a type of no access token', 422, { access_token_typ: 'jwt' }],
    ['an unknown member', 422, { audience: billing }],
    ['a key that does not fit in a path', 422, { key: 'a/b' }],
    ['no time', 422, { access_token_ttl_seconds: 0 }],
  ])('refuses %s: %i', async (_, status, over) => {
    const body = { key: 'refused', identifier: 'https://refused.example.com', scopes: [], ...over };
    const answer = await call('PUT', path, body.identifier === 'ISSUER' ? { ...body, identifier: server.url } : body);
    expect(answer.status).toBe(status);
    expect((await call('GET', `${path}/refused`)).status).toBe(404);
  });

  test('of two with one identifier at once, one is saved', async () => {
    const identifier = 'https://twin.example.com';
    const answers = await Promise.all(
      ['twin-a', 'twin-b'].map((key) => call('PUT', path, { key, identifier, scopes: [] })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  test.each([
    ['GET', path, 'resource:read'],
    ['GET', `${path}/billing`, 'resource:read'],
    ['PUT', path, 'resource:create_or_update'],
    ['DELETE', `${path}/billing`, 'resource:delete'],
  ])('%s %s needs %s', async (method, url, scope) => {
    const others = ['resource:read', 'resource:create_or_update', 'resource:delete'].filter((one) => one !== scope);
    const token = await server.token(await server.createClient({ scopes: others, grantable_scopes: [] }));
    const answer = await call(method, url, method === 'PUT' ? {} : undefined, token);
    expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope']);
  });

  test('every change is an event with what was saved', async () => {
    const { key, ...rest } = await save({ key: 'logged', identifier: 'https://logged.example.com', scopes: [] });
    await call('DELETE', `${path}/logged`);
    const rows = await server.db
      .selectFrom('events')
      .selectAll()
      .where('subject', '=', key)
      .orderBy('sequence')
      .execute();
    expect(rows.map(({ actor, kind, data }) => [actor, kind, JSON.parse(data)])).toEqual([
      [server.root.clientId, 'resource.saved', rest],
      [server.root.clientId, 'resource.deleted', {}],
    ]);
  });

  test('a client names only resources that are registered', async () => {
    const answer = await call('POST', '/api/v1/oauth/client', { scopes: [], resources: ['https://other.example.com'] });
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
  });
});

describe('with thousands of resources', () => {
  test('a change of one, or of a client, reads no more rows than with few', async () => {
    const actor = await server.createClient(['policy:read']);
    const changes = async (number: number) => {
      const identifier = `https://changed${number}.example.com`;
      const body = {
        key: `changed${number}`,
        identifier,
        scopes: ['rule:read'],
        introspection_clients: [actor.clientId],
      };
      await save(body);
      await save({ ...body, introspection_clients: [] });
      await server.createClient({ scopes: ['rule:read'], resources: [identifier] });
      await call('DELETE', `${path}/changed${number}`);
    };
    const few = await countRowsRead(() => changes(1));
    const rows = Array.from({ length: 2_000 }, (_, index) => ({
      ...{ key: `many${index}`, identifier: `https://many.example.com/${index}` },
      ...{ scopes: '["rule:read"]', access_token_ttl_seconds: null, signing_alg: null, access_token_typ: 'at+jwt' },
      introspection_clients: `["${client.clientId}"]`,
    }));
    await server.db.insertInto('resources').values(rows).execute();
    const many = rows.map(({ key }) => ({ client_id: client.clientId, resource_key: key }));
    await server.db.insertInto('resource_clients').values(many).execute();
    try {
      // Others read meanwhile, such as the follower of the log.
      expect(await countRowsRead(() => changes(2))).toBeLessThan(few + 100);
    } finally {
      await server.db.deleteFrom('resources').where('key', 'like', 'many%').execute();
    }
    expect(JSON.stringify(await server.rows('resource_clients'))).not.toMatch(/many|changed/);
  });

  test('the list is in order of the keys, whatever the order of the changes', async () => {
    for (const key of ['z-last', 'a-first', 'm-middle']) {
      await save({ key, identifier: `https://${key}.example.com`, scopes: [] });
    }
    await save({ key: 'a-first', identifier: 'https://moved.example.com', scopes: [] });
    await save({ key: 'new-owner', identifier: 'https://a-first.example.com', scopes: [] });
    const { items } = (await call('GET', `${path}?size=100`)).body as { items: { key: string }[] };
    const keys = items.map(({ key }) => key);
    expect(keys).toEqual(keys.toSorted());
    expect((await ask({ resource: 'https://a-first.example.com' }, server.root)).status).toBe(200);
    for (const key of ['z-last', 'a-first', 'm-middle', 'new-owner']) {
      await call('DELETE', `${path}/${key}`);
    }
    expect(await ask({ resource: 'https://a-first.example.com' }, server.root)).toMatchObject(invalidTarget);
  });
});
