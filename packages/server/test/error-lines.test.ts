/** Every error that the how-tos can run into has a line for the caller and one for the operator, and both say what to do. */
import { type ErrorReason, operatorLineOf } from '@postern/protocol';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: TestServer;
let root: string;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  client = await server.createClient({ scopes: ['scope:read'] });
});
afterAll(() => server.close());

const tokenPath = '/api/v1/oauth/token';
const clientPath = '/api/v1/oauth/client';
const ask = (form: Record<string, string>, who: Partial<Credentials> = client) =>
  server.postForm(tokenPath, {
    grant_type: 'client_credentials',
    client_id: who.clientId ?? client.clientId,
    client_secret: who.clientSecret ?? client.clientSecret,
    ...form,
  });

/** What goes wrong in the order of the how-to, who is told what, and why, for the operator. */
const mistakes: [
  what: string,
  send: () => Promise<{ status: number; body: { error: string; detail: string } }>,
  error: string,
  caller: RegExp,
  reason: ErrorReason | undefined,
][] = [
  ['no grant_type', () => ask({ grant_type: '' }), '400 invalid_request', /grant_type/, undefined],
  ['another grant_type', () => ask({ grant_type: 'password' }), '400 unsupported_grant_type', /grant_type/, undefined],
  ['a wrong secret', () => ask({}, { clientSecret: 'wrong' }), '401 invalid_client', /Check both/, 'secret_wrong'],
  ['a wrong id', () => ask({}, { clientId: 'nobody' }), '401 invalid_client', /Check both/, 'client_unknown'],
  ['a scope that it lacks', () => ask({ scope: 'client:create' }), '400 invalid_scope', /client:create/, undefined],
  ['no token', () => server.call('GET', clientPath), '401 missing_token', /Authorization: Bearer <token>/, undefined],
  [
    'a token that was cut off',
    () => server.call('GET', clientPath, { token: root.slice(0, -5) }),
    '401 invalid_token',
    /get a new one/,
    'token_malformed',
  ],
  [
    'a token without the scope',
    async () => server.call('POST', clientPath, { token: await server.token(client), body: {} }),
    '403 insufficient_scope',
    /needs the scope client:create, which the token lacks: request/,
    'scope_missing',
  ],
  [
    'a scope that does not exist',
    () => server.call('POST', clientPath, { token: root, body: { scopes: ['policy:reed'] } }),
    '422 invalid_parameter',
    /policy:reed/,
    undefined,
  ],
  [
    'a body that is no JSON',
    async () => {
      const headers = { authorization: `Bearer ${root}`, 'content-type': 'text/plain' };
      const answer = await fetch(server.url + clientPath, { method: 'POST', headers, body: 'scopes' });
      return { status: answer.status, body: (await answer.json()) as { error: string; detail: string } };
    },
    '415 unsupported_media_type',
    /must be application\/json/,
    undefined,
  ],
  [
    'a client that does not exist',
    () => server.call('GET', `${clientPath}/nobody`, { token: root }),
    '404 not_found',
    /nobody/,
    undefined,
  ],
  [
    'a token that has expired',
    async () => {
      const token = await server.token(client);
      await server.advance(9 * 86_400);
      root = await server.rootToken();
      return server.call('GET', '/api/v1/oauth/scope', { token });
    },
    '401 invalid_token',
    /get a new one/,
    'token_expired',
  ],
];

test.each(mistakes)('%s', async (_what, send, error, caller, reason) => {
  const before = server.log.length;
  const { status, body } = await send();
  expect(`${status} ${body.error}`).toBe(error);
  expect(body.detail).toMatch(caller);
  const line = JSON.parse(server.log.slice(before).findLast((one) => one.includes('request refused')) ?? '{}');
  expect([line.code, line.reason]).toEqual([body.error, reason]);
  expect(line.advice).toBe(operatorLineOf({ code: line.code, reason }));
  // What the operator sees is not for the caller.
  expect(JSON.stringify(body)).not.toContain(line.advice);
});

test('an unknown client and a wrong secret are one answer, and two lines for the operator', async () => {
  const [unknown, wrong] = [await ask({}, { clientId: 'nobody' }), await ask({}, { clientSecret: 'wrong' })];
  expect(unknown.body).toEqual(wrong.body);
  const lines = server.log.filter((line) => line.includes('request refused')).slice(-2);
  expect(new Set(lines.map((line) => JSON.parse(line).advice)).size).toBe(2);
});
