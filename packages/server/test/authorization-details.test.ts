/** Rich authorization requests over HTTP. RFC 9396. */

import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const typesPath = '/api/v1/oauth/authorization-details-type';
const clientPath = '/api/v1/oauth/client';

let server: TestServer;
let root: string;
let client: Credentials;

const payment = {
  type: 'payment_initiation',
  description: 'Start a payment',
  schema: {
    type: 'object',
    properties: {
      type: { type: 'string' },
      amount: { type: 'number', exclusiveMinimum: 0, maximum: 1_000 },
      currency: { type: 'string', pattern: '^[A-Z]{3}$' },
    },
    required: ['amount', 'currency'],
    additionalProperties: false,
  },
};
const anything = { type: 'https://example.com/types/anything', description: null, schema: { type: 'object' } };
const detail = { type: 'payment_initiation', amount: 12.5, currency: 'EUR' };

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  for (const body of [payment, anything]) {
    expect((await asRoot('PUT', typesPath, body)).status).toBe(200);
  }
  client = await server.createClient({
    scopes: ['policy:read'],
    authorization_details_types: [payment.type, anything.type],
  });
});
afterAll(() => server.close());

const asRoot = (method: string, path: string, body?: unknown) => server.call(method, path, { token: root, body });

const ask = (details: unknown, who = client) =>
  server.postForm('/api/v1/oauth/token', {
    grant_type: 'client_credentials',
    client_id: who.clientId,
    client_secret: who.clientSecret,
    authorization_details: typeof details === 'string' ? details : JSON.stringify(details),
  });

const introspect = async (token: string) =>
  (
    await server.postForm('/api/v1/oauth/introspect', {
      client_id: client.clientId,
      client_secret: client.clientSecret,
      token,
    })
  ).body;

describe('RFC 9396 authorization details that are allowed and valid', () => {
  const details = [
    detail,
    { type: anything.type, locations: ['https://api.example.com'], deep: { a: [1, null, 'x'] } },
  ];

  test('§7 stand in the token answer, §9.1 in the token, §9.2 in introspection', async () => {
    const { status, body } = await ask(details);
    expect(status).toBe(200);
    expect(body).toMatchObject({ authorization_details: details, scope: 'policy:read' });
    expect(claimsOf(body.access_token)['authorization_details']).toEqual(details);
    expect(await introspect(body.access_token)).toMatchObject({ active: true, authorization_details: details });
  });

  test('are nowhere where none were asked for', async () => {
    const token = await server.token(client);
    expect(claimsOf(token)).not.toHaveProperty('authorization_details');
    expect(await introspect(token)).not.toHaveProperty('authorization_details');
  });

  test('§10 the metadata lists the types, and none where there is none', async () => {
    const metadata = '/.well-known/oauth-authorization-server';
    const { body } = await server.call('GET', metadata);
    expect(body.authorization_details_types_supported).toEqual([anything.type, payment.type]);
    const empty = await startTestServer();
    expect((await empty.call('GET', metadata)).body).not.toHaveProperty('authorization_details_types_supported');
    await empty.close();
  });
});

describe('RFC 9396 §5 invalid_authorization_details', () => {
  const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)]);
  const other = (member: unknown) => [{ type: anything.type, member }];

  test.each<[string, unknown, RegExp]>([
    ['no JSON', 'x', /not JSON/],
    ['half of it', '[{', /not JSON/],
    ['an object', detail, /array of 1 to 20/],
    ['an empty array', [], /array of 1 to 20/],
    ['too many elements', Array.from({ length: 21 }, () => detail), /array of 1 to 20/],
    ['null inside', [null], /\[0\]: must be an object with a type/],
    ['an array inside', [[]], /\[0\]: must be an object with a type/],
    ['no type', [detail, { amount: 1 }], /\[1\]: must be an object with a type/],
    ['a type that is a number', [{ type: 5 }], /must be an object with a type/],
    ['an unknown type', [{ type: 'unknown' }], /may not request authorization details of this type/],
    ['a type that objects inherit', [{ type: 'constructor' }], /of this type/],
    ['a member that is missing', [{ type: payment.type, amount: 1 }], /\[0\]\.currency: is required/],
    ['a value that is too high', [{ ...detail, amount: 1_001 }], /\[0\]\.amount: must be <= 1000/],
    ['a text that is no number', [{ ...detail, amount: '1' }], /\[0\]\.amount: must be number/],
    ['a text of another form', [{ ...detail, currency: 'euro' }], /\[0\]\.currency: must match pattern/],
    ['a member that the type does not know', [{ ...detail, more: true }], /\[0\]\.more: is not a known member/],
    ['too deep', other(deep(9)), /more than 9 levels/],
    ['far too deep', `[{"type":"a","b":${'['.repeat(7_000)}${']'.repeat(7_000)}}]`, /more than 9 levels/],
    ['too many members', other(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [i, i]))), /100 entries/],
    ['too long a text', other('x'.repeat(1_001)), /more than 1000 characters/],
    ['too many bytes', other(Array.from({ length: 5 }, () => 'x'.repeat(900))), /more than 4096 bytes/],
    ['bytes that are more than characters', other(['\u20ac'.repeat(900), '\u20ac'.repeat(900)]), /4096 bytes/],
    ['a number that JSON cannot hold', `[{"type":"${anything.type}","a":1e999}]`, /too large/],
    ['__proto__', `[{"type":"${anything.type}","__proto__":{}}]`, /__proto__/],
  ])('%s', async (_, details, text) => {
    const { status, body } = await ask(details);
    expect([status, body.error]).toEqual([400, 'invalid_authorization_details']);
    expect(body.error_description).toMatch(text);
  });

  test('a type that the client is not registered for is answered as one that does not exist', async () => {
    const stranger = await server.createClient(['policy:read']);
    const [known, unknown] = [await ask([detail], stranger), await ask([{ type: 'unknown' }], stranger)];
    expect(known.body.error).toBe('invalid_authorization_details');
    expect(known.body.error_description.replace(payment.type, 'unknown')).toBe(unknown.body.error_description);
  });

  test('root may ask for every type, for what is valid', async () => {
    expect((await ask([detail], server.root)).status).toBe(200);
    expect((await ask([{ ...detail, amount: 0 }], server.root)).status).toBe(400);
  });
});

