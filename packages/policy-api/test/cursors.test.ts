/** Lists by cursor: while they change, nothing that stays is missed, and nothing is listed twice. Of the server and of this API. */
import { allowLocalDocuments, type Partner, startPartner } from '@postern/testing/partner';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyMigrations } from '../src/index.ts';
import { createCalls } from './changing-calls.ts';
import { hostPolicies } from './policy-server.ts';

let server: TestServer;
let partner: Partner;
let root: string;
/** Routes whose query has a cursor, and those that have pages by number. */
const byCursor = new Set<string>();
const byNumber = new Set<string>();
const { asRoot, waitingClient, key } = createCalls(
  () => server,
  () => root,
  () => partner,
);

beforeAll(async () => {
  partner = await startPartner();
  server = await startTestServer({
    env: { POSTERN_REGISTRATION: 'initial_access_token', ...allowLocalDocuments },
    before: (app) => {
      app.addHook('onRoute', ({ method, url, schema }: RouteOptions) => {
        const { properties = {} } = (schema?.querystring ?? {}) as { properties?: object };
        if (method === 'GET' && 'cursor' in properties && 'size' in properties) {
          byCursor.add(url);
        }
        if (method === 'GET' && 'page' in properties) {
          byNumber.add(url);
        }
      });
    },
    hosted: { migrations: policyMigrations, apis: hostPolicies },
  });
  root = await server.rootToken();
});
afterAll(async () => {
  await server.close();
  await partner.close();
});

const name = () => key().replace('_', '-');
const client = async () => (await server.createClient({ name: `Ümlaut ${name()}`, scopes: ['policy:read'] })).clientId;
const put = async (path: string, element: object) => {
  await asRoot('PUT', path, path.startsWith('/oauth') ? element : [element]);
};

interface List {
  readonly path: string;
  /** Creates an item that the list has, and returns its id. */
  readonly create: () => Promise<string>;
  readonly remove: (id: string) => Promise<unknown>;
  readonly idOf: (item: Readonly<Record<string, string>>) => string | undefined;
}

const clients = (query: string): List => ({
  path: `/oauth/client?${query}`,
  create: client,
  remove: (id) => asRoot('DELETE', `/oauth/client/${id}`),
  idOf: ({ client_id }) => client_id,
});

