/** Scopes that users add: what they can be, who may give them, and that none goes while somebody has it. */

import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabaseDriver } from '../src/db/driver.ts';
import { openEventLog } from '../src/events/event-log.ts';
import { openOwnScopes } from '../src/scopes/own-scopes.ts';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const path = '/api/v1/oauth/scope';
const call = (method: string, url: string, body?: unknown, token = root) => server.call(method, url, { token, body });
const add = async (...names: string[]) => {
  const { status, body } = await call(
    'PUT',
    path,
    names.map((name) => ({ name, description: `Do ${name}` })),
  );
  expect([status, body]).toEqual([200, expect.anything()]);
};
const remove = (name: string) => call('DELETE', `${path}/${encodeURIComponent(name)}`);
const listed = async () => (await call('GET', `${path}?view=full`)).body as { name: string; origin: string }[];

describe('PUT /api/v1/oauth/scope', () => {
  test('adds one or several, which are listed after the built-in ones and are ordinary', async () => {
    const one = await call('PUT', path, { name: 'invoice:read', description: 'List invoices' });
    const view = { name: 'invoice:read', description: 'List invoices', administrative: false, origin: 'own' };
    expect([one.status, one.body]).toEqual([200, [view]]);
    await add('invoice:pay', 'https://api.example.com/report');

    const all = await listed();
    expect(all.filter(({ origin }) => origin === 'own').map(({ name }) => name)).toEqual([
      'https://api.example.com/report',
      'invoice:pay',
      'invoice:read',
    ]);
    expect(all.at(-1)).toEqual(view);
    expect(all[0]).toMatchObject({ name: 'client:create', origin: 'built-in' });
    expect((await call('GET', path)).body).toEqual(all.map(({ name }) => name));
    const metadata = await server.call('GET', '/.well-known/oauth-authorization-server');
    expect(metadata.body.scopes_supported).toEqual(all.map(({ name }) => name));
  });

  test('changes the description of one that was added', async () => {
    await add('changed:read');
    await call('PUT', path, { name: 'changed:read', description: 'Something else' });
    expect((await listed()).find(({ name }) => name === 'changed:read')).toMatchObject({
      description: 'Something else',
    });
  });

  test('is written to the event log, each scope as its own', async () => {
    const last = async () =>
      server.db.selectFrom('events').select(['actor', 'kind', 'subject', 'data']).orderBy('sequence', 'desc').limit(2);
    await add('logged:a', 'logged:b');
    const event = (name: string) => ({
      actor: server.root.clientId,
      kind: 'scope.saved',
      subject: name,
      data: JSON.stringify({ description: `Do ${name}` }),
    });
    expect(await (await last()).execute()).toEqual([event('logged:b'), event('logged:a')]);
    await remove('logged:b');
    expect((await (await last()).execute())[0]).toMatchObject({ kind: 'scope.deleted', subject: 'logged:b' });
  });

  test.each<[string, unknown, number, string]>([
    ['a built-in scope', { name: 'policy:read', description: 'x' }, 409, 'The scope policy:read is built in'],
    ['a name like an administrative one', { name: 'key:sign', description: 'x' }, 422, 'names that begin with key:'],
    ['a space in the name', { name: 'a b', description: 'x' }, 422, '[0].name: must be printable ASCII'],
    ['a name that is not ASCII', { name: 'caf\u00e9', description: 'x' }, 422, '[0].name: must be printable ASCII'],
    ['a quote in the name', { name: 'a"b', description: 'x' }, 422, '[0].name: must be printable ASCII'],
    ['an empty name', { name: '', description: 'x' }, 422, '[0].name: must not be empty.'],
    ['a long name', { name: 'x'.repeat(101), description: 'x' }, 422, '[0].name: must not have more than 100'],
    ['no description', { name: 'a' }, 422, '[0].description: is required.'],
    [
      'a line end in the description',
      { name: 'a', description: 'x\ny' },
      422,
      '[0].description: must not be blank, and must not contain control',
    ],
    ['a further member', { name: 'a', description: 'x', administrative: true }, 422, '[0].administrative: is not'],
    ['nothing', [], 422, 'The body: must not be empty.'],
    ['no body', undefined, 422, '[0]: must be object.'],
    ['a name twice', [1, 2].map(() => ({ name: 'a', description: 'x' })), 422, '[1].name: a is listed twice.'],
  ])('refuses %s', async (_, body, status, detail) => {
    const before = await listed();
    const answer = await call('PUT', path, body);
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringContaining(detail.replaceAll('"', "'"))]);
    expect(await listed()).toEqual(before);
  });

  test('saves all or none', async () => {
    const before = await listed();
    const answer = await call('PUT', path, [
      { name: 'half:done', description: 'x' },
      { name: 'rule:read', description: 'x' },
    ]);
    expect([answer.status, await listed()]).toEqual([409, before]);
  });

  test('takes 10,000 of them: the token of root stays as it was, and has others only for their resource or by name', async () => {
    const first = await startTestServer();
    const names = Array.from(
      { length: 10_000 },
      (_, index) => `part${String(index).padStart(4, '0')}:${'x'.repeat(40)}`,
    );
    const all = names.map((name) => ({ name, description: 'x' }));
    await first.db.insertInto('own_scopes').values(all.slice(0, 9_700)).execute();
    await first.app.close();
    const full = await startTestServer({ dataDir: first.dataDir });
    try {
      const token = await full.rootToken();
      const as = (method: string, url: string, body?: unknown) => full.call(method, url, { token, body });
      expect((await as('PUT', path, all.slice(9_700))).status).toBe(200);
      expect(claimsOf(await full.rootToken())['scope']).toBe(claimsOf(await server.rootToken())['scope']);
      expect(claimsOf(await full.token(full.root, names.at(-1)))['scope']).toBe(names.at(-1));
      const [one = '', other = ''] = names;
      await as('PUT', '/api/v1/oauth/resource', { key: 'a', identifier: 'https://a.example', scopes: [one, other] });
      const { body } = await full.postForm('/api/v1/oauth/token', {
        ...{ grant_type: 'client_credentials', resource: 'https://a.example' },
        ...{ client_id: full.root.clientId, client_secret: full.root.clientSecret },
      });
      expect(body.scope).toBe(`${one} ${other}`);
      const client = await full.createClient(names.slice(-5));
      expect(claimsOf(await full.token(client))['scope']).toBe(names.slice(-5).join(' '));

      const listed = (await as('GET', path)).body as string[];
      expect(listed.slice(-10_000)).toEqual(names);
      const lastPages: string[] = [];
      for (let cursor: string | null = cursorAfter(names.at(-151)); cursor !== null; ) {
        const page: { items: { name: string }[]; next_cursor: string | null } = (
          await as('GET', `${path}?size=100&cursor=${cursor}`)
        ).body;
        lastPages.push(...page.items.map(({ name }) => name));
        cursor = page.next_cursor;
      }
      expect(lastPages).toEqual(names.slice(-150));
      const metadata = await (await fetch(`${full.url}/.well-known/oauth-authorization-server`)).text();
      expect(metadata.length).toBeLessThan(262_144);

      const more = Array.from({ length: 10_000 }, (_, index) => ({ name: `more${index}`, description: 'x' }));
      await full.db.insertInto('own_scopes').values(more).execute();
      const answer = await as('PUT', path, { name: 'one:more', description: 'x' });
      expect([answer.status, answer.body.detail]).toEqual([
        409,
        'There is no room: users can add at most 20000 scopes.',
      ]);
    } finally {
      await full.close();
      await first.close();
    }
  });
});

