/** The management API of clients over HTTP, and what it leaves in the event log. */

import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const path = '/api/v1/oauth/client';
const call = (method: string, url: string, body?: unknown, token = root) => server.call(method, url, { token, body });
const read = async ({ clientId }: Credentials) => (await call('GET', `${path}/${clientId}`)).body;

describe('POST /api/v1/oauth/client', () => {
  test.each<[string, unknown, string[]]>([
    ['an object', { scopes: ['policy:read', 'rule:read'] }, ['policy:read', 'rule:read']],
    ['a bare array of scopes', ['policy:read'], ['policy:read']],
    ['an empty object', {}, []],
    ['an empty array', [], []],
    ['no body at all', undefined, []],
  ])('takes %s', async (_, body, scopes) => {
    const { status, headers, body: created } = await call('POST', path, body);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(created).toEqual({ client_id: expect.any(String), client_secret: expect.any(String) });
    const credentials = { clientId: created.client_id, clientSecret: created.client_secret };
    expect((await read(credentials)).scopes).toEqual(scopes);
    expect(await server.token(credentials)).toEqual(expect.any(String));
  });

  test('takes an empty body of JSON', async () => {
    const answer = await fetch(server.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json' },
    });
    expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([
      200,
      ['client_id', 'client_secret'],
    ]);
  });

  test('sets every member', async () => {
    const settings = {
      name: 'billing \u{1f4b6}',
      description: 'Reads policies.',
      scopes: ['policy:read'],
      grantable_scopes: ['rule:read'],
      enabled: false,
      access_token_ttl_seconds: 60,
      expires_at: '2099-12-31T00:00:00.000Z',
    };
    const created = await server.createClient(settings);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await read(created)).toEqual({
      client_id: created.clientId,
      ...settings,
      created_at: time,
      updated_at: time,
    });
  });

  test('holds each scope once', async () => {
    expect((await read(await server.createClient(['rule:read', 'policy:read', 'rule:read']))).scopes).toEqual([
      'rule:read',
      'policy:read',
    ]);
  });
});

describe('GET /api/v1/oauth/client', () => {
  test('lists all clients once, oldest first, page by page', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      server.advance(1);
      made.push((await server.createClient({ name: `listed ${i}` })).clientId);
    }
    const first = (await call('GET', `${path}?size=3`)).body;
    expect(first).toMatchObject({ page: 1, size: 3, pages: Math.ceil(first.total / 3) });
    const listed: string[] = [];
    for (let page = 1; page <= first.pages; page += 1) {
      const { body } = await call('GET', `${path}?page=${page}&size=3`);
      expect(body).toMatchObject({ page, size: 3, total: first.total, pages: first.pages });
      listed.push(...body.items.map((item: { client_id: string }) => item.client_id));
    }
    expect(listed).toHaveLength(first.total);
    expect(new Set(listed).size).toBe(first.total);
    expect(listed.slice(-7)).toEqual(made);
  });

  test('has pages of 50 by default, and an empty one after the last', async () => {
    expect((await call('GET', path)).body).toMatchObject({ page: 1, size: 50 });
    const { status, body } = await call('GET', `${path}?page=1000000`);
    expect([status, body.items]).toEqual([200, []]);
  });

  test('an empty directory has no pages', async () => {
    const empty = await startTestServer();
    try {
      const { body } = await empty.call('GET', path, { token: await empty.rootToken() });
      expect(body).toEqual({ items: [], total: 0, page: 1, size: 50, pages: 0 });
    } finally {
      await empty.close();
    }
  });
});

describe.each(['PUT', 'PATCH'])('%s /api/v1/oauth/client/{client_id}', (method) => {
  const settings = {
    name: 'billing',
    description: 'Reads policies.',
    scopes: ['policy:read'],
    grantable_scopes: ['rule:read'],
    enabled: true,
    access_token_ttl_seconds: 60,
  };

  test.each<[string, unknown]>([
    ['name', 'accounting'],
    ['description', 'Reads rules.'],
    ['scopes', ['rule:read', 'rule:delete']],
    ['scopes', []],
    ['grantable_scopes', ['policy:delete']],
    ['grantable_scopes', []],
    ['enabled', false],
    ['access_token_ttl_seconds', 3_600],
  ])('changes %s and nothing else', async (member, value) => {
    const client = await server.createClient(settings);
    const before = await read(client);
    server.advance(1);
    const { status, body } = await call(method, `${path}/${client.clientId}`, { [member]: value });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, [member]: value, updated_at: expect.any(String) });
    expect(Date.parse(body.updated_at)).toBe(Date.parse(before.updated_at) + 1_000);
    expect(await read(client)).toEqual(body);
  });

  test.each(['name', 'description', 'grantable_scopes', 'access_token_ttl_seconds'])(
    'null resets %s',
    async (member) => {
      const client = await server.createClient(settings);
      const before = await read(client);
      const { body } = await call(method, `${path}/${client.clientId}`, { [member]: null });
      expect(body).toEqual({ ...before, [member]: null, updated_at: expect.any(String) });
    },
  );

  test('changes nothing with an empty object', async () => {
    const client = await server.createClient(settings);
    const before = await read(client);
    const { body } = await call(method, `${path}/${client.clientId}`, {});
    expect(body).toEqual({ ...before, updated_at: expect.any(String) });
  });

  test('does not change what identifies the client', async () => {
    const client = await server.createClient(settings);
    for (const member of ['client_id', 'client_secret', 'created_at', 'updated_at', 'generation', 'isRoot']) {
      const { status, body } = await call(method, `${path}/${client.clientId}`, { [member]: 'x' });
      expect([status, body.error, body.detail]).toEqual([
        422,
        'invalid_parameter',
        expect.stringContaining(`${member}: `),
      ]);
    }
  });

  test('has no client to change where there is none', async () => {
    const { status, body } = await call(method, `${path}/nobody`, { name: 'x' });
    expect([status, body]).toEqual([404, { error: 'not_found', detail: "There is no client with the id 'nobody'." }]);
  });
});

