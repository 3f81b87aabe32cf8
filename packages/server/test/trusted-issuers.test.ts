/** The management API of trusted issuers, and who may write a rule: RFC 7523 §3 trusts what stands here. */

import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countRowsRead } from './work-counts.ts';

const path = '/api/v1/oauth/issuer';

let server: TestServer;
let root: string;
let jwks: { keys: object[] };
let reader: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  const { publicKey } = await generateKeyPair('ES256');
  jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] };
  reader = await server.createClient({ scopes: ['policy:read'] });
});
afterAll(() => server.close());

const put = (body: unknown, token = root) => server.call('PUT', path, { token, body });
const record = (over: object = {}) => ({
  key: 'ci',
  issuer: 'https://ci.example',
  jwks,
  rules: [{ client_id: reader.clientId, claims: { sub: 'deploy' } }],
  ...over,
});
const stored = (over: object = {}) => ({
  ...record(),
  jwks_uri: null,
  audience: null,
  max_age_seconds: 3600,
  single_use: true,
  rules: [{ client_id: reader.clientId, claims: { sub: 'deploy' }, people: false, scopes: null }],
  ...over,
});
const administrator = async (scopes: string[], grantable: string[]) =>
  server.token(await server.createClient({ scopes, grantable_scopes: grantable }));
const allScopes = ['issuer:read', 'issuer:create_or_update', 'issuer:delete'];

test('an issuer is created, read, listed, changed and deleted', async () => {
  const made = await put(record());
  expect([made.status, made.body]).toEqual([200, stored()]);
  const read = await server.call('GET', `${path}/ci`, { token: root });
  expect([read.status, read.body]).toEqual([200, stored()]);

  const claims = { '/a.b/c': ['x', 'y-*'], sub: 'z' };
  const rules = [{ client_id: reader.clientId, claims, people: true, scopes: ['policy:read'] }];
  const change = { jwks: null, jwks_uri: 'https://ci.example/keys', audience: 'urn:x', max_age_seconds: 60 };
  const changed = await put(record({ ...change, single_use: false, rules }));
  expect([changed.status, changed.body]).toEqual([200, stored({ ...change, single_use: false, rules })]);

  expect((await put(record({ key: 'mesh', issuer: 'spiffe://example.org', rules: [] }))).status).toBe(200);
  const page = await server.call('GET', `${path}?page=2&size=1`, { token: root });
  expect(page.body).toMatchObject({ total: 2, page: 2, size: 1, pages: 2, items: [{ key: 'mesh', rules: [] }] });

  for (const key of ['ci', 'mesh']) {
    const deleted = await server.call('DELETE', `${path}/${key}`, { token: root });
    expect([deleted.status, deleted.body]).toEqual([204, '']);
  }
  expect((await server.call('GET', `${path}/ci`, { token: root })).status).toBe(404);
  expect((await server.call('DELETE', `${path}/ci`, { token: root })).status).toBe(404);
  expect((await server.call('GET', path, { token: root })).body).toMatchObject({ items: [], total: 0 });
});

test('deleting a client, or changing an issuer, reads no more rows with a thousand issuers than with few', async () => {
  const changes = async () => {
    const client = await server.createClient(['policy:read']);
    const rules = [{ client_id: client.clientId, claims: { sub: 'deploy' } }];
    await put(record({ key: 'counted', issuer: 'https://counted.example', rules }));
    await server.call('DELETE', `/api/v1/oauth/client/${client.clientId}`, { token: root });
    expect((await server.eventsAbout('counted')).map(({ kind }) => kind).slice(-2)).toEqual([
      'issuer.saved',
      'issuer.saved',
    ]);
  };
  const few = await countRowsRead(changes);
  const rows = Array.from({ length: 1_000 }, (_, index) => ({
    ...{ key: `many${index}`, issuer: `https://many${index}.example`, jwks: JSON.stringify(jwks), jwks_uri: null },
    ...{ audience: null, max_age_seconds: 60, single_use: 0, rules: '[]' },
  }));
  await server.db.insertInto('trusted_issuers').values(rows).execute();
  try {
    // Others read meanwhile, such as the follower of the log.
    expect(await countRowsRead(changes)).toBeLessThan(few + 100);
  } finally {
    await server.db.deleteFrom('trusted_issuers').execute();
  }
  expect(await server.rows('issuer_clients')).toEqual([]);
});