const cursorAfter = (name = '') => Buffer.from(JSON.stringify(['own', name])).toString('base64url');

describe('a scope that was added', () => {
  test('is held by root at once, given to a client, and in its token', async () => {
    await add('order:read');
    expect(claimsOf(await server.token(server.root, 'order:read'))['scope']).toBe('order:read');
    const client = await server.createClient(['order:read']);
    expect(claimsOf(await server.token(client))['scope']).toBe('order:read');
  });

  test('is given by a client with client:create alone, and by no client with a list of what it may give', async () => {
    const makers = await Promise.all([
      server.createClient(['client:create']),
      server.createClient({ scopes: ['client:create'], grantable_scopes: ['policy:read'] }),
    ]);
    await add('order:write');
    const statuses = makers.map(async (maker) => {
      const token = await server.token(maker);
      return (await call('POST', '/api/v1/oauth/client', ['order:write'], token)).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 403]);
  });

  test('is out of reach for a client that was given a list, also through clients that it makes', async () => {
    const before = (await call('GET', path)).body as string[];
    const listed = await server.token(
      await server.createClient({ scopes: ['client:create'], grantable_scopes: before }),
    );
    const open = await call('POST', '/api/v1/oauth/client', ['client:create'], listed);
    expect([open.status, open.body.detail]).toEqual([
      403,
      'The client could assign the scope that is added next, which you may not assign: narrow its grantable_scopes.',
    ]);
    const narrow = { scopes: ['client:create'], grantable_scopes: before };
    const made = (await call('POST', '/api/v1/oauth/client', narrow, listed)).body;
    await add('reached:read');
    const token = await server.token({ clientId: made.client_id, clientSecret: made.client_secret });
    expect((await call('POST', '/api/v1/oauth/client', ['policy:read'], token)).status).toBe(200);
    expect((await call('POST', '/api/v1/oauth/client', ['reached:read'], token)).status).toBe(403);
  });

  test('is known on every node that follows, and gone on every node again', async () => {
    const one = await startTestServer();
    const two = await startTestServer({ dataDir: one.dataDir, env: { POSTERN_ISSUER: one.url } });
    const on = async (node: TestServer, method: string, url: string, body?: unknown) => {
      await node.advance(0);
      return node.call(method, url, { token: await node.rootToken(), body });
    };
    await on(one, 'PUT', path, { name: 'shared:read', description: 'On all nodes' });
    const made = await on(two, 'POST', '/api/v1/oauth/client', ['shared:read']);
    expect(made.status).toBe(200);
    expect((await on(one, 'DELETE', `${path}/shared:read`)).status).toBe(409);
    await on(one, 'DELETE', `/api/v1/oauth/client/${made.body.client_id}`);
    expect((await on(one, 'DELETE', `${path}/shared:read`)).status).toBe(204);
    expect((await on(two, 'POST', '/api/v1/oauth/client', ['shared:read'])).status).toBe(422);
    await two.close();
    await one.close();
  });

  test('is there again after a restart', async () => {
    const first = await startTestServer();
    const body = { name: 'kept:read', description: 'Still there' };
    await first.call('PUT', path, { token: await first.rootToken(), body });
    await first.app.close();
    const second = await startTestServer({ dataDir: first.dataDir });
    const { body: names } = await second.call('GET', path, { token: await second.rootToken() });
    expect(names).toContain('kept:read');
    await second.close();
    await first.close();
  });
});

