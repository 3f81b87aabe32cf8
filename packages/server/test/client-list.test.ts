/** Finding clients in a long list: search, order, pages. */

import { startTestServer, type TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let root: string;

interface Listed {
  readonly client_id: string;
  readonly name: string | null;
  readonly created_at: string;
}

const path = '/api/v1/oauth/client';
const list = async (query: Record<string, string | number>) =>
  server.call('GET', `${path}?${new URLSearchParams(query as Record<string, string>)}`, { token: root });
const namesOf = async (query: Record<string, string | number>) =>
  ((await list({ size: 100, ...query })).body.items as Listed[]).map(({ name }) => name);

const clients = [
  { name: 'Billing', description: 'Sends invoices' },
  { name: 'billing-test', description: null },
  { name: null, description: 'no name, but an INVOICE' },
  { name: '100%', description: null },
  { name: '1000', description: null },
  { name: 'a_b', description: null },
  { name: 'axb', description: null },
  { name: 'back\\slash', description: null },
  { name: '\u00c4rger', description: null },
];

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  for (const client of clients) {
    await server.advance(1);
    await server.createClient(client);
  }
});
afterAll(() => server.close());

describe('search', () => {
  test.each<[string, (string | null)[]]>([
    ['billing', ['Billing', 'billing-test']],
    ['BILL', ['Billing', 'billing-test']],
    ['invoice', ['Billing', null]],
    ['%', ['100%']],
    ['0%', ['100%']],
    ['a_b', ['a_b']],
    ['_', ['a_b']],
    ['\\', ['back\\slash']],
    ['\u00e4RG', ['\u00c4rger']],
    ['nothing of the kind', []],
    ["' or 1=1 --", []],
  ])('%j finds %j', async (search, names) => {
    expect(await namesOf({ search })).toEqual(names);
    expect((await list({ search })).body.total).toBe(names.length);
  });

  test('finds by a part of the id', async () => {
    const [first] = (await list({ size: 1 })).body.items;
    expect(await namesOf({ search: first.client_id.slice(3, 15).toLowerCase() })).toEqual([first.name]);
  });

  test('of nothing finds all', async () => {
    expect((await list({ search: '' })).body.total).toBe(clients.length);
  });

  test('finds by what a client was changed to, and no more by what it was', async () => {
    const { clientId } = await server.createClient({ name: 'before' });
    await server.call('PATCH', `${path}/${clientId}`, { token: root, body: { name: 'after' } });
    expect([await namesOf({ search: 'before' }), await namesOf({ search: 'after' })]).toEqual([[], ['after']]);
    await server.call('DELETE', `${path}/${clientId}`, { token: root });
    expect(await namesOf({ search: 'after' })).toEqual([]);
  });

  test.each([
    [{ search: 'x'.repeat(101) }, 'search: must not have more than 100 characters.'],
    [{ search: 'a\nb' }, 'search: contains characters that are not allowed.'],
    [{ sort: 'scopes' }, 'sort: must be one of created_at, -created_at, name, -name, last_issued_at, -last_issued_at.'],
    [{ searching: 'x' }, 'searching: is not a known parameter.'],
  ])('%j is 422', async (query, detail) => {
    const { status, body } = await list(query as Record<string, string>);
    expect([status, body.detail]).toEqual([422, detail]);
  });
});

describe('order', () => {
  const byAge = clients.map(({ name }) => name);
  const byName = [null, '100%', '1000', 'a_b', 'axb', 'back\\slash', 'Billing', 'billing-test', '\u00c4rger'];

  test.each<[string, (string | null)[]]>([
    ['created_at', byAge],
    ['-created_at', byAge.toReversed()],
  ])('%s', async (sort, names) => {
    expect(await namesOf({ sort })).toEqual(names);
  });

  test('name, whatever the database does with marks and accents', async () => {
    const names = await namesOf({ sort: 'name' });
    expect(names.toSorted()).toEqual(byName.toSorted());
    const known = (name: string | null) => name === null || /^[a-z-]+$/i.test(name);
    expect(names.filter(known)).toEqual([null, 'axb', 'Billing', 'billing-test']);
    expect(await namesOf({ sort: '-name' })).toEqual(names.toReversed());
  });
});

test('of thousands of clients every page is that part of the whole list, with its total', async () => {
  const many = await startTestServer();
  try {
    const row = await many.createClient({ name: 'many' });
    const template = await many.db
      .selectFrom('clients')
      .selectAll()
      .where('id', '=', row.clientId)
      .executeTakeFirstOrThrow();
    const rows = Array.from({ length: 4_500 }, (_, index) => {
      const [id, sort_name] = [`id${index * 7919}`, `name ${index % 700}`];
      // Many of one age and one name, so that order among them is the id's.
      const created_at = new Date(1_700_000_000_000 + (index % 900) * 1_000).toISOString();
      return { ...template, id, name: sort_name, sort_name, created_at, search_text: `${id}\n${sort_name}\n` };
    });
    for (let first = 0; first < rows.length; first += 500) {
      await many.db
        .insertInto('clients')
        .values(rows.slice(first, first + 500))
        .execute();
    }
    const token = await many.rootToken();
    const all = [...rows, template];
    const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
    const orders = {
      created_at: (a: typeof template, b: typeof template) =>
        compare(a.created_at, b.created_at) || compare(a.id, b.id),
      name: (a: typeof template, b: typeof template) => compare(a.sort_name, b.sort_name) || compare(a.id, b.id),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('created_at', 'name'),
        fc.boolean(),
        fc.constantFrom(undefined, '7', 'name 1', 'NAME 69', 'id1', 'many'),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        async (column, reversed, search, page, size) => {
          const found = all
            .filter(({ search_text }) => search === undefined || search_text.includes(search.toLowerCase()))
            .toSorted(orders[column as keyof typeof orders]);
          const ordered = reversed ? found.toReversed() : found;
          const query = new URLSearchParams({
            sort: reversed ? `-${column}` : column,
            page: `${page}`,
            size: `${size}`,
            ...(search !== undefined && { search }),
          });
          const { body } = await many.call('GET', `${path}?${query}`, { token });
          expect(body.total).toBe(found.length);
          expect(body.items.map((item: Listed) => item.client_id)).toEqual(
            ordered.slice((page - 1) * size, page * size).map(({ id }) => id),
          );
        },
      ),
      { numRuns: 60 },
    );
  } finally {
    await many.close();
  }
});