describe('a token with authorization details is rejected', () => {
  test('when its client may not have the type any more', async () => {
    const brief = await server.createClient({
      scopes: ['scope:read'],
      authorization_details_types: [payment.type, anything.type],
    });
    const use = async (token: string) => (await server.call('GET', '/api/v1/oauth/scope', { token })).status;
    const [token, plain] = [(await ask([detail], brief)).body.access_token, await server.token(brief)];
    await asRoot('PATCH', `${clientPath}/${brief.clientId}`, { authorization_details_types: [payment.type] });
    expect([await use(token), await use(plain)]).toEqual([200, 200]);
    await asRoot('PATCH', `${clientPath}/${brief.clientId}`, { authorization_details_types: null });
    expect([await use(token), await use(plain)]).toEqual([401, 200]);
  });
});

describe('the management API of types', () => {
  const scopesOf = ['read', 'create_or_update', 'delete'].map((action) => `authorization_details_type:${action}`);

  test('makes, changes, lists, reads and deletes them, each with its scope', async () => {
    const [reader, writer, remover] = await Promise.all(
      scopesOf.map(async (scope) => server.token(await server.createClient([scope]))),
    );
    const call = (token: string | undefined, method: string, path: string, body?: unknown) =>
      server.call(method, path, { token, body });
    const type = { type: 'account:read/v1', description: null, schema: { type: 'object' } };
    const path = `${typesPath}/${encodeURIComponent(type.type)}`;

    expect((await call(writer, 'PUT', typesPath, { type: type.type, schema: type.schema })).body).toEqual(type);
    const changed = { ...type, description: 'Accounts' };
    expect((await call(writer, 'PUT', typesPath, changed)).body).toEqual(changed);
    expect((await call(reader, 'GET', path)).body).toEqual(changed);
    expect((await call(reader, 'GET', `${typesPath}?size=1&page=3`)).body).toEqual({
      items: [payment],
      total: 3,
      page: 3,
      size: 1,
      pages: 3,
    });
    for (const [token, method, to] of [
      [reader, 'PUT', typesPath],
      [reader, 'DELETE', path],
      [writer, 'GET', typesPath],
      [writer, 'GET', path],
      [remover, 'PUT', typesPath],
    ] as const) {
      expect((await call(token, method, to, method === 'PUT' ? type : undefined)).status).toBe(403);
    }
    expect((await call(remover, 'DELETE', path)).status).toBe(204);
    expect((await call(remover, 'DELETE', path)).status).toBe(404);
    expect((await call(reader, 'GET', path)).status).toBe(404);
  });

  test('a changed schema holds at once', async () => {
    const type = { type: 'changing', schema: { type: 'object', required: ['first'] } };
    await asRoot('PUT', typesPath, type);
    const asking = await server.createClient({ authorization_details_types: ['changing'] });
    expect((await ask([{ type: 'changing', second: 1 }], asking)).status).toBe(400);
    await asRoot('PUT', typesPath, { ...type, schema: { type: 'object', required: ['second'] } });
    expect((await ask([{ type: 'changing', second: 1 }], asking)).status).toBe(200);
    await asRoot('DELETE', `${typesPath}/changing`);
    expect((await ask([{ type: 'changing', second: 1 }], asking)).status).toBe(400);
  });

  test.each<[string, unknown, RegExp]>([
    ['no schema', { type: 'a' }, /schema/],
    ['no type', { schema: { type: 'object' } }, /type/],
    ['a type with a space', { type: 'a b', schema: { type: 'object' } }, /type/],
    ['a schema that is a list', { type: 'a', schema: [] }, /schema/],
    ['an unknown member', { type: 'a', schema: { type: 'object' }, other: 1 }, /other: is not a known member/],
    ['a schema with a reference', { type: 'a', schema: { type: 'object', $ref: 'https://example.com' } }, /\$ref/],
    ['a pattern that can hang', { type: 'a', schema: { type: 'object', not: { pattern: '^(a+)+$' } } }, /no groups/],
    ['a pattern that is none', { type: 'a', schema: { type: 'object', not: { pattern: '^[z-a]$' } } }, /schema/],
  ])('refuses %s with 422', async (_, body, text) => {
    const answer = await asRoot('PUT', typesPath, body);
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
    expect(answer.body.detail).toMatch(text);
  });

  test('RFC 9396 §10 a client is registered for types that exist', async () => {
    const body = { authorization_details_types: ['unknown'] };
    const answer = await asRoot('POST', clientPath, body);
    expect([answer.status, answer.body.detail]).toEqual([
      422,
      'authorization_details_types: there is no type unknown.',
    ]);
    expect((await asRoot('GET', `${clientPath}/${client.clientId}`)).body.authorization_details_types).toEqual([
      payment.type,
      anything.type,
    ]);
  });
});