test('a version that has a scope of that name itself does not start, or holders of the one would hold the other', async () => {
  const older = await startTestServer();
  const { db } = older;
  await db.insertInto('own_scopes').values({ name: 'key:rotate', description: 'Turn the key' }).execute();
  const driver = {} as DatabaseDriver;
  const events = await openEventLog({
    macEvent: () => '',
    masterKey: server.masterKey,
    db,
    driver,
    requireActive: async () => {},
    maxStalenessSeconds: 60,
    onHistoryLost: () => {},
    now: older.now,
    monotonic: older.now,
  });
  await expect(openOwnScopes({ db, events, findResources: () => [] })).rejects.toThrow(
    /^The scope key:rotate was added by a user, and this version has one of that name/,
  );
  await older.close();
});

describe('DELETE /api/v1/oauth/scope/{name}', () => {
  test('deletes one that nobody has, of any name', async () => {
    const longest = '%'.repeat(100);
    for (const name of ['gone:read', 'https://api.example.com/a?b=c%20d', '100%_sure', longest]) {
      await add(name);
      expect([name, (await remove(name)).status]).toEqual([name, 204]);
      expect((await call('GET', path)).body).not.toContain(name);
      expect((await remove(name)).status).toBe(404);
    }
  });

  test('deletes one whose name differs from that of a held one only by a capital letter', async () => {
    await add('case:read', 'Case:read');
    const { clientId } = await server.createClient({ scopes: ['Case:read'] });
    expect((await remove('case:read')).status).toBe(204);
    expect((await remove('Case:read')).status).toBe(409);
    await call('DELETE', `/api/v1/oauth/client/${clientId}`);
    expect((await remove('Case:read')).status).toBe(204);
  });

  test.each(['never:there', 'a%00b', 'a%0Ab', '%20', '%F0%9F%94%91'])('is 404 for %s', async (name) => {
    expect((await call('DELETE', `${path}/${name}`)).status).toBe(404);
  });

  test('ends the tokens of root that hold it', async () => {
    await add('short:lived');
    const token = await server.token(server.root, 'short:lived scope:read');
    await remove('short:lived');
    expect((await call('GET', path, undefined, token)).status).toBe(401);
  });

  test('refuses while a client holds it or may hand it out, and says how many do and which', async () => {
    await add('held:read', 'held:rea', 'held_read');
    const held = [
      await server.createClient(['held:read']),
      await server.createClient({ grantable_scopes: ['policy:read', 'held:read'] }),
    ].map(({ clientId }) => clientId);
    const { status, body } = await remove('held:read');
    expect([status, body.error]).toEqual([409, 'conflict']);
    expect(body.detail).toMatch(/^2 clients hold the scope held:read or may hand it out: take it from them first \(/);
    expect(body.detail).toContain(held[0]);
    expect((await remove('held:rea')).status).toBe(204);
    expect((await remove('held_read')).status).toBe(204);

    await call('PUT', `/api/v1/oauth/client/${held[0]}/scope`, []);
    expect((await remove('held:read')).body.detail).toContain('1 client holds the scope');
    await call('DELETE', `/api/v1/oauth/client/${held[1]}`);
    expect((await remove('held:read')).status).toBe(204);
  });

  test('refuses while a resource knows it', async () => {
    await add('billing:read');
    const resource = { key: 'billing', identifier: 'https://billing.example.com', scopes: ['billing:read'] };
    await call('PUT', '/api/v1/oauth/resource', resource);
    const { status, body } = await remove('billing:read');
    expect([status, body.detail]).toEqual([
      409,
      'The scope billing:read is one of the resource billing: take it from there first.',
    ]);
    await call('PUT', '/api/v1/oauth/resource', { ...resource, scopes: [] });
    expect((await remove('billing:read')).status).toBe(204);
  });

  test('leaves the built-in ones', async () => {
    expect((await remove('policy:read')).status).toBe(409);
    expect((await call('GET', path)).body).toContain('policy:read');
  });

  test('never leaves a client with a scope that is gone, however the calls meet', async () => {
    for (let round = 0; round < 10; round += 1) {
      await add('raced:read');
      const [removed, made] = await Promise.all([
        remove('raced:read'),
        call('POST', '/api/v1/oauth/client', ['raced:read']),
      ]);
      expect([removed.status === 204, made.status === 200]).toEqual([made.status !== 200, removed.status === 409]);
      if (made.status === 200) {
        await call('DELETE', `/api/v1/oauth/client/${made.body.client_id}`);
        await remove('raced:read');
      }
    }
  });
});
