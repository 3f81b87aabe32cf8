/** Odd text in any path, query, body, header or token gets a 4xx with a clear text, or is taken as it is: never a 500. */
import { type Received, sendOverHttp } from '@postern/testing/http-client';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import type { FastifySchema, RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyMigrations } from '../src/index.ts';
import { hostPolicies } from './policy-server.ts';

/** Of random letters, since a database may compress a long text before it limits its size. */
const long = (length: number) =>
  Array.from({ length }, (_, index) => String.fromCharCode(97 + ((index * index * 7919 + index * 31) % 26))).join('');

const oddTexts: Readonly<Record<string, string>> = {
  'a NUL': 'a\0b',
  'half of a surrogate pair': 'a\ud800b',
  'both halves in the wrong order': '\udc00\ud800',
  'U+FFFF': 'a\uffffb',
  'U+FEFF': '\ufeffa',
  'the last code point': '\u{10ffff}',
  emoji: '\u{1f469}\u200d\u{1f4bb}',
  'controls and directions': '\u0001\u001b[31m\u0085\u202e\u2028',
  'quotation marks': `'"\\;--%_$1`,
  'a number that is none': '1e999',
  'an empty text': '',
  'names of objects': '__proto__',
  'a method of objects': 'toString',
  'a long text': long(3_000),
};

/** As bytes in a URL or a form, also such as no text has. */
const oddBytes: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(oddTexts).map(([name, text]) => [name, encodeURIComponent(text.toWellFormed()).slice(0, 6_000)]),
  ),
  'a surrogate in bytes': '%ED%A0%80',
  'an overlong slash': '%C0%AF',
  'an overlong NUL': '%C0%80',
  'a byte alone': '%FF',
  'a sequence that is cut': '%E2%82',
  'a code point that is too large': '%F4%90%80%80',
  'half of an escape': '%',
  'an escape of letters': '%zz',
  'a NUL and more': 'a%00b%00',
};

interface Route {
  readonly method: string;
  readonly url: string;
  readonly schema: FastifySchema | undefined;
}

const routes: Route[] = [];
let server: TestServer;
let token: string;
let bodies: Record<string, unknown>;

beforeAll(async () => {
  server = await startTestServer({
    env: { POSTERN_REGISTRATION: 'initial_access_token' },
    before: (app) => {
      app.addHook('onRoute', ({ method, url, schema }: RouteOptions) => {
        const methods = [method].flat().filter((name) => name !== 'HEAD');
        routes.push(...methods.map((name) => ({ method: name, url, schema })));
      });
    },
    hosted: { migrations: policyMigrations, apis: hostPolicies },
  });
  token = await server.rootToken();
  const { clientId } = await server.createClient({});
  const metadata = { name: 'a', description: 'a', scopes: ['policy:read'], grantable_scopes: ['policy:read'] };
  const storage = [{ name: 'a', key: 'a', type: 's3', details: { bucket: 'a', naming: 'request_id' } }];
  const policies = [{ name: 'a', key: 'a', drp_action: null }];
  bodies = {
    'POST /api/v1/oauth/client': { ...metadata, resources: ['a'], authorization_details_types: ['a'], may_act: 'a' },
    'PUT /api/v1/oauth/client/:client_id': metadata,
    'PATCH /api/v1/oauth/client/:client_id': { ...metadata, jwks_uri: 'a', tls_client_auth_subject_dn: 'CN=a' },
    'PUT /api/v1/oauth/client/:client_id/scope': ['policy:read'],
    'PUT /api/v1/oauth/scope': [{ name: 'odd:a', description: 'a' }],
    'PUT /api/v1/oauth/resource': { key: 'a', identifier: 'https://a.example', name: 'a', scopes: ['policy:read'] },
    'PUT /api/v1/oauth/issuer': {
      key: 'a',
      issuer: 'https://a.example',
      audience: 'a',
      jwks_uri: 'https://a.example/jwks',
      rules: [{ client_id: clientId, claims: { sub: 'a' }, scopes: ['policy:read'] }],
    },
    'PUT /api/v1/oauth/authorization-details-type': {
      type: 'a',
      name: 'a',
      schema: { type: 'object', title: 'a', properties: { a: { const: 'a' } }, required: ['a'] },
    },
    'POST /api/v1/oauth/initial-access-token': { name: 'a', scopes: ['policy:read'], resources: ['a'] },
    'POST /api/v1/oauth/key/rotate': { alg: 'ES256' },
    'POST /api/v1/batch': { operations: [{ method: 'DELETE', path: '/api/v1/oauth/scope/a', body: { a: 'a' } }] },
    'POST /api/v1/oauth/register': { client_name: 'a', scope: 'a', redirect_uris: ['a'], software_statement: 'a' },
    'PUT /api/v1/oauth/register/:client_id': { client_id: 'a', client_secret: 'a', client_name: 'a' },
    'POST /api/v1/oauth/explain': { token: 'a', scope: 'a', audience: 'a' },
    'PUT /api/v1/policy': policies,
    'PATCH /api/v1/policy': policies,
    'PUT /api/v1/storage/config': storage,
    'PATCH /api/v1/storage/config': storage,
  };
});
afterAll(() => server.close());

const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  sendOverHttp(server.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(method !== 'GET' && { body }),
  });