/** A list of each route, and what is in it. */
const lists: Readonly<Record<string, () => Promise<List>>> = {
  '/api/v1/oauth/client': async () => clients(''),
  '/api/v1/oauth/client newest first': async () => clients('sort=-created_at&'),
  '/api/v1/oauth/client by name': async () => clients('sort=name&'),
  '/api/v1/oauth/client by name, descending': async () => clients('sort=-name&'),
  '/api/v1/oauth/client with a search': async () => clients('search=mlaut&'),
  '/api/v1/oauth/usage/unused': async () => {
    server.advance(86_400 * 10);
    root = await server.rootToken();
    const create = async () => {
      const id = await client();
      await server.db
        .updateTable('clients')
        .set({ created_at: '2001-01-01T00:00:00.000Z' })
        .where('id', '=', id)
        .execute();
      return id;
    };
    return { ...clients(''), path: '/oauth/usage/unused?days=1&', create };
  },
  '/api/v1/oauth/client/:client_id/secret': async () => {
    const path = `/oauth/client/${await client()}/secret`;
    const [first] = (await asRoot('GET', path)).items;
    let isFirst = true;
    return {
      path: `${path}?`,
      async create() {
        if (isFirst) {
          isFirst = false;
          return first.secret_id;
        }
        return (await asRoot('POST', path, {})).secret_id;
      },
      remove: (id) => asRoot('DELETE', `${path}/${id}`),
      idOf: ({ secret_id }) => secret_id,
    };
  },
  '/api/v1/oauth/client-document': async () => ({
    path: '/oauth/client-document?',
    create: waitingClient,
    // A request ends with its client.
    async remove(id) {
      const document = { token_endpoint_auth_method: 'private_key_jwt', client_id_metadata_document: true };
      await asRoot('POST', '/oauth/client', { client_id: id, ...document });
      await asRoot('DELETE', `/oauth/client/${encodeURIComponent(id)}`);
    },
    idOf: ({ client_id }) => client_id,
  }),
  '/api/v1/oauth/initial-access-token': async () => ({
    path: '/oauth/initial-access-token?',
    create: async () => (await asRoot('POST', '/oauth/initial-access-token', { scopes: [] })).id,
    remove: (id) => asRoot('DELETE', `/oauth/initial-access-token/${id}`),
    idOf: ({ id }) => id,
  }),
  '/api/v1/oauth/scope': async () => ({
    path: '/oauth/scope?',
    create: async () => (await asRoot('PUT', '/oauth/scope', { name: `${name()}:x`, description: 'x' }))[0].name,
    remove: (id) => asRoot('DELETE', `/oauth/scope/${id}`),
    idOf: ({ name: id, origin }) => (origin === 'own' ? id : undefined),
  }),
  '/api/v1/oauth/resource': async () =>
    keyed('/oauth/resource', () => ({ identifier: `https://${name()}.example.com`, scopes: [] })),
  '/api/v1/oauth/issuer': async () =>
    keyed('/oauth/issuer', () => ({ issuer: `https://${name()}.example.com`, rules: [] })),
  '/api/v1/oauth/authorization-details-type': async () => ({
    ...keyed('/oauth/authorization-details-type', () => ({})),
    create: async () =>
      (await asRoot('PUT', '/oauth/authorization-details-type', { type: `t${name()}`, schema: { type: 'object' } }))
        .type,
    idOf: ({ type }) => type,
  }),
  '/api/v1/oauth/role': async () => ({
    ...keyed('/oauth/role', () => ({})),
    create: async () => (await asRoot('PUT', '/oauth/role', { name: name(), scopes: [] })).name,
    idOf: ({ name: id, origin }) => (origin === 'own' ? id : undefined),
  }),
  '/api/v1/oauth/stream': async () => ({
    path: '/oauth/stream?',
    create: async () => (await asRoot('POST', '/ssf/stream', {})).stream_id,
    remove: (id) => asRoot('DELETE', `/oauth/stream/${id}`),
    idOf: ({ id }) => id,
  }),
  '/api/v1/oauth/client-policy': async () => ({
    ...keyed('/oauth/client-policy', () => ({})),
    create: async () => (await asRoot('PUT', '/oauth/client-policy', { name: name() })).name,
    idOf: ({ name: id }) => id,
  }),
  '/api/v1/policy': async () => keyed('/policy', () => ({ name: name() })),
  '/api/v1/storage/config': async () => keyed('/storage/config', () => ({ name: name(), type: 'local' })),
  '/api/v1/policy/:policy_key/rule': async () => {
    const [policy, destination] = [name(), name()];
    await put('/policy', { key: policy, name: policy });
    await put('/storage/config', { key: destination, name: destination, type: 'local' });
    const rule = () => ({ name: name(), action_type: 'access', storage_destination_key: destination });
    return keyed(`/policy/${policy}/rule`, rule);
  },
};

function keyed(path: string, element: () => object): List {
  return {
    path: `${path}?`,
    async create() {
      const id = name();
      await put(path, { key: id, ...element() });
      return id;
    },
    remove: (id) => asRoot('DELETE', `${path}/${id}`),
    idOf: ({ key: id }) => id,
  };
}