describe('GET and PUT /api/v1/oauth/client/{client_id}/scope', () => {
  test('read and write the scopes, and nothing else', async () => {
    const client = await server.createClient({ name: 'billing', scopes: ['policy:read'], grantable_scopes: [] });
    const url = `${path}/${client.clientId}/scope`;
    expect((await call('GET', url)).body).toEqual(['policy:read']);
    const before = await read(client);
    for (const [body, scopes] of [
      [['rule:read'], ['rule:read']],
      [{ scopes: ['policy:read', 'rule:read'] }, ['policy:read', 'rule:read']],
      [[], []],
    ]) {
      const answer = await call('PUT', url, body);
      expect([answer.status, answer.body]).toEqual([200, scopes]);
      expect((await call('GET', url)).body).toEqual(scopes);
      expect(await read(client)).toEqual({ ...before, scopes, updated_at: expect.any(String) });
    }
  });

  test('nobody has no scopes', async () => {
    expect((await call('GET', `${path}/nobody/scope`)).status).toBe(404);
    expect((await call('PUT', `${path}/nobody/scope`, [])).status).toBe(404);
  });

  test('without scopes in the body nothing is written', async () => {
    const client = await server.createClient(['policy:read']);
    for (const body of [undefined, {}, { name: 'x' }, { scopes: null }]) {
      expect((await call('PUT', `${path}/${client.clientId}/scope`, body)).status).toBe(422);
    }
    expect((await read(client)).scopes).toEqual(['policy:read']);
  });
});

describe('DELETE /api/v1/oauth/client/{client_id}', () => {
  test('answers 204 without a body, then 404', async () => {
    const client = await server.createClient({});
    const { status, body } = await call('DELETE', `${path}/${client.clientId}`);
    expect([status, body]).toEqual([204, '']);
    for (const method of ['GET', 'DELETE']) {
      expect((await call(method, `${path}/${client.clientId}`)).status).toBe(404);
    }
    await expect(server.token(client)).rejects.toThrow('invalid_client');
    expect(await server.rows('client_secrets')).not.toContainEqual(
      expect.objectContaining({ client_id: client.clientId }),
    );
  });
});

describe('what is refused, with 422', () => {
  const bodies = [
    ['POST', path],
    ['PUT', `${path}/some`],
    ['PATCH', `${path}/some`],
  ] as const;

  test.each(bodies)('%s: an unknown member, by its name', async (method, url) => {
    const { status, body } = await call(method, url, { scopes: [], colour: 'green' });
    expect([status, body]).toEqual([422, { error: 'invalid_parameter', detail: 'colour: is not a known member.' }]);
  });

  test.each([
    ...bodies.flatMap(([method, url]) => [
      [method, url, { scopes: ['policy:read', 'policy:fly'] }],
      [method, url, { grantable_scopes: ['policy:fly'] }],
    ]),
    ['POST', path, ['policy:fly']],
    ['PUT', `${path}/some/scope`, ['policy:fly']],
    ['PUT', `${path}/some/scope`, { scopes: ['policy:fly'] }],
  ] as [string, string, unknown][])('%s %s: an unknown scope in %j', async (method, url, body) => {
    const answer = await call(method, url, body);
    expect([answer.status, answer.body.error]).toEqual([422, 'invalid_parameter']);
    expect(answer.body.detail).toMatch(/^Invalid Scope\. .*policy:fly/);
  });
});

test('no answer but that of creation holds a secret, and the database holds none at all', async () => {
  const client = await server.createClient({
    name: 'secretive',
    scopes: ['client:read'],
    grantable_scopes: ['client:read'],
  });
  const url = `${path}/${client.clientId}`;
  const answers = [
    await call('GET', url),
    await call('GET', `${path}?size=100`),
    await call('PUT', url, { name: 'other' }),
    await call('PATCH', url, { name: 'third' }),
    await call('GET', `${url}/scope`),
    await call('PUT', `${url}/scope`, ['client:read']),
    await call('GET', path, undefined, await server.token(client)),
  ];
  for (const { status, body } of answers) {
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toMatch(/secret(?!ive)|digest|postern[0-9A-Za-z]{20}/i);
  }
  const tables = ['clients', 'client_secrets', 'events', 'signing_keys'];
  const rows = (await Promise.all(tables.map(server.rows))).flat();
  expect(rows.length).toBeGreaterThan(10);
  expect(JSON.stringify(rows)).not.toContain(client.clientSecret);
  expect(server.log.join('')).not.toContain(client.clientSecret);
});
