/** What nobody should send to the management API: each gets its 4xx with a clear text. RFC 6750 §3.1. */

import { startTestServer, type TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { anyCharacter, exchange, expectError, expectUnharmed, requestOf } from './exchange.ts';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());
afterEach(() => expectUnharmed(server));

const clientPath = '/api/v1/oauth/client';

describe('the management API', () => {
  const send = (method: string, target: string, body?: string | Buffer, headers: Record<string, string> = {}) =>
    exchange(
      server.url,
      requestOf(
        method,
        target,
        {
          Authorization: `Bearer ${root}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        body,
      ),
    );
  const deep = (open: string, close: string) => open.repeat(40_000) + close.repeat(40_000);

  describe('a body that cannot be read', () => {
    const notJson = 'The body is not valid JSON, or it has a member named __proto__ or constructor.prototype.';

    test.each<[string, string | Buffer, string]>([
      ['cut short', '{"scopes":["policy:read"', notJson],
      ['with more after it', '{}{}', notJson],
      ['in single quotes', "{'scopes':[]}", notJson],
      ['that is a form', 'scopes=policy:read', notJson],
      ['that is NaN', '{"access_token_ttl_seconds":NaN}', notJson],
      ['with a NUL between', '{\0}', notJson],
      ['with __proto__', '{"__proto__":{"scopes":["client:create"]}}', notJson],
      ['with __proto__ inside', '{"scopes":[{"__proto__":null}]}', notJson],
      ['with __proto__ written otherwise', '{"\\u005f_proto__":{}}', notJson],
      ['with constructor.prototype', '{"constructor":{"prototype":{}}}', notJson],
      ['with a lone surrogate as bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'The body is not UTF-8.'],
      ['in Latin-1', Buffer.from('{"name":"\u00e9"}', 'latin1'), 'The body is not UTF-8.'],
      ['in UTF-16', Buffer.from('\ufeff{"name":"x"}', 'utf16le'), 'The body is not UTF-8.'],
    ])('JSON %s is 400', async (_, body, detail) => {
      expectError(await send('POST', clientPath, body), 400, 'invalid_request', detail);
    });

    test('of 10 MB is 413', async () => {
      const answer = await send('POST', clientPath, JSON.stringify({ name: 'x'.repeat(10_000_000) }));
      expectError(answer, 413, 'content_too_large', 'The body is too large.');
    });

    test.each([
      ['application/x-www-form-urlencoded'],
      ['text/plain'],
      ['multipart/form-data; boundary=x'],
      ['json'],
      [''],
    ])('of the content type %j is 415', async (type) => {
      const answer = await send('POST', clientPath, '{}', { 'Content-Type': type });
      expectError(answer, 415, 'unsupported_media_type', 'The body must be application/json.');
    });
  });

  describe('a value that is wrong is 422, with its name', () => {
    const characters = 'contains characters that are not allowed';
    const blank = 'must not be blank, and must not contain control characters';

    test.each<[string, string, string]>([
      ['null', 'null', 'The body: must be object.'],
      ['a number', '5', 'The body: must be object.'],
      ['a string', '"policy:read"', 'The body: must be object.'],
      ['an array of no strings', '["policy:read",5]', 'scopes[1]: must be string.'],
      ['an array in the array', '[["policy:read"]]', 'scopes[0]: must be string.'],
      ['a deep array', deep('[', ']'), 'scopes[0]: must be string.'],
      ['a deep array for a name', `{"name":${deep('[', ']')}}`, 'name: must be string.'],
      ['a deep object for a name', `{"name":${deep('{"a":', '}').replace('}', '1}')}}`, 'name: must be string.'],
      ['an array for a name', '{"name":["x"]}', 'name: must be string.'],
      ['a number for a name', '{"name":5}', 'name: must be string.'],
      ['a NUL in a name', '{"name":"a\\u0000b"}', `name: ${blank}.`],
      ['an empty name', '{"name":""}', 'name: must not be empty.'],
      ['a blank name', '{"name":" \\u00a0\\u3000"}', `name: ${blank}.`],
      ['a name of characters that nobody sees', '{"name":"\\u200b\\u2060"}', `name: ${blank}.`],
      ['a blank name in a certificate', '{"tls_client_auth_san_dns":" "}', `tls_client_auth_san_dns: ${blank}.`],
      ['a line end in a description', '{"description":"a\\nb"}', `description: ${characters}.`],
      ['a lone surrogate in a name', '{"name":"\\ud800"}', `name: ${blank}.`],
      ['a long name', JSON.stringify({ name: 'x'.repeat(201) }), 'name: must not have more than 200 characters.'],
      ['a string for scopes', '{"scopes":"policy:read"}', 'scopes: must be array.'],
      ['an object for scopes', '{"scopes":{"0":"policy:read","length":1}}', 'scopes: must be array.'],
      ['null for scopes', '{"scopes":null}', 'scopes: must be array.'],
      [
        'a scope of 100 kB',
        JSON.stringify({ scopes: ['x'.repeat(100_000)] }),
        'scopes[0]: must not have more than 100 characters.',
      ],
      [
        '100 kB of scopes',
        JSON.stringify({ scopes: Array.from({ length: 9_000 }, () => 'policy:read') }),
        'scopes: must not have more than 1000 items.',
      ],
      [
        '__proto__ for a scope',
        '{"scopes":["__proto__"]}',
        'Invalid Scope. There is no scope __proto__; GET /api/v1/oauth/scope lists all.',
      ],
      [
        'a lone surrogate for a scope',
        '{"grantable_scopes":["\\ud800"]}',
        'Invalid Scope. There is no scope (not shown); GET /api/v1/oauth/scope lists all.',
      ],
      ['text for enabled', '{"enabled":"false"}', 'enabled: must be boolean.'],
      ['null for enabled', '{"enabled":null}', 'enabled: must be boolean.'],
      ['text for a number', '{"access_token_ttl_seconds":"60"}', 'access_token_ttl_seconds: must be integer.'],
      ['a fraction', '{"access_token_ttl_seconds":1.5}', 'access_token_ttl_seconds: must be integer.'],
      ['zero', '{"access_token_ttl_seconds":0}', 'access_token_ttl_seconds: must be >= 1.'],
      ['infinity', '{"access_token_ttl_seconds":1e999}', 'access_token_ttl_seconds: must be integer.'],
      ['an unknown member', '{"colour":"green"}', 'colour: is not a known member.'],
      ['a member named constructor', '{"constructor":1}', 'constructor: is not a known member.'],
      ['an unquotable member', '{"a\\"\\\\\\u0000":1}', '(not shown): is not a known member.'],
      ['a member of 100 kB', JSON.stringify({ ['k'.repeat(100_000)]: 1 }), '(not shown): is not a known member.'],
    ])('%s', async (_, body, detail) => {
      expectError(await send('POST', clientPath, body), 422, 'invalid_parameter', detail);
    });

    test.each([
      ['PUT', '/api/v1/oauth/scope', '{"name":"a:b","description":" "}', `[0].description: ${blank}.`],
      [
        'PUT',
        '/api/v1/oauth/scope',
        '{"name":" ","description":"x"}',
        '[0].name: must be printable ASCII without spaces, double quotes and backslashes.',
      ],
      ['POST', '/api/v1/oauth/initial-access-token', '{"name":"\\t","scopes":[]}', `name: ${blank}.`],
      ['PUT', '/api/v1/oauth/client-policy', '{"name":" "}', `name: ${characters}.`],
      ['PUT', '/api/v1/oauth/resource', '{"key":" ","identifier":"urn:x","scopes":[]}', `key: ${characters}.`],
    ])('%s %s %s', async (method, target, body, detail) => {
      expectError(await send(method, target, body), 422, 'invalid_parameter', detail);
    });

    test.each([
      [`${clientPath}?page=0`, 'page: must be >= 1.'],
      [`${clientPath}?page=99999999`, 'page: must be <= 1000000.'],
      [`${clientPath}?page=one`, 'page: must be integer.'],
      [`${clientPath}?page=1.5`, 'page: must be integer.'],
      [`${clientPath}?page=`, 'page: must be integer.'],
      [`${clientPath}?page=1&page=2`, 'page: must be integer.'],
      [`${clientPath}?page=%zz`, 'page: must be integer.'],
      [`${clientPath}?size=0`, 'size: must be >= 1.'],
      [`${clientPath}?size=101`, 'size: must be <= 100.'],
      [`${clientPath}?colour=green`, 'colour: is not a known parameter.'],
      [`${clientPath}?__proto__=1`, '__proto__: is not a known parameter.'],
      ['/api/v1/oauth/scope?view=all', 'view: must be names or full.'],
      ['/api/v1/oauth/scope?view=full&view=names', 'view: must be string.'],
    ])('GET %s', async (target, detail) => {
      expectError(await send('GET', target), 422, 'invalid_parameter', detail);
    });
  });

  describe('a path that leads nowhere', () => {
    const undecodable = 'The URL is not percent-encoded UTF-8.';

    test.each<[string, number, string, string]>([
      ['%', 400, 'invalid_request', undecodable],
      ['%zz', 400, 'invalid_request', undecodable],
      ['%ED%A0%80', 400, 'invalid_request', undecodable],
      ['%C0%80', 400, 'invalid_request', undecodable],
      ['%00', 404, 'not_found', 'No id contains a NUL character.'],
      ['%22%5C', 404, 'not_found', "There is no client with the id '(not shown)'."],
      ['..', 404, 'not_found', "There is no client with the id '..'."],
      ['..%2f..%2fetc%2fpasswd', 404, 'not_found', "There is no client with the id '../../etc/passwd'."],
      ['__proto__', 404, 'not_found', "There is no client with the id '__proto__'."],
      ['x'.repeat(201), 404, 'not_found', 'Not found: the id is too long.'],
      ['x'.repeat(12_000), 404, 'not_found', 'Not found: the id is too long.'],
      ['a/b/c', 404, 'not_found', 'Not found: GET /api/v1/oauth/client/a/b/c. See /api.'],
    ])('/%.30s', async (id, status, error, detail) => {
      expectError(await send('GET', `${clientPath}/${id}`), status, error, detail);
    });
  });

  test('a form that is sent to a mistyped path gets 404, not that it should be JSON', async () => {
    const answer = await send('POST', '/api/v1/oauth/tokens', 'grant_type=client_credentials', {
      'Content-Type': 'application/x-www-form-urlencoded',
    });
    expectError(answer, 404, 'not_found', 'Not found: POST /api/v1/oauth/tokens. See /api.');
  });

  test('never fails at any JSON', async () => {
    const member = fc.constantFrom(
      'name',
      'description',
      'scopes',
      'grantable_scopes',
      'enabled',
      'access_token_ttl_seconds',
      'client_id',
      '__proto__',
    );
    const scopes = fc.array(fc.oneof(fc.constantFrom('policy:read', 'client:create', '__proto__', ''), fc.string()));
    const value = fc.oneof(fc.jsonValue(), scopes, fc.string({ unit: anyCharacter }), fc.double(), fc.constant(null));
    const object = fc.array(fc.tuple(fc.oneof({ weight: 5, arbitrary: member }, fc.string()), value), { maxLength: 4 });
    // Put together by hand, so that a member can come twice or be called __proto__.
    const json = object.map(
      (members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`,
    );
    const body = fc.oneof(
      { weight: 5, arbitrary: json },
      fc.json(),
      scopes.map((names) => JSON.stringify(names)),
      fc.string(),
    );
    const target = fc.constantFrom<[string, string]>(
      ['POST', clientPath],
      ['PUT', `${clientPath}/nobody`],
      ['PATCH', `${clientPath}/nobody`],
      ['PUT', `${clientPath}/nobody/scope`],
    );
    await fc.assert(
      fc.asyncProperty(target, body, async ([method, path], text) => {
        const { status, body: answer } = await send(method, path, text);
        if (status === 200) {
          expect(Object.keys(answer)).toEqual(['client_id', 'client_secret']);
        } else {
          expect([400, 404, 422]).toContain(status);
          expect(Object.keys(answer)).toEqual(['error', 'detail']);
          expect(answer.detail).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('never fails at any path or token', async () => {
    const piece = fc.oneof(
      fc.constantFrom('api', 'v1', 'oauth', 'client', 'scope', '..', '%2e', '%', '%00', ''),
      fc.webSegment(),
    );
    const target = fc.array(piece).map((pieces) => `/${pieces.join('/')}`);
    const prefixed = fc.oneof(
      target,
      target.map((path) => clientPath + path),
    );
    const token = fc.oneof(fc.constant(root), fc.string({ unit: 'grapheme-ascii' }));
    await fc.assert(
      fc.asyncProperty(prefixed, token, async (path, token) => {
        const { status, body } = await send('GET', path, undefined, { Authorization: `Bearer ${token}` });
        expect(status).toBeLessThan(500);
        if (status >= 400) {
          expect(Object.keys(body)).toEqual(['error', 'detail']);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('RFC 6750 §3.1 tokens that are none, 401', () => {
  test.each([
    ['a NUL', 'Bearer a%00b'],
    ['two tokens', 'Bearer a, Bearer b'],
    ['quotation marks', 'Bearer "a"'],
    ['12 kB of dots', `Bearer ${'.'.repeat(12_000)}`],
    ['12 kB of letters', `Bearer ${'a'.repeat(12_000)}`],
    ['12 kB of equals signs', `Bearer a${'='.repeat(12_000)}`],
    ['five parts', 'Bearer e30.e30.e30.e30.e30'],
    ['no token', 'Bearer'],
    ['Latin-1', 'Bearer \u00e9'],
  ])('%s', async (_, authorization) => {
    const answer = await exchange(server.url, requestOf('GET', clientPath, { Authorization: authorization }));
    expectError(answer, 401, 'invalid_token', 'The access token is expired, revoked or not valid here: get a new one.');
  });
});