test('clients are found by scope, resource, status, authentication, last use, and whether they fail now', async () => {
  const own = await startTestServer();
  const token = await own.rootToken();
  const found = async (query: string) => {
    const { status, body } = await own.call('GET', `/api/v1/oauth/client?sort=name&${query}`, { token });
    expect([query, status, body.error_description]).toEqual([query, 200, undefined]);
    return body.items.map(({ name }: { name: string }) => name);
  };
  await own.call('PUT', '/api/v1/oauth/resource', {
    token,
    body: { key: 'billing', identifier: 'https://billing.example.com', scopes: ['policy:read'] },
  });
  const used = await own.createClient({ name: 'a-used', scopes: ['policy:read'] });
  await own.createClient({ name: 'b-billing', scopes: [], resources: ['https://billing.example.com'] });
  await own.createClient({ name: 'c-disabled', scopes: ['policy:read', 'rule:read'], enabled: false });
  await own.createClient({
    name: 'd-workload',
    scopes: [],
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
  });
  await own.token(used);
  await expect(own.token({ ...used, clientSecret: 'wrong' })).rejects.toThrow();
  await own.advance(60);
  expect(await found('scope=policy:read')).toEqual(['a-used', 'c-disabled']);
  expect(await found('scope=policy')).toEqual([]);
  expect(await found('scope=Policy:read')).toEqual([]);
  expect(await found('resource=https://BILLING.example.com')).toEqual([]);
  expect(await found('resource=https://billing.example.com')).toEqual(['b-billing']);
  expect(await found('enabled=false')).toEqual(['c-disabled']);
  expect(await found('enabled=true&scope=policy:read')).toEqual(['a-used']);
  expect(await found('authentication=workload')).toEqual(['d-workload']);
  expect(await found('authentication=secret')).toEqual(['a-used', 'b-billing', 'c-disabled']);
  expect(await found('unused_days=1')).toEqual(['b-billing', 'c-disabled', 'd-workload']);
  expect(await found('failing=true')).toEqual(['a-used']);
  expect(await found('failing=false')).toEqual(['b-billing', 'c-disabled', 'd-workload']);
  await own.advance(3_600);
  expect(await found('failing=true')).toEqual([]);
  const answer = await own.call('GET', '/api/v1/oauth/client?authentication=password', { token });
  expect(answer.status).toBe(422);
  await own.close();
});

test('clients are sorted by their last token, in pages, with or without a filter; those without one come first', async () => {
  const own = await startTestServer();
  const token = await own.rootToken();
  const made = [];
  for (let index = 0; index < 7; index++) {
    made.push(await own.createClient({ name: `c${index}`, scopes: ['policy:read'] }));
  }
  // The later a client was created, the earlier it was used; the last two never.
  for (const client of made.slice(0, 5).toReversed()) {
    await own.advance(60);
    await own.token(client);
  }
  interface Used extends Listed {
    readonly last_issued_at: string | null;
  }
  const pagesOf = async (query: string): Promise<Used[]> => {
    const items: Used[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body } = await own.call('GET', `${path}?size=2&cursor=${cursor}&${query}`, { token });
      expect([status, body.total]).toEqual([200, 7]);
      items.push(...body.items);
      cursor = body.next_cursor;
    }
    return items;
  };
  // Not written yet, and shown all the same.
  expect(Date.parse((await pagesOf('sort=name'))[0]?.last_issued_at ?? '')).toBeGreaterThan(own.now() - 60_000);
  expect((await pagesOf('sort=name'))[6]?.last_issued_at).toBeNull();
  await own.advance(60);
  const never = made.slice(5).map(({ clientId }) => clientId);
  const ascending = [
    ...never.toSorted(),
    ...made
      .slice(0, 5)
      .toReversed()
      .map(({ clientId }) => clientId),
  ];
  for (const filter of ['', '&scope=policy:read', '&enabled=true']) {
    const idsOf = async (sort: string) => (await pagesOf(`sort=${sort}${filter}`)).map(({ client_id }) => client_id);
    expect(new Set((await idsOf('last_issued_at')).slice(0, 2))).toEqual(new Set(never));
    expect((await idsOf('last_issued_at')).slice(2)).toEqual(ascending.slice(2));
    expect(await idsOf('-last_issued_at')).toEqual((await idsOf('last_issued_at')).toReversed());
  }
  await own.close();
});

test('an item of the list can be sent back to change the client', async () => {
  const own = await startTestServer();
  const token = await own.rootToken();
  await own.createClient({ name: 'listed' });
  const [item] = (await own.call('GET', path, { token })).body.items;
  const body = { ...item, description: 'sent back' };
  const { status } = await own.call('PUT', `${path}/${item.client_id}`, { token, body });
  expect(status).toBe(200);
  await own.close();
});
