/** Many calls as one change: all or none, each by the rules of the call alone. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const path = '/api/v1/batch';
const clientPath = '/api/v1/oauth/client';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const apply = (operations: unknown, token = root, more = {}) =>
  server.call('POST', path, { token, body: { operations, ...more } });
const put = (kind: string, body: object) => ({ method: 'PUT', path: `/api/v1/oauth/${kind}`, body });
const createClient = (body: object) => ({ method: 'POST', path: clientPath, body });
const countEvents = async () =>
  (await server.db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow()).sequence;
const countClients = async () => (await server.call('GET', clientPath, { token: root })).body.total;

describe('a batch', () => {
  test('makes all changes, and later ones see what earlier ones made', async () => {
    const answer = await apply([
      put('scope', { name: 'invoice:read', description: 'Read invoices' }),
      put('resource', { key: 'invoices', identifier: 'https://invoices.example.com', scopes: ['invoice:read'] }),
      createClient({ name: 'billing', scopes: ['invoice:read'], resources: ['https://invoices.example.com'] }),
    ]);
    expect([answer.status, answer.body.applied]).toEqual([200, true]);
    expect(answer.body.results.map(({ status }: { status: number }) => status)).toEqual([200, 200, 200]);
    const { client_id: clientId, client_secret: clientSecret } = answer.body.results[2].body;
    const token = await server.postForm('/api/v1/oauth/token', {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      resource: 'https://invoices.example.com',
    });
    expect([token.status, token.body.scope]).toEqual([200, 'invoice:read']);
    expect((await server.eventsAbout(clientId)).map(({ actor, kind }) => [actor, kind])).toEqual([
      [server.root.clientId, 'client.created'],
      [server.root.clientId, 'secret.created'],
    ]);
  });

  test('that changes what tokens depend on takes effect immediately', async () => {
    const client = await server.createClient(['scope:read']);
    const token = await server.token(client);
    const url = `${clientPath}/${client.clientId}`;
    expect((await apply([{ method: 'PATCH', path: url, body: { enabled: false } }])).status).toBe(200);
    expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(401);
  });

  test('of root can delete several scopes that its token has', async () => {
    const names = ['first:read', 'second:read'];
    const body = names.map((name) => ({ name, description: name }));
    await server.call('PUT', '/api/v1/oauth/scope', { token: root, body });
    const token = await server.rootToken();
    const answer = await apply(
      names.map((name) => ({ method: 'DELETE', path: `/api/v1/oauth/scope/${name}` })),
      token,
    );
    expect([answer.status, answer.body.applied]).toEqual([200, true]);
  });

  test('creates the signing keys that its resources need', async () => {
    const algorithms = async () =>
      (await server.call('GET', '/.well-known/jwks.json')).body.keys.map(({ alg }: { alg: string }) => alg);
    expect(await algorithms()).not.toContain('EdDSA');
    const resource = { key: 'ed', identifier: 'https://ed.example.com', scopes: [], signing_alg: 'EdDSA' };
    expect((await apply([put('resource', resource)])).status).toBe(200);
    expect(await algorithms()).toContain('EdDSA');
  });

  test('without operations does nothing', async () => {
    const before = await countEvents();
    const { status, body } = await apply([]);
    expect([status, body]).toEqual([200, { applied: true, results: [] }]);
    expect(await countEvents()).toBe(before);
  });
});

describe('nothing is done', () => {
  test.each<[name: string, operation: object, status: number, error: string, detail: string]>([
    ['an unknown scope', createClient({ scopes: ['no:such'] }), 422, 'invalid_parameter', 'Invalid Scope'],
    ['an unknown member', createClient({ scope: [] }), 422, 'invalid_parameter', 'scope: is not a known member'],
    ['a client that is not there', { method: 'DELETE', path: `${clientPath}/nobody` }, 404, 'not_found', 'nobody'],
    ['a path that is not there', { method: 'POST', path: '/api/v1/nothing' }, 404, 'not_found', '/api/v1/nothing'],
    ['a method that is not there', { method: 'PATCH', path: '/api/v1/oauth/scope' }, 405, 'method_not_allowed', 'GET'],
    ['a batch in the batch', { method: 'POST', path, body: { operations: [] } }, 404, 'not_found', path],
    ['a token', { method: 'POST', path: '/api/v1/oauth/token' }, 404, 'not_found', 'token'],
    ['a path that cannot be decoded', { method: 'POST', path: '/api/v1/%' }, 400, 'invalid_request', 'percent-encoded'],
    ['an id that is too long', { method: 'DELETE', path: `${clientPath}/${'x'.repeat(201)}` }, 404, 'not_found', 'id'],
  ])('where one of the operations is refused: %s', async (_, operation, status, error, detail) => {
    const [events, clients] = [await countEvents(), await countClients()];
    const answer = await apply([createClient({ name: 'first' }), operation, createClient({ name: 'last' })]);
    expect([answer.status, answer.body.error, answer.body.operation]).toEqual([status, error, 1]);
    expect(answer.body.detail).toContain(detail);
    expect([await countEvents(), await countClients()]).toEqual([events, clients]);
  });

  test('in a dry run, which says what would have been done', async () => {
    const before = await countEvents();
    const { status, body } = await apply([createClient({ name: 'tried' })], root, { dry_run: true });
    expect([status, body]).toEqual([200, { applied: false, results: [{ status: 200 }] }]);
    const wrong = await apply([createClient({ scopes: ['no:such'] })], root, { dry_run: true });
    expect([wrong.status, wrong.body.operation]).toEqual([422, 0]);
    expect(await countEvents()).toBe(before);
  });

  test.each([
    ['no array', { operations: {} }],
    ['no operation', { operations: [1] }],
    ['an unknown method', { operations: [{ method: 'GET', path: clientPath }] }],
    ['a path elsewhere', { operations: [{ method: 'POST', path: 'https://example.com/api/v1/oauth/client' }] }],
    ['a path with a NUL', { operations: [{ method: 'POST', path: `${clientPath}\0` }] }],
    ['a path with a fragment', { operations: [{ method: 'POST', path: `${clientPath}#a` }] }],
    ['an unknown member', { operations: [{ method: 'POST', path: clientPath, headers: {} }] }],
    ['too many', { operations: Array.from({ length: 10_001 }, () => createClient({})) }],
  ])('where the body is wrong: %s', async (_, body) => {
    const answer = await server.call('POST', path, { token: root, body });
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
  });
});

describe('the rules of each call hold', () => {
  let maker: Credentials;
  let token: string;

  beforeAll(async () => {
    maker = await server.createClient(['batch:apply', 'client:create', 'client:read']);
    token = await server.token(maker);
  });

  test('its scope is needed', async () => {
    const answer = await apply([put('scope', { name: 'a:b', description: 'x' })], token);
    expect([answer.status, answer.body.error, answer.body.operation]).toEqual([403, 'insufficient_scope', 0]);
    expect(answer.body.detail).toContain('scope:create_or_update');
    expect((await apply([createClient({ scopes: ['policy:read'] })], token)).status).toBe(200);
  });

  test('no number of steps lets a client assign what it may not assign', async () => {
    const answer = await apply([createClient({}), createClient({ scopes: ['client:delete'] })], token);
    expect([answer.status, answer.body.error, answer.body.operation]).toEqual([403, 'access_denied', 1]);
  });

  test('a client may do nothing after it has deleted itself', async () => {
    const own = await server.createClient({
      scopes: ['batch:apply', 'client:create', 'client:delete'],
      grantable_scopes: ['batch:apply', 'client:create', 'client:delete'],
    });
    const answer = await apply(
      [{ method: 'DELETE', path: `${clientPath}/${own.clientId}` }, createClient({})],
      await server.token(own),
    );
    expect([answer.status, answer.body.error, answer.body.operation]).toEqual([401, 'invalid_token', 1]);
    expect((await server.call('GET', `${clientPath}/${own.clientId}`, { token: root })).status).toBe(200);
  });
});

test('a batch whose client was deleted or disabled while it waited does nothing', async () => {
  const own = await server.createClient(['batch:apply', 'scope:create_or_update']);
  const token = await server.token(own);
  const many = Array.from({ length: 100 }, () => createClient({}));
  const stop = { method: 'PATCH', path: `${clientPath}/${own.clientId}`, body: { enabled: false } };
  await Promise.all([apply([stop, ...many]), apply([put('scope', { name: 'left:behind', description: 'x' })], token)]);
  const kinds = await server.db
    .selectFrom('events')
    .select('kind')
    .where('subject', 'in', [own.clientId, 'left:behind'])
    .orderBy('sequence')
    .execute();
  // Whichever had its turn first, nothing comes after the stop.
  expect(kinds.at(-1)?.kind).toBe('client.updated');
});

test('a batch that takes too long is undone', async () => {
  const before = await countClients();
  let isDone = false;
  const batch = apply(Array.from({ length: 400 }, () => createClient({}))).finally(() => {
    isDone = true;
  });
  const leaps: Promise<void>[] = [];
  while (!isDone) {
    await server.call('GET', '/health');
    leaps.push(server.advance(31));
  }
  const { status, body } = await batch;
  expect([status, body.error]).toEqual([413, 'content_too_large']);
  await Promise.all(leaps);
  expect((await server.call('GET', clientPath, { token: await server.rootToken() })).body.total).toBe(before);
});

test('the body of an operation may be as long as that of a single call', async () => {
  const long = { name: 'x', description: 'x'.repeat(300_000) };
  const alone = await server.call('POST', clientPath, { token: await server.rootToken(), body: long });
  const answer = await apply([createClient(long)], await server.rootToken());
  expect([alone.status, answer.status]).toEqual([413, 413]);
});

test('tokens are issued during a long batch, also to clients that are not cached', async () => {
  const strangers = await Promise.all(Array.from({ length: 30 }, () => server.createClient(['scope:read'])));
  const batch = apply(Array.from({ length: 400 }, (_, number) => createClient({ name: `many ${number}` })));
  let isDone = false;
  const done = batch.finally(() => {
    isDone = true;
  });
  let issuedMeanwhile = 0;
  for (const stranger of strangers) {
    await server.token(stranger);
    issuedMeanwhile += isDone ? 0 : 1;
  }
  expect((await done).status).toBe(200);
  expect(issuedMeanwhile).toBeGreaterThan(5);
});

describe('while a batch is under way', () => {
  /** So many that other calls come between. */
  const mostOperations = 120;
  const many = (count = mostOperations) =>
    Array.from({ length: count }, (_, number) => createClient({ name: `many ${number}` }));
  /** Starts a batch, and tells whether it is done. */
  const start = (operations: unknown[], token: string, dry_run = false) => {
    const state = { isDone: false };
    const answer = server.call('POST', '/api/v1/batch', { token, body: { operations, dry_run } }).finally(() => {
      state.isDone = true;
    });
    return { state, answer };
  };
  const underWay = () => server.call('GET', '/health');

  test.each([true, false])('revocations and other changes go first (dry run: %s)', async (isDryRun) => {
    const token = await server.rootToken();
    const before = await countClients();
    const { state, answer } = start(many(), token, isDryRun);
    await underWay();
    const other = await server.createClient(['scope:read']);
    const revoked = await server.token(other);
    const { clientId: client_id, clientSecret: client_secret } = other;
    const form = { client_id, client_secret, token: revoked };
    expect((await server.postForm('/api/v1/oauth/revoke', form)).status).toBe(200);
    expect((await server.call('GET', '/api/v1/oauth/scope', { token: revoked })).status).toBe(401);
    expect(state.isDone).toBe(false);
    expect((await answer).status).toBe(200);
    expect(await countClients()).toBe(before + 1 + (isDryRun ? 0 : mostOperations));
  });

  test.each([true, false])('a change of what it has changed goes first too (dry run: %s)', async (isDryRun) => {
    const token = await server.rootToken();
    const { clientId } = await server.createClient(['scope:read']);
    const change = (name: string) => ({ method: 'PATCH', path: `${clientPath}/${clientId}`, body: { name } });
    const digests = vi.spyOn(server.masterKey, 'digest');
    const created = () => digests.mock.calls.filter(([purpose]) => purpose === 'client secrets').length;
    const { state, answer } = start([change('batch'), ...many()], token, isDryRun);
    await vi.waitFor(() => expect(created()).toBeGreaterThan(5));
    const { method, path: url, body } = change('other');
    const changed = await server.call(method, url, { token, body });
    // It did not wait until all of the batch was done.
    expect(created()).toBeLessThan(mostOperations);
    digests.mockRestore();
    expect([changed.status, changed.body.name, state.isDone]).toEqual([200, 'other', false]);
    expect((await answer).status).toBe(200);
    expect((await server.call('GET', url, { token })).body.name).toBe(isDryRun ? 'other' : 'batch');
  });

  test('a change that comes between is seen by it', async () => {
    const token = await server.rootToken();
    await server.call('PUT', '/api/v1/oauth/scope', { token, body: { name: 'taken:away', description: 'x' } });
    const { state, answer } = start([...many(), createClient({ scopes: ['taken:away'] })], token);
    await underWay();
    expect((await server.call('DELETE', '/api/v1/oauth/scope/taken:away', { token })).status).toBe(204);
    expect(state.isDone).toBe(false);
    const { status, body } = await answer;
    expect([status, body.operation]).toEqual([422, mostOperations]);
  });

  test('its token may be revoked: then nothing is done', async () => {
    const own = await server.createClient(['batch:apply', 'client:create']);
    const token = await server.token(own);
    const before = await countClients();
    const { state, answer } = start(many(), token);
    await underWay();
    const { clientId: client_id, clientSecret: client_secret } = own;
    expect((await server.postForm('/api/v1/oauth/revoke', { client_id, client_secret, token })).status).toBe(200);
    expect(state.isDone).toBe(false);
    const { status, body } = await answer;
    expect([status, body.error]).toEqual([401, 'invalid_token']);
    expect(await countClients()).toBe(before);
  });

  test('others wait for their turn, up to four of one client; further ones are told to come again', async () => {
    const token = await server.rootToken();
    const answers = await Promise.all(Array.from({ length: 8 }, () => start(many(50), token).answer));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(4);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, headers, body } of refused) {
      expect([status, headers.get('retry-after'), body.error]).toEqual([503, '5', 'temporarily_unavailable']);
    }
    expect((await start([], token).answer).status).toBe(200);
  });
});

test('the bodies of batches that are read at once are bounded, before they arrive', async () => {
  const { port } = new URL(server.url);
  const announce = async () => {
    const token = await server.token(await server.createClient(['batch:apply']));
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
    const lines = ['POST /api/v1/batch HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`];
    socket.write([...lines, 'Content-Type: application/json', 'Content-Length: 16777216', '', '{'].join('\r\n'));
    return socket;
  };
  const sockets = [await announce(), await announce(), await announce(), await announce()];
  const refused = await announce();
  const [answer] = await once(refused, 'data');
  expect(String(answer)).toContain('HTTP/1.1 503 Service Unavailable');
  expect(String(answer)).toContain('Too many batches wait for their turn');
  for (const socket of [...sockets, refused]) {
    socket.destroy();
  }
  await vi.waitFor(async () => expect((await apply([])).status).toBe(200));
});
