/**
 * Lost updates: everything that can be changed has a version as ETag, and no change is made that was meant for another
 * version. Of the server and of this API. RFC 9110 §8.8.3 and §13.1.
 */
import { sendOverHttp } from '@postern/testing/http-client';
import { allowLocalDocuments, type Partner, startPartner } from '@postern/testing/partner';
import { type Answer, startTestServer, type TestServer } from '@postern/testing/test-server';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyMigrations } from '../src/index.ts';
import { createCalls } from './changing-calls.ts';
import { hostPolicies } from './policy-server.ts';

/**
 * Routes that read, or issue what nobody keeps, or begin or end a session or a token, which has no version, and those by which
 * receivers manage their own streams, which are as SSF 1.0 has them.
 */
const withoutVersion = [
  'DELETE /api/v1/session',
  'DELETE /api/v1/ssf/stream',
  'PATCH /api/v1/ssf/stream',
  'POST /api/v1/oauth/explain',
  'POST /api/v1/oauth/introspect',
  'POST /api/v1/oauth/register',
  'POST /api/v1/oauth/revoke',
  'POST /api/v1/oauth/revoke_one',
  'POST /api/v1/oauth/revoke_one/preview',
  'POST /api/v1/oauth/token',
  'POST /api/v1/session',
  'POST /api/v1/session/code',
  'POST /api/v1/session/token',
  'POST /api/v1/ssf/poll/:stream_id',
  'POST /api/v1/ssf/status',
  'POST /api/v1/ssf/stream',
  'POST /api/v1/ssf/subject/add',
  'POST /api/v1/ssf/subject/remove',
  'POST /api/v1/ssf/verify',
  'PUT /api/v1/ssf/stream',
];

const routes = new Map<string, RouteOptions['config']>();
let server: TestServer;
let partner: Partner;
let root: string;
let powerless: string;
const { calls, asRoot, key } = createCalls(
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
          routes.set(`${name} ${url}`, config);
        }
      });
    },
    hosted: { migrations: policyMigrations, apis: hostPolicies },
  });
  root = await server.rootToken();
  powerless = await server.token(await server.createClient({ scopes: ['policy:delete'] }));
});
afterAll(async () => {
  await server.close();
  await partner.close();
});