test('with a client its rules are deleted, so that they are not for a later client with its id', async () => {
  const body = { client_id: 'deployer', scopes: ['policy:read'] };
  await server.call('POST', '/api/v1/oauth/client', { token: root, body });
  const claims = { sub: 'other' };
  const rules = [{ client_id: 'deployer', claims }, ...record().rules];
  expect((await put(record({ rules }))).status).toBe(200);
  expect((await server.call('DELETE', '/api/v1/oauth/client/deployer', { token: root })).status).toBe(204);
  await server.call('POST', '/api/v1/oauth/client', { token: root, body: { ...body, scopes: ['policy:delete'] } });
  expect((await server.call('GET', `${path}/ci`, { token: root })).body).toEqual(stored());
  expect((await server.eventsAbout('ci')).at(-1)?.data).toMatchObject({ rules: [{ client_id: reader.clientId }] });
  expect((await server.call('DELETE', `${path}/ci`, { token: root })).status).toBe(204);
});

test('each call needs its scope', async () => {
  const token = await administrator(['scope:read'], []);
  for (const [method, url, scope] of [
    ['GET', path, 'issuer:read'],
    ['GET', `${path}/ci`, 'issuer:read'],
    ['PUT', path, 'issuer:create_or_update'],
    ['DELETE', `${path}/ci`, 'issuer:delete'],
  ] as const) {
    const body = method === 'PUT' ? record() : undefined;
    const answer = await server.call(method, url, { token, body });
    expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope']);
    expect(answer.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
    expect((await server.call(method, url, { body })).status).toBe(401);
  }
});

describe('what contradicts itself, or lets in too many, is refused', () => {
  const claims = { sub: 'x' };
  const rule = (over: object) => ({ rules: [{ client_id: reader.clientId, claims, ...over }] });
  test.each<[string, () => object]>([
    ['without a key', () => record({ key: undefined })],
    ['with a key that is no name', () => record({ key: 'a/b' })],
    ['without an issuer', () => record({ issuer: undefined })],
    ['with an issuer of two words', () => record({ issuer: 'a b' })],
    ['with Postern as its issuer', () => record({ issuer: server.url })],
    ['with a trust domain and a path', () => record({ issuer: 'spiffe://example.org/a' })],
    ['with a trust domain and a slash', () => record({ issuer: 'spiffe://example.org/' })],
    ['with a trust domain in upper case', () => record({ issuer: 'spiffe://Example.org' })],
    ['with a trust domain and no keys', () => record({ issuer: 'spiffe://example.org', jwks: null })],
    ['to be discovered over http', () => record({ issuer: 'http://ci.example', jwks: null })],
    ['to be discovered with a query', () => record({ issuer: 'https://ci.example?x', jwks: null })],
    ['with keys in two places', () => record({ jwks_uri: 'https://ci.example/keys' })],
    ['with keys over http', () => record({ jwks: null, jwks_uri: 'http://ci.example/keys' })],
    ['with an empty set of keys', () => record({ jwks: { keys: [] } })],
    ['with a secret key', () => record({ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } })],
    ['with a private key', () => record({ jwks: { keys: [{ ...jwks.keys[0], d: 'AAAA' }] } })],
    ['with no age', () => record({ max_age_seconds: 0 })],
    ['with an age of more than a day', () => record({ max_age_seconds: 86_401 })],
    ['with single_use as text', () => record({ single_use: 'no' })],
    ['without rules', () => record({ rules: undefined })],
    ['with an unknown member', () => record({ secret: 'x' })],
    ['with a rule without claims', () => record(rule({ claims: {} }))],
    ['with a rule of nothing but *', () => record(rule({ claims: { sub: '*' } }))],
    ['with a rule about the issuer alone', () => record(rule({ claims: { iss: 'https://ci.example' } }))],
    ['with a rule of an empty text', () => record(rule({ claims: { sub: '' } }))],
    ['with a rule of an empty list', () => record(rule({ claims: { sub: [] } }))],
    ['with a rule of a number', () => record(rule({ claims: { sub: 1 } }))],
    ['with a rule of two * in a segment', () => record(rule({ claims: { sub: 'a**' } }))],
    ['with a rule of no client', () => record(rule({ client_id: undefined }))],
    ['with a rule of an unknown client', () => record(rule({ client_id: 'nobody' }))],
    ['with a rule of root', () => record(rule({ client_id: server.root.clientId }))],
    ['with a rule of unknown scopes', () => record(rule({ scopes: ['no:scope'] }))],
    ['with a rule of scopes that the client does not hold', () => record(rule({ scopes: ['rule:read'] }))],
    ['with a rule of no scopes', () => record(rule({ scopes: [] }))],
    ['with a rule that has an unknown member', () => record(rule({ audience: 'x' }))],
    [
      'that signs for everybody, with a rule for everybody',
      () => record({ issuer: 'https://token.actions.githubusercontent.com', ...rule({ claims: { ref: 'main' } }) }),
    ],
  ])('%s', async (_name, body) => {
    const answer = await put(body());
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
    expect((await server.call('GET', `${path}/ci`, { token: root })).status).toBe(404);
  });

  test('an issuer is trusted under one key only', async () => {
    await put(record());
    const { status, body } = await put(record({ key: 'again' }));
    expect([status, body.error]).toEqual([409, 'conflict']);
    await server.call('DELETE', `${path}/ci`, { token: root });
  });
});

