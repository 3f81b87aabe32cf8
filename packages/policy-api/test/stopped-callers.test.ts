/**
 * Every route that changes something, of the server and of this API: a call that waits for another change while its client
 * is deleted, disabled or narrowed is refused, and appends nothing to the event log.
 */
import { EventEmitter, once } from 'node:events';
import { allowLocalDocuments, type Partner, startPartner } from '@postern/testing/partner';
import { type Answer, startTestServer, type TestServer } from '@postern/testing/test-server';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { policyMigrations } from '../src/index.ts';
import { type Call, createCalls } from './changing-calls.ts';
import { hostPolicies } from './policy-server.ts';

/** A client that may make the call, and the call itself, by whatever the client has for it. */
interface Caller {
  readonly clientId: string;
  readonly call: () => Promise<Answer>;
}

/** The ways to stop a client, each with the body of the PATCH that does it; without one, the client is deleted. */
const stops = {
  deleted: undefined,
  disabled: { enabled: false },
  narrowed: { scopes: [], grantable_scopes: [] },
} as const;

/** Routes that read, or issue what nobody keeps, though their method is not GET. */
const changeNothing = [
  'POST /api/v1/hold',
  'POST /api/v1/oauth/explain',
  'POST /api/v1/oauth/introspect',
  'POST /api/v1/oauth/revoke_one/preview',
  'POST /api/v1/oauth/token',
  // What a receiver has got is written down, which is no change that anybody else sees.
  'POST /api/v1/ssf/poll/:stream_id',
  // These begin and end sessions without a token; what stops them is in the tests of sessions.
  'DELETE /api/v1/session',
  'POST /api/v1/session',
  'POST /api/v1/session/code',
  'POST /api/v1/session/token',
];

/** Reading a registration replaces its token. RFC 7592 §2.1. */
const readThatChanges = 'GET /api/v1/oauth/register/:client_id';

/** As an operation of a batch, holds the batch, and so all other changes, until it is released. */
const hold = '/api/v1/hold';
const holding = new EventEmitter<{ held: []; released: [] }>();

const routes = new Map<string, string | undefined>();
let server: TestServer;
let partner: Partner;
let root: string;
/** Calls of the batch endpoint since a change began to hold the others up. */
let batches: number;
const { calls, initialToken } = createCalls(
  () => server,
  () => root,
  () => partner,
);

beforeAll(async () => {
  partner = await startPartner();
  server = await startTestServer({
    env: { POSTERN_REGISTRATION: 'initial_access_token', ...allowLocalDocuments },
    before: (app) => {
      app.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
        for (const name of [method].flat()) {
          routes.set(`${name} ${url}`, config?.scope);
        }
      });
      app.addHook('preHandler', async ({ url }) => {
        batches += url === '/api/v1/batch' ? 1 : 0;
      });
    },
    hosted: {
      migrations: policyMigrations,
      async apis(app, host) {
        await hostPolicies(app, host);
        app.post(hold, async () => {
          const released = once(holding, 'released');
          holding.emit('held');
          await released;
          return {};
        });
      },
    },
  });
  root = await server.rootToken();
});
afterAll(async () => {
  await server.close();
  await partner.close();
});

/** A caller of a guarded route, by an access token with the scopes that the call needs. */
async function tokenHolder(name: string, { path, body }: Call): Promise<Caller> {
  const needed = [routes.get(name), ...(name === 'POST /api/v1/batch' ? ['scope:create_or_update'] : [])];
  const grantable_scopes = ['policy:read'];
  const credentials = await server.createClient({ scopes: needed, grantable_scopes });
  const token = await server.token(credentials);
  const [method = ''] = name.split(' ');
  return { ...credentials, call: () => server.call(method, `/api/v1${path}`, { token, body }) };
}

/** A client that registered itself, which calls by its registration access token. */
async function registeredClient(method: string): Promise<Caller> {
  const { initial_access_token: token } = await initialToken();
  const { body } = await server.call('POST', '/api/v1/oauth/register', { token, body: {} });
  const { client_id: clientId, registration_access_token } = body;
  const sent = method === 'PUT' ? { body: { client_id: clientId, client_name: 'a' } } : {};
  return {
    clientId,
    call: () =>
      server.call(method, `/api/v1/oauth/register/${clientId}`, { token: registration_access_token, ...sent }),
  };
}

/** Calls of a receiver about a stream of its own, each with what it sends besides the id. */
const streamCalls: Readonly<Record<string, object>> = {
  'POST /api/v1/ssf/stream': {},
  'PATCH /api/v1/ssf/stream': { description: 'a' },
  'PUT /api/v1/ssf/stream': { description: 'a' },
  'DELETE /api/v1/ssf/stream': {},
  'POST /api/v1/ssf/status': { status: 'paused' },
  'POST /api/v1/ssf/subject/add': { subject: { format: 'opaque', id: 'a' } },
  'POST /api/v1/ssf/subject/remove': { subject: { format: 'opaque', id: 'a' } },
  'POST /api/v1/ssf/verify': {},
};

async function receiver(name: string): Promise<Caller> {
  const credentials = await server.createClient({ scopes: ['ssf.manage'] });
  const token = await server.token(credentials);
  const { body } = await server.call('POST', '/api/v1/ssf/stream', {
    token,
    body: { default_subjects: name.endsWith('/add') ? 'NONE' : 'ALL' },
  });
  const [method = '', path = ''] = name.split(' ');
  const { stream_id } = body;
  const call = () =>
    method === 'DELETE'
      ? server.call(method, `${path}?stream_id=${stream_id}`, { token })
      : server.call(method, path, { token, body: { stream_id, ...streamCalls[name] } });
  return { ...credentials, call };
}