const send = (method: string, path: string, body?: unknown, headers: object = {}, token = root): Promise<Answer> =>
  sendOverHttp(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const get = (path: string) => send('GET', path);
const etagOf = ({ headers }: Answer) => headers.get('etag') ?? '';
const lastEvent = async () =>
  (await server.db.selectFrom('event_head').select('sequence').executeTakeFirstOrThrow()).sequence;

test('every route that changes something says of which thing it checks the version', () => {
  const unchecked = [...routes].filter(
    ([name, config]) => !/^(?:GET|HEAD|OPTIONS) /.test(name) && config?.changes === undefined,
  );
  expect(unchecked.map(([name]) => name).toSorted()).toEqual(withoutVersion);
});

/**
 * Routes whose answers also say what changes without an event about the thing, such as the storage destination of a rule, or whose
 * thing is forgotten without one.
 */
const volatile = [
  'GET /api/v1/oauth/client-document/:client_id',
  'GET /api/v1/oauth/client/:client_id/secret',
  'GET /api/v1/oauth/initial-access-token/:id',
  'GET /api/v1/oauth/key',
  'GET /api/v1/oauth/register/:client_id',
  'GET /api/v1/oauth/stream/:id',
  'GET /api/v1/policy/:policy_key',
  'GET /api/v1/policy/:policy_key/rule',
  'GET /api/v1/policy/:policy_key/rule/:rule_key',
];

test('every route that reads something with a version answers 304 to who has it, unless other things are in its answer', () => {
  const reading = [...routes].filter(([name, config]) => name.startsWith('GET ') && config?.reads !== undefined);
  const never = reading.filter(([, config]) => config?.isVolatile).map(([name]) => name.replace('/dsr/', '/'));
  expect([...new Set(never)].toSorted()).toEqual(volatile);
  expect(reading.length).toBeGreaterThan(volatile.length);
});

describe.each(Object.keys(calls).filter((name) => !withoutVersion.includes(name)))('%s', (name) => {
  const [method = ''] = name.split(' ');

  test('with the ETag of another version is 412, says what to do, and changes nothing', async () => {
    const { path, body } = (await calls[name]?.()) ?? { path: '' };
    const before = await lastEvent();
    for (const tag of ['"another"', 'W/"another"', '"one", "two"', '""']) {
      const answer = await send(method, path, body, { 'if-match': tag });
      expect([answer.status, answer.body.error]).toEqual([412, 'precondition_failed']);
      expect(answer.body.detail).toMatch(/read it|If-Match|if_match/);
    }
    expect(await lastEvent()).toBe(before);
  });

  test.each(['another', '"open', '"a" "b"', '"a", b', '*, "a"', ''])('with If-Match: %s is 400', async (tag) => {
    if (name !== 'POST /api/v1/batch') {
      const { path, body } = (await calls[name]?.()) ?? { path: '' };
      const answer = await send(method, path, body, { 'if-match': tag });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
      expect(answer.body.detail).toContain('If-Match');
    }
  });
});

/** Something of each kind, by the path that reads it, and the call that takes back what GET gives. */
const things: Readonly<Record<string, () => Promise<Thing>>> = {
  client: async () => {
    const { clientId } = await server.createClient({ name: key(), scopes: ['policy:read', 'rule:read'], may_act: 'x' });
    return { path: `/oauth/client/${clientId}`, put: `/oauth/client/${clientId}` };
  },
  'the scopes of a client': async () => {
    const { clientId } = await server.createClient({ name: key(), scopes: ['rule:read', 'policy:read'] });
    return { path: `/oauth/client/${clientId}/scope`, put: `/oauth/client/${clientId}/scope` };
  },
  scope: async () => {
    const name = `${key()}:read`;
    await asRoot('PUT', '/oauth/scope', { name, description: 'x' });
    return { path: `/oauth/scope/${name}`, put: '/oauth/scope' };
  },
  resource: async () => {
    const { key: resource } = await asRoot('PUT', '/oauth/resource', {
      key: key(),
      identifier: `https://${key().replace('_', '-')}.example.com`,
      scopes: ['policy:read'],
    });
    return { path: `/oauth/resource/${resource}`, put: '/oauth/resource' };
  },
  'trusted issuer': async () => {
    const { clientId } = await server.createClient({ scopes: ['policy:read'] });
    const rules = [{ client_id: clientId, claims: { sub: 'repo:*', ref: ['a', 'b'] }, scopes: ['policy:read'] }];
    const issuer = `https://${key().replace('_', '-')}.example.com`;
    const { key: issuerKey } = await asRoot('PUT', '/oauth/issuer', { key: key(), issuer, rules });
    return { path: `/oauth/issuer/${issuerKey}`, put: '/oauth/issuer' };
  },
  role: async () => {
    const { name } = await asRoot('PUT', '/oauth/role', { name: key(), scopes: ['policy:read'] });
    return { path: `/oauth/role/${name}`, put: '/oauth/role' };
  },
  'client policy': async () => {
    const { name } = await asRoot('PUT', '/oauth/client-policy', {
      name: key(),
      scope: 'storage:delete',
      min_rsa_bits: 3072,
    });
    return { path: `/oauth/client-policy/${name}`, put: '/oauth/client-policy' };
  },
  'type of authorization details': async () => {
    const schema = { type: 'object', properties: { amount: { type: 'integer' } } };
    const { type } = await asRoot('PUT', '/oauth/authorization-details-type', { type: `t${key()}`, schema });
    return { path: `/oauth/authorization-details-type/${type}`, put: '/oauth/authorization-details-type' };
  },
  policy: async () => ({ path: `/policy/${(await policyWithRule()).policy}`, put: '/policy', isBulk: true }),
  rule: async () => {
    const { policy, rule } = await policyWithRule();
    return { path: `/policy/${policy}/rule/${rule}`, put: `/policy/${policy}/rule`, isBulk: true };
  },
  'storage destination': async () => {
    const element = { key: key(), name: key(), type: 's3', details: { bucket: 'b' } };
    await asRoot('PUT', '/storage/config', [element]);
    return { path: `/storage/config/${element.key}`, put: '/storage/config', isBulk: true };
  },
};

interface Thing {
  readonly path: string;
  readonly put: string;
  readonly isBulk?: boolean;
}

async function policyWithRule() {
  const [policy, rule, storage] = [key(), key(), key()];
  await asRoot('PUT', '/storage/config', [{ key: storage, name: storage, type: 'local' }]);
  await asRoot('PUT', '/policy', [{ key: policy, name: policy }]);
  const access = { action_type: 'access', storage_destination_key: storage };
  await asRoot('PUT', `/policy/${policy}/rule`, [{ key: rule, name: rule, ...access }]);
  await asRoot('PUT', `/policy/${policy}/rule/${rule}/target`, [{ key: key(), data_category: 'user.contact' }]);
  return { policy, rule, storage };
}

describe.each(Object.entries(things))('what GET gives of a %s, PUT takes back', (_, create) => {
  test('with its ETag and without, and nothing is changed and no event is written', async () => {
    const { path, put, isBulk = false } = await create();
    const read = await get(path);
    expect(etagOf(read)).toMatch(/^"[\x21\x23-\x7e]+"$/);
    const before = await lastEvent();
    server.advance(1);
    for (const headers of [
      {},
      { 'if-match': etagOf(read) },
      { 'if-match': `W/"a", "b", ${etagOf(read)}` },
      { 'if-match': '*' },
    ]) {
      const answer = await send('PUT', put, isBulk ? [read.body] : read.body, headers);
      expect([answer.status, answer.body.failed ?? []]).toEqual([200, []]);
      expect(etagOf(answer)).toBe(etagOf(read));
    }
    const again = await get(path);
    expect([again.body, etagOf(again)]).toEqual([read.body, etagOf(read)]);
    expect(await lastEvent()).toBe(before);
  });

  test('whoever has its version gets 304 without a body, and who may not read it gets 403', async () => {
    const { path } = await create();
    const read = await get(path);
    const [tag, body] = [etagOf(read), read.body];
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await send('GET', path, undefined, { 'if-none-match': known });
      const isVolatile = path.startsWith('/policy/');
      expect([again.status, etagOf(again), again.body]).toEqual(isVolatile ? [200, tag, body] : [304, tag, '']);
    }
    expect((await send('GET', path, undefined, { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await send('GET', path, undefined, { 'if-none-match': tag }, powerless)).status).toBe(403);
  });

  test('and If-None-Match: * refuses to overwrite it', async () => {
    const { path, put, isBulk = false } = await create();
    const { body } = await get(path);
    const answer = await send('PUT', put, isBulk ? [body] : body, { 'if-none-match': '*' });
    expect([answer.status, answer.body.error]).toEqual([412, 'precondition_failed']);
    expect(answer.body.detail).toContain('exists already');
  });
});

test('a version that is known is not modified, until somebody changes the thing', async () => {
  const { clientId } = await server.createClient({ name: 'cached' });
  const path = `/oauth/client/${clientId}`;
  const known = { 'if-none-match': etagOf(await get(path)) };
  expect((await send('GET', path, undefined, known)).status).toBe(304);
  await asRoot('PATCH', path, { name: 'changed' });
  const changed = await send('GET', path, undefined, known);
  expect([changed.status, changed.body.name]).toEqual([200, 'changed']);
  await asRoot('DELETE', path);
  expect((await send('GET', path, undefined, { 'if-none-match': etagOf(changed) })).status).toBe(404);
  expect((await send('GET', path, undefined, { 'if-none-match': 'cached' })).status).toBe(400);
});

test('of two administrators who change what they have read, one succeeds and the other is told', async () => {
  const { clientId } = await server.createClient({ scopes: ['policy:read', 'rule:read'] });
  const path = `/oauth/client/${clientId}`;
  const tag = etagOf(await get(path));
  const answers = await Promise.all(
    ['policy:read', 'rule:read', 'storage:read', 'policy:delete'].map((scope) =>
      send('PATCH', path, { scopes: [scope] }, { 'if-match': tag }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412]);
  const won = answers.find(({ status }) => status === 200) as Answer;
  const read = await get(path);
  expect([read.body, etagOf(read)]).toEqual([won.body, etagOf(won)]);
  // Whoever succeeded can continue with the answer, and the other one after reading again.
  expect((await send('PATCH', path, { name: 'again' }, { 'if-match': etagOf(won) })).status).toBe(200);
});

test.each<[string, (path: string) => Promise<unknown>]>([
  ['its scopes are set', (path) => asRoot('PUT', `${path}/scope`, ['rule:read'])],
  ['a secret is created', (path) => asRoot('POST', `${path}/secret`, {})],
  ['its tokens are revoked', (path) => asRoot('POST', `${path}/revoke`)],
  [
    'it is deleted and created again',
    async (path) => {
      await asRoot('DELETE', path);
      await asRoot('POST', '/oauth/client', { client_id: path.split('/').at(-1) });
    },
  ],
])('a client has another version after %s', async (_, change) => {
  const { clientId } = await server.createClient({ client_id: `versioned_${key()}` });
  const path = `/oauth/client/${clientId}`;
  const tag = etagOf(await get(path));
  await change(path);
  const { status } = await send('DELETE', path, undefined, { 'if-match': tag });
  expect(status).toBe(412);
  expect(etagOf(await get(path))).not.toBe(tag);
});

test('a policy has another version after its rule or target was changed', async () => {
  const { policy, rule } = await policyWithRule();
  const tags = [etagOf(await get(`/policy/${policy}`))];
  await asRoot('PUT', `/policy/${policy}/rule`, [{ key: rule, name: `${rule} renamed` }]);
  tags.push(etagOf(await get(`/policy/${policy}/rule/${rule}`)));
  const [target] = (await get(`/policy/${policy}/rule/${rule}`)).body.targets;
  await asRoot('DELETE', `/policy/${policy}/rule/${rule}/target/${target.key}`);
  tags.push(etagOf(await get(`/policy/${policy}`)));
  expect(new Set(tags).size).toBe(3);
});

test('elements of one bulk call may have one ETag, which is about what there was before the call', async () => {
  const { policy, rule } = await policyWithRule();
  const path = `/policy/${policy}/rule`;
  const tag = etagOf(await get(`/policy/${policy}`));
  const two = [
    { key: rule, name: `${rule} a` },
    { key: rule, name: `${rule} b` },
  ];
  const { status, body } = await send('PUT', path, two, { 'if-match': tag });
  expect([status, body.succeeded.length, body.failed]).toEqual([200, 2, []]);
  expect((await send('PUT', path, two, { 'if-match': tag })).status).toBe(412);
});

test('operations of a batch have if_match, which is about what there was before the batch', async () => {
  const { clientId } = await server.createClient({ name: 'batched' });
  const path = `/api/v1/oauth/client/${clientId}`;
  const if_match = etagOf(await get(`/oauth/client/${clientId}`));
  const operations = [
    { method: 'PATCH', path, if_match, body: { name: 'one' } },
    { method: 'PATCH', path, if_match, body: { name: 'two' } },
  ];
  const done = await send('POST', '/batch', { operations });
  expect([done.status, done.body.applied]).toEqual([200, true]);
  const again = await send('POST', '/batch', { operations: [...operations].reverse() });
  expect([again.status, again.body.error, again.body.operation]).toEqual([412, 'precondition_failed', 0]);
  const created = {
    method: 'PUT',
    path: '/api/v1/oauth/scope',
    if_none_match: '*',
    body: [{ name: `${key()}:x`, description: 'x' }],
  };
  expect((await send('POST', '/batch', { operations: [created] })).status).toBe(200);
  expect((await send('POST', '/batch', { operations: [created] })).status).toBe(412);
  expect((await send('POST', '/batch', { operations: [] }, { 'if-match': '*' })).status).toBe(412);
});

test('a client that registered itself has a version too', async () => {
  const { initial_access_token } = await asRoot('POST', '/oauth/initial-access-token', { scopes: ['policy:read'] });
  const { body } = await send('POST', '/oauth/register', { client_name: 'a' }, {}, initial_access_token);
  const path = `/oauth/register/${body.client_id}`;
  const read = await send('GET', path, undefined, {}, body.registration_access_token);
  const sent = { client_id: body.client_id, client_name: 'b' };
  const token = read.body.registration_access_token;
  expect((await send('PUT', path, sent, { 'if-match': '"another"' }, token)).status).toBe(412);
  const put = await send('PUT', path, sent, { 'if-match': etagOf(read) }, token);
  expect(put.status).toBe(200);
  // The administrators see the same version.
  expect(etagOf(await get(`/oauth/client/${body.client_id}`))).toBe(etagOf(put));
  const next = put.body.registration_access_token;
  expect((await send('DELETE', path, undefined, { 'if-match': etagOf(read) }, next)).status).toBe(412);
  expect((await send('DELETE', path, undefined, { 'if-match': etagOf(put) }, next)).status).toBe(204);
});

test('the signing keys have one version, which a rotation changes', async () => {
  const { body } = await get('/oauth/key');
  const isWaiting = ({ status, alg }: { status: string; alg: string }) => status === 'next' && alg === 'ES256';
  for (const { kid } of body.items.filter(isWaiting)) {
    await asRoot('DELETE', `/oauth/key/${kid}`);
  }
  const tag = etagOf(await get('/oauth/key'));
  const [one, other] = await Promise.all(
    ['ES256', 'ES256'].map((alg) => send('POST', '/oauth/key/rotate', { alg }, { 'if-match': tag })),
  );
  expect([one?.status, other?.status].filter((status) => status === 200)).toHaveLength(1);
  expect(
    (
      await send('DELETE', `/oauth/key/${(one?.status === 200 ? one : other)?.body.kid}`, undefined, {
        'if-match': tag,
      })
    ).status,
  ).toBe(412);
});

test('members that nobody can change are refused if they are not as they are', async () => {
  const { clientId } = await server.createClient({});
  const { policy, rule } = await policyWithRule();
  const scope = `${key()}:x`;
  await asRoot('PUT', '/oauth/scope', { name: scope, description: 'x' });
  for (const [path, body] of [
    [`/oauth/client/${clientId}`, { client_id: 'other' }],
    ['/oauth/scope', { name: scope, description: 'x', administrative: true }],
    ['/oauth/scope', { name: scope, description: 'x', origin: 'built-in' }],
  ] as const) {
    expect((await send('PUT', path, body)).status).toBe(422);
  }
  for (const [path, body] of [
    ['/policy', { key: policy, name: 'x', rules: [] }],
    [`/policy/${policy}/rule`, { key: rule, storage_destination: null }],
    [`/policy/${policy}/rule`, { key: rule, targets: [] }],
  ] as const) {
    const { body: answer } = await send('PUT', path, [body]);
    expect(answer.failed[0]?.message).toContain('cannot be changed here');
  }
});

test('all scopes that GET gives, PUT takes back, the built-in ones too', async () => {
  const { body } = await get('/oauth/scope?view=full');
  const before = await lastEvent();
  expect((await send('PUT', '/oauth/scope', body)).status).toBe(200);
  expect(await lastEvent()).toBe(before);
});