describe('writing a rule requires the right to assign what its client has', () => {
  test('it needs the right to assign all of that, narrowed by the rule or not', async () => {
    const wide = await server.createClient({ scopes: ['policy:read', 'policy:delete'] });
    const token = await administrator(allScopes, ['policy:read']);
    const ruleFor = (client_id: string) => ({ client_id, claims: { sub: 'x' }, scopes: ['policy:read'] });
    const refused = await put(record({ rules: [ruleFor(wide.clientId)] }), token);
    expect([refused.status, refused.body.error]).toEqual([403, 'access_denied']);
    expect((await server.call('GET', `${path}/ci`, { token })).status).toBe(404);
    expect((await put(record({ rules: [ruleFor(reader.clientId)] }), token)).status).toBe(200);
    await server.call('DELETE', `${path}/ci`, { token });
  });

  test('it also needs the right to assign what the client could assign in turn', async () => {
    const delegator = await server.createClient({ scopes: ['client:create'], grantable_scopes: ['policy:delete'] });
    const token = await administrator(allScopes, ['client:create', 'policy:read']);
    const rules = [{ client_id: delegator.clientId, claims: { sub: 'x' } }];
    expect((await put(record({ rules }), token)).status).toBe(403);
  });

  test('changing or deleting an issuer needs the right to assign what its clients had before', async () => {
    const wide = await server.createClient({ scopes: ['policy:read', 'policy:delete'] });
    const rules = [{ client_id: wide.clientId, claims: { sub: 'x' } }];
    expect((await put(record({ rules }))).status).toBe(200);
    const token = await administrator(allScopes, ['policy:read']);
    const { publicKey } = await generateKeyPair('ES256');
    const taken = { keys: [{ ...(await exportJWK(publicKey)), kid: 'mine' }] };
    for (const over of [{ rules, jwks: taken }, { rules: [] }, { rules, issuer: 'https://mine.example' }]) {
      expect((await put(record(over), token)).status).toBe(403);
    }
    expect((await server.call('DELETE', `${path}/ci`, { token })).status).toBe(403);
    expect((await server.call('GET', `${path}/ci`, { token: root })).body).toMatchObject({
      jwks,
      rules: [{ ...rules[0] }],
    });
    expect((await server.call('DELETE', `${path}/ci`, { token: root })).status).toBe(204);
  });
});
