/**
 * Delegation by examples: whatever a client does, also through clients that it created, no client gets more than the first
 * one may give. `reach-sequences.test.ts` tests it as a property of sequences of calls.
 */
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultScopes } from '../src/scopes/default-scopes.ts';

const administrative = ['client:create', 'client:update', 'client:delete', 'client:read'];
describe('over HTTP', () => {
  let server: TestServer;
  let root: string;
  beforeAll(async () => {
    server = await startTestServer();
    root = await server.rootToken();
  });
  afterAll(() => server.close());

  const path = '/api/v1/oauth/client';
  const tokenOf = async (body: unknown, scope?: string) => server.token(await server.createClient(body), scope);
  const create = (token: string, body: unknown) => server.call('POST', path, { token, body });
  const change = (token: string, { clientId }: Credentials, body: unknown) =>
    server.call('PATCH', `${path}/${clientId}`, { token, body });
  const read = async ({ clientId }: Credentials) =>
    (await server.call('GET', `${path}/${clientId}`, { token: root })).body;

  /** Expects a refusal that names the scope it is about. */
  async function expectRefused(pending: Promise<{ status: number; body: unknown }>, scope: string): Promise<void> {
    const { status, body } = await pending;
    expect([status, body]).toEqual([403, { error: 'access_denied', detail: expect.stringContaining(scope) }]);
  }

  describe('a client with nothing but client:create', () => {
    let maker: string;
    beforeAll(async () => {
      maker = await tokenOf(['client:create']);
    });

    test('makes the client of the how-to', async () => {
      const { status, body } = await create(maker, { scopes: ['policy:read', 'rule:read'] });
      expect(status).toBe(200);
      const token = await server.token({ clientId: body.client_id, clientSecret: body.client_secret });
      expect(token).toEqual(expect.any(String));
    });

    test('makes one with every scope that does not administer Postern', async () => {
      const scopes = defaultScopes.filter((scope) => !scope.administrative).map(({ name }) => name);
      expect(scopes).toHaveLength(45);
      expect((await create(maker, { scopes })).status).toBe(200);
    });

    test.each(administrative)('makes none that holds %s', async (scope) => {
      await expectRefused(create(maker, [scope]), scope);
      await expectRefused(create(maker, { scopes: ['policy:read', scope], grantable_scopes: [] }), scope);
    });

    test.each(administrative)('creates none that could assign %s', async (scope) => {
      await expectRefused(create(maker, { grantable_scopes: [scope] }), scope);
    });

    test('changes and deletes none, its own among them', async () => {
      const { clientId } = await server.createClient([]);
      for (const [method, body] of [
        ['PATCH', {}],
        ['PUT', {}],
        ['DELETE', undefined],
      ] as const) {
        const { status, body: answer } = await server.call(method, `${path}/${clientId}`, { token: maker, body });
        expect([status, answer.error]).toEqual([403, 'insufficient_scope']);
      }
    });

    test('with grantable_scopes of its own it assigns those and what it holds, and no more', async () => {
      const narrow = await tokenOf({ scopes: ['client:create', 'rule:read'], grantable_scopes: ['policy:read'] });
      expect((await create(narrow, ['policy:read', 'rule:read'])).status).toBe(200);
      await expectRefused(create(narrow, ['policy:delete']), 'policy:delete');
    });

    test('with no grantable_scopes but an empty list it assigns what it holds', async () => {
      const narrow = await tokenOf({ scopes: ['client:create', 'rule:read'], grantable_scopes: [] });
      expect((await create(narrow, ['rule:read'])).status).toBe(200);
      await expectRefused(create(narrow, ['policy:read']), 'policy:read');
    });
  });

  describe('grantable_scopes null', () => {
    test('does not widen a client that its maker narrows itself', async () => {
      const narrow = await tokenOf({ scopes: ['client:create'], grantable_scopes: ['policy:read'] });
      // With client:create and null it could assign the whole registry, which its creator may not.
      for (const body of [{ scopes: ['client:create'] }, { scopes: ['client:create'], grantable_scopes: null }]) {
        const { status, body: answer } = await create(narrow, body);
        expect([status, answer.error]).toEqual([403, 'access_denied']);
        expect(answer.detail).toMatch(/^The client could assign the scope \S+, .* narrow its grantable_scopes\.$/);
      }
      expect((await create(narrow, { scopes: ['client:create'], grantable_scopes: ['policy:read'] })).status).toBe(200);
    });

    test('cannot be set later, by whoever is narrowed', async () => {
      const editor = await tokenOf({ scopes: ['client:create', 'client:update'], grantable_scopes: ['policy:read'] });
      const { body } = await create(editor, { scopes: ['client:create'], grantable_scopes: ['policy:read'] });
      const made = { clientId: body.client_id, clientSecret: body.client_secret };
      expect((await change(editor, made, { grantable_scopes: null })).status).toBe(403);
      expect((await change(editor, made, { grantable_scopes: [] })).status).toBe(200);
      expect((await read(made)).grantable_scopes).toEqual([]);
    });

    test('cannot be set on itself', async () => {
      const credentials = await server.createClient({
        scopes: ['client:create', 'client:update'],
        grantable_scopes: ['policy:read'],
      });
      const token = await server.token(credentials);
      expect((await change(token, credentials, { grantable_scopes: null })).status).toBe(403);
      await expectRefused(change(token, credentials, { scopes: ['policy:delete'] }), 'policy:delete');
      expect((await read(credentials)).grantable_scopes).toEqual(['policy:read']);
    });
  });

  describe('a client that administers clients', () => {
    test.each([['client:update'], ['client:create', 'client:update', 'client:delete', 'client:read']])(
      'cannot change itself, with %s and more',
      async (...scopes) => {
        const credentials = await server.createClient([...scopes, 'policy:read']);
        const token = await server.token(credentials);
        const before = await read(credentials);
        for (const body of [
          { scopes: [...administrative, 'policy:read'] },
          { grantable_scopes: administrative },
          { access_token_ttl_seconds: 315_360_000 },
          { scopes: [] },
          { name: 'x' },
          {},
        ]) {
          expect((await change(token, credentials, body)).status).toBe(403);
        }
        expect(await read(credentials)).toEqual(before);
      },
    );

    test('cannot change, disable or delete a client that holds more', async () => {
      const token = await tokenOf(['client:update', 'client:delete', 'policy:read']);
      for (const scopes of [['policy:delete'], ['policy:read', 'client:read']]) {
        const more = await server.createClient(scopes);
        const before = await read(more);
        for (const body of [{ name: 'x' }, { enabled: false }, { scopes: [] }, { scopes: ['policy:read'] }]) {
          await expectRefused(change(token, more, body), scopes.at(-1) as string);
        }
        const target = `${path}/${more.clientId}`;
        await expectRefused(server.call('PUT', `${target}/scope`, { token, body: [] }), scopes.at(-1) as string);
        await expectRefused(server.call('DELETE', target, { token }), scopes.at(-1) as string);
        expect(await read(more)).toEqual(before);
      }
    });

    test('nor one that could assign more', async () => {
      const token = await tokenOf(['client:update', 'client:delete', 'policy:read']);
      const more = await server.createClient({ scopes: ['policy:read'], grantable_scopes: ['policy:delete'] });
      await expectRefused(change(token, more, { grantable_scopes: [] }), 'policy:delete');
      await expectRefused(server.call('DELETE', `${path}/${more.clientId}`, { token }), 'policy:delete');
    });

    test('changes, disables and deletes one that holds no more', async () => {
      const token = await tokenOf(['client:update', 'client:delete', 'policy:read', 'rule:read']);
      const less = await server.createClient(['policy:read']);
      expect((await change(token, less, { enabled: false, scopes: ['rule:read'] })).status).toBe(200);
      expect((await server.call('DELETE', `${path}/${less.clientId}`, { token })).status).toBe(204);
    });

    test('assigns with a narrowed token no more than the token holds', async () => {
      const scopes = ['client:update', 'policy:read', 'rule:read'];
      const token = await tokenOf(scopes, 'client:update rule:read');
      const target = await server.createClient([]);
      expect((await change(token, target, { scopes: ['rule:read'] })).status).toBe(200);
      await expectRefused(change(token, target, { scopes: ['policy:read'] }), 'policy:read');
    });

    test('assigns administrative scopes only if grantable_scopes name them', async () => {
      const token = await tokenOf({ scopes: ['client:create'], grantable_scopes: ['client:read'] });
      expect((await create(token, ['client:read'])).status).toBe(200);
      await expectRefused(create(token, ['client:update']), 'client:update');
    });
  });

  test('with POSTERN_DELEGATION=held, client:create alone makes clients without scopes only', async () => {
    const held = await startTestServer({ env: { POSTERN_DELEGATION: 'held' } });
    try {
      const token = await held.token(await held.createClient(['client:create']));
      expect((await held.call('POST', path, { token, body: [] })).status).toBe(200);
      await expectRefused(held.call('POST', path, { token, body: ['policy:read'] }), 'policy:read');
      const richer = await held.token(await held.createClient(['client:create', 'policy:read']));
      expect((await held.call('POST', path, { token: richer, body: ['policy:read'] })).status).toBe(200);
      await expectRefused(held.call('POST', path, { token: richer, body: ['client:create'] }), 'client:create');
    } finally {
      await held.close();
    }
  });
});