test('every list has a cursor', () => {
  const covered = new Set(Object.keys(lists).map((name) => name.split(' ')[0]));
  // Signing keys are few, and their list is tested below; failures and people have tests of their own. The plural, and the paths of Fides below dsr/, are other names of the same lists.
  const others = ['/api/v1/oauth/failures', '/api/v1/oauth/key', '/api/v1/oauth/person', '/api/v1/oauth/scopes'];
  const listed = [...byCursor].filter((url) => !url.includes('/dsr/'));
  expect([...covered, ...others].toSorted()).toEqual(listed.toSorted());
  expect([...byNumber].filter((url) => !byCursor.has(url))).toEqual([]);
});

describe.each(Object.entries(lists))('%s', (_, open) => {
  test('while items are created and deleted, lists each that stays once', async () => {
    const { path, create, remove, idOf } = await open();
    const stay: string[] = [];
    const leave: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      server.advance(1);
      (count % 2 === 0 ? stay : leave).push(await create());
    }
    const listed: (string | undefined)[] = [];
    let changes = 0;
    for (let cursor: string | null = ''; cursor !== null; changes += 1) {
      const page = await asRoot('GET', `${path}size=1&cursor=${cursor}`);
      expect(Object.keys(page)).toEqual(expect.arrayContaining(['items', 'total', 'next_cursor']));
      expect(page.items.length).toBeLessThanOrEqual(1);
      listed.push(...page.items.map(idOf));
      cursor = page.next_cursor;
      const gone = changes % 3 === 0 ? leave.pop() : undefined;
      if (gone !== undefined) {
        await remove(gone);
        server.advance(1);
        await create();
      }
    }
    expect(listed.filter((id) => id !== undefined && stay.includes(id)).toSorted()).toEqual(stay.toSorted());
    const ids = listed.filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('a cursor that was made up is an error that says so, or another place in the same list', async () => {
    const { path, create } = await open();
    await create();
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const made = ['x', '%00', encode('x'), encode({}), encode([1, 2]), encode(['\0', '\0']), encode([null])];
    for (const cursor of made) {
      const { status, body } = await server.call('GET', `/api/v1${path}cursor=${cursor}`, { token: root });
      expect([status, body.error]).toEqual([422, 'invalid_parameter']);
      expect(body.detail).toContain('cursor');
    }
    for (const place of [
      ['', ''],
      ["'; drop", "'--"],
      ['\ud800', 'z'],
      ['z'.repeat(1_000), ''],
    ]) {
      for (const cursor of [encode(place), encode(place.slice(0, 1))]) {
        const { status } = await server.call('GET', `/api/v1${path}cursor=${cursor}`, { token: root });
        expect([200, 422]).toContain(status);
      }
    }
    const long = await server.call('GET', `/api/v1${path}cursor=${'x'.repeat(4_001)}`, { token: root });
    expect(long.status).toBe(422);
  });

  test('pages by number are as they were', async () => {
    const { path } = await open();
    if (!path.startsWith('/oauth/scope')) {
      const page = await asRoot('GET', `${path}size=1`);
      expect(Object.keys(page)).toEqual(['items', 'total', 'page', 'size', 'pages']);
    }
  });
});

test.each([
  ['/oauth/client', 'client_id'],
  ['/oauth/resource', 'key'],
  ['/policy', 'key'],
  ['/storage/config', 'key'],
  ['/oauth/initial-access-token', 'id'],
  ['/oauth/scope', 'name'],
])('pages of %s by cursor have the ETag of each item', async (path, id) => {
  const { items, etags } = await asRoot('GET', `${path}?cursor=&size=100`);
  expect(items.length).toBeGreaterThan(0);
  for (const [index, item] of items.entries()) {
    const { headers } = await server.call('GET', `/api/v1${path}/${item[id]}`, { token: root });
    expect([item[id], etags[index]]).toEqual([item[id], headers.get('etag')]);
  }
});

test('signing keys are listed by cursor', async () => {
  const first = await asRoot('GET', '/oauth/key?size=1&cursor=');
  const { items } = await asRoot('GET', '/oauth/key');
  expect(first.items).toEqual(items.slice(0, 1));
});
