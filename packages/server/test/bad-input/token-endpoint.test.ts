/** What nobody should send to the token endpoint: each gets its 4xx with a clear text. RFC 6749 §3.2 and §5.2. */

import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { grantTypes } from '../../src/clients/client-metadata-schema.ts';
import { anyCharacter, exchange, expectOAuthError, expectUnharmed, requestOf } from './exchange.ts';

let server: TestServer;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.createClient({ scopes: ['policy:read'] });
});
afterAll(() => server.close());
afterEach(() => expectUnharmed(server));

const tokenPath = '/api/v1/oauth/token';
const formType = { 'Content-Type': 'application/x-www-form-urlencoded' };
const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const credentials = () => `client_id=${client.clientId}&client_secret=${client.clientSecret}`;
const goodForm = () => `grant_type=client_credentials&${credentials()}`;

describe('the token endpoint', () => {
  const post = (body: string | Buffer, headers: Record<string, string> = {}, target = tokenPath) =>
    exchange(server.url, requestOf('POST', target, { ...formType, ...headers }, body));

  describe('RFC 6749 §5.2 invalid_request, 400', () => {
    const twice = (name: string) => `The parameter '${name}' is sent more than once.`;
    const unknownTwice = 'A parameter that is not known here is sent more than once.';
    const json = 'This is JSON. Send a form instead, such as grant_type=client_credentials&client_id=...';
    const notUtf8 = 'The form has text that is not percent-encoded UTF-8.';
    const control = 'The form has a control character.';

    test.each<[string, () => string | Buffer, string]>([
      ['no parameter', () => '', 'The parameter grant_type is missing.'],
      ['no grant_type', credentials, 'The parameter grant_type is missing.'],
      ['an empty grant_type', () => `grant_type=&${credentials()}`, 'The parameter grant_type is missing.'],
      ['§3.2 grant_type twice', () => `${goodForm()}&grant_type=client_credentials`, twice('grant_type')],
      ['§3.2 client_id twice', () => `${goodForm()}&client_id=${client.clientId}`, twice('client_id')],
      ['§3.2 client_secret twice, once empty', () => `${goodForm()}&client_secret=`, twice('client_secret')],
      ['§3.2 scope twice', () => `${goodForm()}&scope=policy:read&scope=policy:read`, twice('scope')],
      ['§3.2 scope twice, once percent-encoded', () => `${goodForm()}&scope=a&%73cope=b`, twice('scope')],
      ['§3.2 an unknown parameter twice', () => `${goodForm()}&colour=red&colour=green`, unknownTwice],
      ['a parameter as an array', () => `${goodForm()}&scope[]=a&scope[]=b`, unknownTwice],
      ['a scope of 20 kB', () => `${goodForm()}&scope=${'a'.repeat(20_000)}`, "The parameter 'scope' is too long."],
      [
        'a name of 20 kB',
        () => `${goodForm()}&${'n'.repeat(20_000)}=1`,
        'A parameter that is not known here is too long.',
      ],
      [
        'a thousand parameters',
        () => Array.from({ length: 1_000 }, (_, i) => `p${i}=1`).join('&'),
        'The form has more than 64 parameters.',
      ],
      ['a NUL', () => `${goodForm()}&state=%00`, control],
      ['a NUL in client_id', () => 'grant_type=client_credentials&client_id=a%00b&client_secret=c', control],
      ['a NUL as it is', () => `${goodForm()}&state=\0`, control],
      ['an escape character in a name', () => `${goodForm()}&%1b[31m=1`, control],
      ['a lone surrogate', () => `${goodForm()}&state=%ED%A0%80`, notUtf8],
      ['broken percent-encoding', () => `${goodForm()}&state=%f`, notUtf8],
      ['percent-encoded bytes of Latin-1', () => `${goodForm()}&state=%E9`, notUtf8],
      ['bytes of Latin-1', () => Buffer.from(`${goodForm()}&state=\u00e9`, 'latin1'), 'The body is not UTF-8.'],
      ['a lone surrogate as bytes', () => Buffer.from([0x61, 0x3d, 0xed, 0xa0, 0x80]), 'The body is not UTF-8.'],
      ['random bytes', () => Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x26, 0x3d]), 'The body is not UTF-8.'],
      ['JSON said to be a form', () => '{"grant_type":"client_credentials"}', json],
    ])('%s', async (_, body, description) => {
      expectOAuthError(await post(body()), 400, 'invalid_request', description);
    });

    test.each([
      ['JSON', { 'Content-Type': 'application/json' }],
      ['a form of files', { 'Content-Type': 'multipart/form-data; boundary=x' }],
      ['plain text', { 'Content-Type': 'text/plain' }],
      ['a content type that is none', { 'Content-Type': 'form' }],
    ])('the content type of %s', async (_, headers) => {
      const answer = await post(goodForm(), headers);
      expectOAuthError(answer, 400, 'invalid_request', 'The body must be application/x-www-form-urlencoded.');
    });

    test('no content type', async () => {
      const answer = await exchange(server.url, requestOf('POST', tokenPath, {}, goodForm()));
      expectOAuthError(answer, 400, 'invalid_request', 'The body must be application/x-www-form-urlencoded.');
    });

    test('neither content type nor body', async () => {
      const answer = await exchange(server.url, requestOf('POST', tokenPath, {}));
      expectOAuthError(answer, 400, 'invalid_request', 'The parameter grant_type is missing.');
    });

    test.each([
      ['credentials', () => `${tokenPath}?${credentials()}`],
      ['everything', () => `${tokenPath}?${goodForm()}`],
      ['something else', () => `${tokenPath}?colour=green`],
      ['an empty query', () => `${tokenPath}?`],
    ])('§2.3.1 in the URL: %s', async (_, target) => {
      const answer = await post(goodForm(), {}, target());
      expectOAuthError(answer, 400, 'invalid_request', 'Parameters belong in the form body, never in the URL.');
    });

    test('§2.3 two authentication methods at once', async () => {
      const answer = await post(goodForm(), basic(`${client.clientId}:${client.clientSecret}`));
      expectOAuthError(
        answer,
        400,
        'invalid_request',
        'The client authenticates in two ways at once: use HTTP Basic, client_secret or client_assertion.',
      );
    });

    test('a form of 100 kB of scopes and one of 10 MB, 413', async () => {
      for (const size of [100_000, 10_000_000]) {
        const answer = await post(`${goodForm()}&scope=${'policy:read+'.repeat(size / 12)}`);
        expectOAuthError(answer, 413, 'content_too_large', 'The body is too large.');
      }
    });

    test('chunks without end, 413', async () => {
      const chunk = `1000\r\n${'a'.repeat(0x1000)}\r\n`;
      const head = requestOf('POST', tokenPath, { ...formType, 'Transfer-Encoding': 'chunked' });
      const answer = await exchange(server.url, Buffer.concat([head, Buffer.from(chunk.repeat(100))]));
      expectOAuthError(answer, 413, 'content_too_large', 'The body is too large.');
    });
  });

  describe('RFC 6749 §5.2 invalid_client, 401', () => {
    const anonymous = 'grant_type=client_credentials';
    const missing =
      'The request must authenticate its client: client_id and client_secret in the form, HTTP Basic, a ' +
      'client_assertion, or client_id with a client certificate.';
    const failed =
      'Client authentication failed: the client is unknown or disabled, or these are not its credentials. Check both, or ask an administrator for new ones.';

    test.each<[string, () => string, string]>([
      ['no credentials', () => anonymous, missing],
      ['no client_secret', () => `${anonymous}&client_id=${client.clientId}`, missing],
      ['an empty client_secret', () => `${anonymous}&client_id=${client.clientId}&client_secret=`, missing],
      ['no client_id', () => `${anonymous}&client_secret=${client.clientSecret}`, missing],
      ['__proto__ for a client_id', () => `${anonymous}&client_id=__proto__&client_secret=x`, failed],
      [
        'a secret of 16 kB',
        () => `${anonymous}&client_id=${client.clientId}&client_secret=${'x'.repeat(16_384)}`,
        failed,
      ],
      ['SQL', () => `${anonymous}&client_id=${encodeURIComponent("' or 1=1 --")}&client_secret=x`, failed],
    ])('%s', async (_, body, description) => {
      const answer = await post(body());
      expectOAuthError(answer, 401, 'invalid_client', description);
      expect(answer.headers.get('www-authenticate')).toBeNull();
    });

    const form = 'The Authorization header must be: Basic <credentials>.';
    test.each<[string, Record<string, string>, string, boolean]>([
      ['without credentials', { Authorization: 'Basic' }, form, true],
      ['with two', { Authorization: 'Basic YTpi YTpi' }, form, true],
      ['that is no base64', { Authorization: 'Basic !!!' }, 'The Basic credentials are not base64.', true],
      ['without a colon', basic('abc'), 'The Basic credentials have no colon between client id and secret.', true],
      ['with broken percent-encoding', basic('a%zz:b'), 'The Basic credentials are not percent-encoded UTF-8.', true],
      ['with a NUL', basic('a%00:b'), 'The Basic credentials are not percent-encoded UTF-8.', true],
      ['of nobody', basic(':'), failed, true],
      ['of 12 kB', basic(`a:${'b'.repeat(8_900)}`), failed, true],
      ['that is Bearer', { Authorization: 'Bearer x' }, form, false],
      ['that is empty', { Authorization: '' }, form, false],
    ])('Basic %s', async (_, headers, description, challenged) => {
      const answer = await post(anonymous, headers);
      expectOAuthError(answer, 401, 'invalid_client', description);
      const challenge = answer.headers.get('www-authenticate');
      expect(challenge).toEqual(challenged ? expect.stringMatching(/^Basic .*error="invalid_client"/) : null);
    });
  });

  describe('RFC 6749 §5.2 the other errors, 400', () => {
    const spaces = 'The scope parameter must have names with exactly one space between them.';
    const character = 'The scope parameter has a character that is not allowed.';
    const unregistered =
      'The scope parameter has a name that is not registered here, its number 1; scopes_supported in the metadata lists the first 1000 that are.';

    test.each([
      ['two spaces', 'a++b', spaces],
      ['a space at the end', 'policy:read+', spaces],
      ['a tab', 'a%09b', character],
      ['a quotation mark', 'a%22b', character],
      ['a non-ASCII letter', 'caf%C3%A9', character],
      ['names with commas', 'policy:read,rule:read', unregistered],
      ['an unknown name', 'policy:fly', unregistered],
      ['__proto__', '__proto__', unregistered],
      ['16 kB of one name', 'a'.repeat(16_000), unregistered],
    ])('§3.3 a scope with %s is invalid_scope', async (_, scope, description) => {
      expectOAuthError(await post(`${goodForm()}&scope=${scope}`), 400, 'invalid_scope', description);
    });

    test.each(['password', 'authorization_code', 'CLIENT_CREDENTIALS', '__proto__', 'client_credentials%20', '%22%5C'])(
      '§4 grant_type %s is unsupported_grant_type',
      async (grantType) => {
        expectOAuthError(
          await post(`grant_type=${grantType}&${credentials()}`),
          400,
          'unsupported_grant_type',
          `The grant_type is not offered here; offered: ${grantTypes.join(', ')}.`,
        );
      },
    );

    test('a login is unsupported_response_type', async () => {
      const answer = await exchange(server.url, requestOf('GET', '/api/v1/oauth/authorize?response_type=code', {}));
      expectOAuthError(
        answer,
        400,
        'unsupported_response_type',
        'Postern issues tokens to machines: there is no login here. Use POST /api/v1/oauth/token.',
      );
    });
  });

  test('RFC 6749 §3.2 never fails at any form', async () => {
    const known = fc.constantFrom('grant_type', 'client_id', 'client_secret', 'scope', '__proto__', 'resource');
    const good = fc.constantFrom('client_credentials', client.clientId, client.clientSecret, 'policy:read', '', '%00');
    const any = fc.oneof(
      fc.string({ unit: anyCharacter }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.string(),
    );
    const pair = fc.tuple(fc.oneof(known, any), fc.oneof(good, any)).map(([name, value]) => `${name}=${value}`);
    const body = fc.oneof({ weight: 5, arbitrary: fc.array(pair).map((pairs) => pairs.join('&')) }, fc.string());
    const authorization = fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      fc.string({ unit: 'grapheme-ascii' }),
      fc.string({ unit: anyCharacter }).map((text) => basic(text).Authorization),
      fc.constant(basic(`${client.clientId}:${client.clientSecret}`).Authorization),
    );
    await fc.assert(
      fc.asyncProperty(body, authorization, async (text, authorization) => {
        const headers = authorization === undefined ? {} : { Authorization: authorization };
        const answer = await post(text, headers);
        if (answer.status === 200) {
          expect(answer.body).toMatchObject({ token_type: 'Bearer', scope: 'policy:read' });
        } else {
          expect([400, 401]).toContain(answer.status);
          const { error, error_description, detail } = answer.body;
          expect(Object.keys(answer.body)).toEqual(['error', 'error_description', 'detail']);
          expect(error).toMatch(/^[a-z_]+$/);
          expect(error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
          expect(detail).toBe(error_description);
        }
      }),
      { numRuns: 300 },
    );
  });
});
