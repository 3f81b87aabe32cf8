/** Roles: named sets of scopes for people, and who may define them. */
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await startTestServer();
  token = await server.rootToken();
});
afterAll(() => server.close());

const path = '/api/v1/oauth/role';
const helpdesk = { name: 'helpdesk', description: 'Answers questions', scopes: ['client:read', 'audit:read'] };

const save = (body: unknown, as = token) => server.call('PUT', path, { token: as, body });

/** A client that may define roles, with the scopes that it may give. */
async function definer(grantable: string[]): Promise<string> {
  const scopes = ['role:create_or_update', 'role:delete', 'role:read'];
  const client = await server.createClient({ name: 'definer', scopes, grantable_scopes: grantable });
  return server.token(client);
}

describe('roles', () => {
  test('three are built in: the first has every scope, and the last changes nothing', async () => {
    const { body } = await server.call('GET', path, { token });
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['administrator', 'operator', 'auditor']);
    const scopes = await server.call('GET', '/api/v1/oauth/scope', { token });
    expect(body.items[0].scopes).toEqual(scopes.body);
    expect(body.items[1].scopes.filter((name: string) => !scopes.body.includes(name))).toEqual([]);
    expect(body.items[2].scopes.filter((name: string) => !name.endsWith(':read'))).toEqual([]);
  });

  test('users add their own, change and delete them, each with an event', async () => {
    const saved = await save(helpdesk);
    expect([saved.status, saved.body]).toEqual([200, { ...helpdesk, grantable_scopes: null, origin: 'own' }]);
    expect((await server.call('GET', `${path}/helpdesk`, { token })).body).toEqual(saved.body);
    expect((await save({ ...saved.body, description: '' })).status).toBe(200);
    expect((await server.call('DELETE', `${path}/helpdesk`, { token })).status).toBe(204);
    expect((await server.call('GET', `${path}/helpdesk`, { token })).status).toBe(404);
    const events = await server.eventsAbout('helpdesk');
    expect(events.map(({ kind }) => kind)).toEqual(['role.saved', 'role.saved', 'role.deleted']);
    expect(events[0]).toMatchObject({ actor: server.root.clientId, data: { scopes: helpdesk.scopes } });
  });

  test('built-in ones cannot be changed or deleted, and no role has a scope that does not exist', async () => {
    expect((await save({ name: 'auditor', scopes: [] })).status).toBe(409);
    expect((await server.call('DELETE', `${path}/administrator`, { token })).status).toBe(409);
    const { status, body } = await save({ name: 'wrong', scopes: ['no:such'] });
    expect([status, body.error]).toEqual([422, 'invalid_parameter']);
    expect((await save({ name: 'two words', scopes: [] })).status).toBe(422);
    expect((await save({ name: 'mine', scopes: [], origin: 'built-in' })).status).toBe(422);
  });
});

describe('nobody defines a role that can do more than they may give', () => {
  test('neither by its scopes nor by what it may assign', async () => {
    const own = await definer(['client:read']);
    expect((await save({ name: 'small', scopes: ['client:read'], grantable_scopes: [] }, own)).status).toBe(200);
    for (const body of [
      { name: 'large', scopes: ['client:delete'], grantable_scopes: [] },
      { name: 'large', scopes: [], grantable_scopes: ['key:revoke'] },
      { name: 'large', scopes: ['client:create'] },
    ]) {
      const { status, body: answer } = await save(body, own);
      expect([body, status, answer.error]).toEqual([body, 403, 'access_denied']);
    }
  });

  test('and nobody changes or deletes one that already can, not even to narrow it', async () => {
    await save({ name: 'mighty', scopes: ['key:revoke'] });
    const own = await definer(['client:read']);
    expect((await save({ name: 'mighty', scopes: [], grantable_scopes: [] }, own)).status).toBe(403);
    expect((await server.call('DELETE', `${path}/mighty`, { token: own })).status).toBe(403);
    expect((await server.call('GET', `${path}/mighty`, { token })).body.scopes).toEqual(['key:revoke']);
  });
});