/** What is wrong with an answer: a 500, or an error that is none of ours. */
function faultOf({ status, text }: Received): string | undefined {
  const isClear = status < 400 || /^\{"error":"[a-z_]+",("error_description":"[ -~]+",)?"detail":"[ -~]+/.test(text);
  return status >= 500 || !isClear ? `${status} ${text.slice(0, 200)}` : undefined;
}

type Request = readonly [method: string, path: string, headers?: Record<string, string>, body?: string];

async function faultsOf(requests: readonly Request[]): Promise<string[]> {
  const faults: string[] = [];
  const rest = requests.values();
  const sendRest = async () => {
    for (const request of rest) {
      const fault = faultOf(await send(...request));
      if (fault !== undefined) {
        faults.push(`${request.join(' ').slice(0, 300)}: ${fault}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, sendRest));
  return faults;
}

const filled = (url: string) => url.replaceAll(/:\w+/g, 'some').replace('*', 'some');
const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** The value, each time with the odd text in place of one text, or as the name of one more member. */
function* variantsOf(value: unknown, odd: string): Generator<unknown> {
  if (typeof value === 'string') {
    yield odd;
    yield [odd];
  } else if (Array.isArray(value)) {
    yield [...value, odd];
    for (const [index, element] of value.entries()) {
      for (const variant of variantsOf(element, odd)) {
        yield value.with(index, variant);
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, [odd]: odd };
    for (const [name, member] of Object.entries(value)) {
      for (const variant of variantsOf(member, odd)) {
        yield { ...value, [name]: variant };
      }
    }
  }
}

describe('odd text', () => {
  test.each(Object.entries(oddBytes))('in a path: %s', async (_name, bytes) => {
    const requests = routes.flatMap(({ method, url }): Request[] =>
      url.includes(':')
        ? [[method, url.replaceAll(/:\w+/g, bytes), json, '{}']]
        : [[method, `${filled(url)}/${bytes}`]],
    );
    expect(await faultsOf(requests)).toEqual([]);
  });

  test.each(Object.entries(oddBytes))('in a query: %s', async (_name, bytes) => {
    const requests = routes.flatMap(({ method, url, schema }): Request[] => {
      const { properties = {} } = (schema?.querystring ?? {}) as { properties?: object };
      return [...Object.keys(properties), bytes].map((name) => [
        method,
        `${filled(url)}?${name}=${bytes}&wait_seconds=0`,
      ]);
    });
    expect(await faultsOf(requests)).toEqual([]);
  });

  test.each(Object.entries(oddTexts))('in a body: %s', async (_name, odd) => {
    const requests = routes.flatMap(({ method, url }): Request[] => {
      const body = bodies[`${method} ${url}`];
      const variants = body === undefined ? [{ [odd]: odd }, odd] : [...variantsOf(body, odd)];
      return method === 'GET' ? [] : variants.map((one) => [method, filled(url), json, JSON.stringify(one)]);
    });
    expect(await faultsOf(requests)).toEqual([]);
  });

  test.each(Object.entries(oddBytes))('in a form: %s', async (_name, bytes) => {
    const names = ['grant_type', 'client_id', 'client_secret', 'scope', 'resource', 'token', 'assertion', 'audience'];
    const root = { grant_type: 'client_credentials', client_id: server.root.clientId, token: 'a' };
    const good = { ...root, client_secret: server.root.clientSecret };
    const requests = ['token', 'introspect', 'revoke'].flatMap((endpoint) =>
      [...names, 'authorization_details', bytes].map((name): Request => {
        const pairs = Object.entries(good).filter(([one]) => one !== name);
        const body = [...pairs.map(([one, value]) => `${one}=${encodeURIComponent(value)}`), `${name}=${bytes}`].join(
          '&',
        );
        return ['POST', `/api/v1/oauth/${endpoint}`, { ...form, authorization: '' }, body];
      }),
    );
    const withoutAuthorization = requests.map(([method, path, , body = '']): Request => [method, path, form, body]);
    expect(await faultsOf([...requests, ...withoutAuthorization])).toEqual([]);
  });

  test.each(Object.entries(oddTexts))('in a token: %s', async (_name, odd) => {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const jwt = (header: object, claims: object) =>
      `${encode({ alg: 'ES256', ...header })}.${encode({ sub: 'a', iss: 'a', exp: 9e9, ...claims })}.AAAA`;
    const claims = [
      { iss: odd, sub: odd, aud: odd, jti: odd },
      { iss: `spiffe://${odd}`, sub: `spiffe://${odd}/a` },
    ];
    const headers = [{}, { kid: odd }, { typ: odd }, { alg: odd }];
    const tokens = headers.flatMap((header) => claims.map((one) => jwt(header, one)));
    const requests = tokens.flatMap((one): Request[] => [
      ['GET', '/api/v1/oauth/scope', { authorization: `Bearer ${one}` }],
      ['GET', '/api/v1/oauth/scope', { authorization: `DPoP ${token}`, dpop: one }],
      ['POST', '/api/v1/oauth/explain', json, JSON.stringify({ token: one })],
      ['POST', '/api/v1/oauth/register', { ...json, authorization: `Bearer ${one}` }, '{}'],
      ['POST', '/api/v1/oauth/token', form, `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=${one}`],
      [
        'POST',
        '/api/v1/oauth/token',
        form,
        'grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer' +
          `&client_assertion=${one}`,
      ],
    ]);
    const basic = Buffer.from(`${odd}:${odd}`).toString('base64');
    requests.push(['POST', '/api/v1/oauth/token', { ...form, authorization: `Basic ${basic}` }, 'grant_type=a']);
    expect(await faultsOf(requests)).toEqual([]);
  });
});
