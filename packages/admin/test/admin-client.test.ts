/** What is sent, and what becomes of answers that no server of ours would give. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScriptedServer, startScriptedServer } from '../../client/test/scripted-server.ts';
import { type AdminClient, createAdminClient, operations } from '../src/index.ts';

let server: ScriptedServer;
let admin: AdminClient;

beforeAll(async () => {
  server = await startScriptedServer();
  admin = createAdminClient({
    server: `${server.url}/below/`,
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: 'Bearer token' } }),
  });
});
afterAll(() => server.close());

test('a call is sent below the address of the server, with its token, its query and its body', async () => {
  server.on('/below/api/v1/oauth/client', { body: { client_id: 'a' } });
  await admin.clients.list({ search: 'a&b', size: 5 });
  await admin.clients.create({ name: 'billing' });
  const [list, create] = server.requests('/below/api/v1/oauth/client');
  expect(list).toMatchObject({ method: 'GET', path: '/below/api/v1/oauth/client?search=a%26b&size=5', body: '' });
  expect(list?.headers).toMatchObject({ authorization: 'Bearer token', accept: 'application/json' });
  expect(list?.headers['content-type']).toBeUndefined();
  expect(create).toMatchObject({ method: 'POST', body: '{"name":"billing"}' });
  expect(create?.headers['content-type']).toBe('application/json');
});

test('a change whose answer is lost is sent again, with the same key and no other', async () => {
  let calls = 0;
  server.on('/below/api/v1/oauth/scope', () => {
    calls += 1;
    return calls === 1 ? { breaks: true } : { body: [] };
  });
  const save = () => admin.scopes.save([{ name: 'a:b', description: 'x' }]);
  expect(await save()).toEqual([]);
  await save();
  const keys = server.requests('/below/api/v1/oauth/scope').map(({ headers }) => headers['idempotency-key']);
  expect(keys).toEqual([expect.stringMatching(/^[\x21-\x7e]{36}$/), keys[0], expect.any(String)]);
  expect(keys[2]).not.toBe(keys[0]);
});

test('an id is one segment of the path, whatever is in it', async () => {
  server.on('/below/api/v1/oauth/client/a%2F..%3Fb%23', { status: 204 });
  expect(await admin.clients.delete('a/..?b#')).toBeUndefined();
});

test.each(['', '.', '..'])('%j is not an id, and nothing is sent', async (id) => {
  const before = server.received.length;
  await expect(admin.clients.get(id)).rejects.toMatchObject({ code: 'invalid_id', detail: `"${id}" is not an id.` });
  expect(server.received.length).toBe(before);
});

test.each([
  [
    { status: 302, headers: { location: '/login' } },
    { status: 302, code: 'redirected', message: expect.stringContaining('/login') },
  ],
  [
    { status: 502, body: '<html>' },
    { status: 502, code: 'invalid_response' },
  ],
  [
    { status: 200, body: '<html>' },
    { status: 200, code: 'invalid_response' },
  ],
  [
    { status: 404, body: {} },
    { status: 404, code: 'invalid_response' },
  ],
  [
    { status: 503, body: { error: 'overloaded', detail: 'Later.' }, headers: { 'retry-after': '7' } },
    { status: 503, code: 'overloaded', detail: 'Later.', message: 'Later.', retryAfterSeconds: 7 },
  ],
  [
    { status: 500, body: { error: 'server_error' } },
    { detail: 'server_error', retryAfterSeconds: undefined },
  ],
  [{ breaks: true }, { status: undefined, code: 'unreachable', cause: expect.any(TypeError) }],
])('the answer %j is the error %j', async (answer, error) => {
  server.on('/below/api/v1/oauth/statistics', answer);
  await expect(admin.statistics.get()).rejects.toMatchObject({ name: 'AdminError', ...error });
});

test('a call ends by its signal, with the reason of the signal', async () => {
  const reason = new Error('enough');
  server.on('/below/api/v1/oauth/events', () => new Promise(() => {}));
  const controller = new AbortController();
  const call = admin.send(operations.events.list({ wait: 30 }), { signal: controller.signal });
  controller.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test('what the token client throws is left as it is', async () => {
  const fault = new RangeError('no token');
  const failing = createAdminClient({ server: server.url, fetch: () => Promise.reject(fault) });
  await expect(failing.keys.list()).rejects.toBe(fault);
});