/** The callers of the routes that no scope guards, or that are about what is the caller's own. */
const otherCallers: Readonly<Record<string, () => Promise<Caller>>> = {
  'POST /api/v1/oauth/register': async () => {
    const scopes = ['initial_access_token:create', 'policy:read'];
    const creator = await server.createClient({ scopes, grantable_scopes: ['policy:read'] });
    const { body } = await server.call('POST', '/api/v1/oauth/initial-access-token', {
      token: await server.token(creator),
      body: { scopes: ['policy:read'] },
    });
    const call = () =>
      server.call('POST', '/api/v1/oauth/register', {
        token: body.initial_access_token,
        body: { scope: 'policy:read' },
      });
    return { ...creator, call };
  },
  [readThatChanges]: () => registeredClient('GET'),
  'PUT /api/v1/oauth/register/:client_id': () => registeredClient('PUT'),
  'DELETE /api/v1/oauth/register/:client_id': () => registeredClient('DELETE'),
  'POST /api/v1/oauth/revoke': async () => {
    const token = await server.token(await server.createClient(['policy:read']));
    const { clientId, clientSecret } = await server.createClient(['token:revoke']);
    const form = { client_id: clientId, client_secret: clientSecret, token };
    return { clientId, call: () => server.postForm('/api/v1/oauth/revoke', form) };
  },
  ...Object.fromEntries(Object.keys(streamCalls).map((name) => [name, () => receiver(name)])),
};

/** The routes that revoke one token. */
const revocations = ['POST /api/v1/oauth/revoke', 'POST /api/v1/oauth/revoke_one'];

async function prepare(name: string): Promise<() => Promise<Caller>> {
  const [call, other] = [await calls[name]?.(), otherCallers[name]];
  return call === undefined ? (other as () => Promise<Caller>) : () => tokenHolder(name, call);
}

/** Starts the calls while a change has made the operations and is not committed. Returns the answers after that. */
async function callDuring(operations: readonly object[], calls: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
  const { events } = server.app;
  batches = 0;
  const change = vi.spyOn(events, 'change');
  // A batch runs apart first, and others do not wait for it; here it holds them up, as it does when it was in vain twice.
  const apart = vi.spyOn(events, 'changeApart').mockImplementation((token, work) => events.change(token, work));
  try {
    const held = once(holding, 'held');
    const body = { operations: [...operations, { method: 'POST', path: hold }] };
    const batch = server.call('POST', '/api/v1/batch', { token: root, body });
    await Promise.race([held, batch]);
    const answers = Promise.all(calls.map((call) => call()));
    // A call that asks for its change, or a batch that waits for its turn, has passed all that is checked before.
    const asked = () => expect(Math.max(change.mock.calls.length, batches)).toBeGreaterThan(calls.length);
    await Promise.race([answers, vi.waitFor(asked, { timeout: 30_000, interval: 2 })]);
    holding.emit('released');
    expect((await batch).status).toBe(200);
    return await answers;
  } finally {
    holding.emit('released');
    apart.mockRestore();
    change.mockRestore();
  }
}

async function actorsSince(sequence: number): Promise<string[]> {
  const events = await server.db.selectFrom('events').select('actor').where('sequence', '>', sequence).execute();
  return events.map(({ actor }) => actor).filter((actor) => actor !== server.root.clientId);
}

test('every route that changes something is covered', () => {
  // The paths of Fides below dsr/ have the same handlers.
  const changing = [...routes.keys()].filter(
    (name) => !/^(?:GET|HEAD|OPTIONS) |\/dsr\//.test(name) && !changeNothing.includes(name),
  );
  const covered = [...Object.keys(calls), ...Object.keys(otherCallers)];
  expect(covered.toSorted()).toEqual([...changing, readThatChanges].toSorted());
});

test.each([...Object.keys(calls), ...Object.keys(otherCallers)])('%s', async (name) => {
  root = await server.rootToken();
  const createCaller = await prepare(name);
  const callers = await Promise.all(Object.keys(stops).map(createCaller));
  const { sequence } = await server.db.selectFrom('event_head').select('sequence').executeTakeFirstOrThrow();
  const operations = Object.values(stops).map((body, index) => {
    const path = `/api/v1/oauth/client/${callers[index]?.clientId}`;
    return body === undefined ? { method: 'DELETE', path } : { method: 'PATCH', path, body };
  });
  const answers = await callDuring(
    operations,
    callers.map(({ call }) => call),
  );
  if (revocations.includes(name) && inject('postgres') !== undefined) {
    // On PostgreSQL a revocation waits for no other change, so these clients may not be stopped yet. It gives nobody anything.
    expect(answers.map(({ status }) => status).filter((status) => ![200, 204, 400, 401].includes(status))).toEqual([]);
    return;
  }
  // To OAuth endpoints, a client that may no longer do one thing is not a client whose token is invalid.
  const narrowed = ['POST /api/v1/oauth/register', 'POST /api/v1/oauth/revoke'].includes(name) ? 400 : 401;
  expect(answers.map(({ status }) => status)).toEqual([401, 401, narrowed]);
  expect(await actorsSince(sequence)).toEqual([]);

  // The same call of a client that nobody stopped.
  const answer = await (await createCaller()).call();
  expect([answer.status < 300, answer.body?.failed ?? []]).toEqual([true, []]);
  expect(await actorsSince(sequence)).not.toEqual([]);
});
