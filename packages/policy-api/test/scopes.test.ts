/** Every route of the package requires the scope of the contract and no other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

const contract = [
  ['GET', '/api/v1/policy', 'policy:read'],
  ['PUT', '/api/v1/policy', 'policy:create_or_update'],
  ['PATCH', '/api/v1/policy', 'policy:create_or_update'],
  ['GET', '/api/v1/policy/:policy_key', 'policy:read'],
  ['DELETE', '/api/v1/policy/:policy_key', 'policy:delete'],
  ['GET', '/api/v1/policy/:policy_key/rule', 'rule:read'],
  ['PUT', '/api/v1/policy/:policy_key/rule', 'rule:create_or_update'],
  ['PATCH', '/api/v1/policy/:policy_key/rule', 'rule:create_or_update'],
  ['GET', '/api/v1/policy/:policy_key/rule/:rule_key', 'rule:read'],
  ['DELETE', '/api/v1/policy/:policy_key/rule/:rule_key', 'rule:delete'],
  ['PUT', '/api/v1/policy/:policy_key/rule/:rule_key/target', 'rule:create_or_update'],
  ['PATCH', '/api/v1/policy/:policy_key/rule/:rule_key/target', 'rule:create_or_update'],
  ['DELETE', '/api/v1/policy/:policy_key/rule/:rule_key/target/:target_key', 'rule:delete'],
  ['GET', '/api/v1/storage/config', 'storage:read'],
  ['PUT', '/api/v1/storage/config', 'storage:create_or_update'],
  ['PATCH', '/api/v1/storage/config', 'storage:create_or_update'],
  ['GET', '/api/v1/storage/config/:config_key', 'storage:read'],
  ['DELETE', '/api/v1/storage/config/:config_key', 'storage:delete'],
] as const;

const scopes = [...new Set(contract.map(([, , scope]) => scope))];

let server: PolicyServer;
const tokens = new Map<string, string>();

beforeAll(async () => {
  server = await startPolicyServer();
  const client = await server.createClient({ scopes });
  for (const scope of scopes) {
    tokens.set(scope, await server.token(client, scope));
    const others = scopes.filter((other) => other !== scope).join(' ');
    tokens.set(`all but ${scope}`, await server.token(client, others));
  }
  await server.put('/storage/config', { key: 'files', name: 'Files', type: 'local' });
});
afterAll(() => server.close());

/** Creates what the routes read, change and delete. */
async function createAll(): Promise<void> {
  await server.put('/policy', { key: 'p', name: 'P' });
  await server.put('/storage/config', { key: 's', name: 'S', type: 'local' });
  const access = { action_type: 'access', storage_destination_key: 'files' };
  await server.put('/policy/p/rule', { key: 'r', name: 'R', ...access });
  await server.put('/policy/p/rule/r/target', { key: 't', name: 'T', data_category: 'user' });
}

const pathOf = (url: string) =>
  url.replace(':policy_key', 'p').replace(':rule_key', 'r').replace(':target_key', 't').replace(':config_key', 's');

test('the routes are those of the contract', () => {
  const routes = server.routes.map(({ method, url, scope }) => `${method} ${url} ${scope}`);
  expect(routes.toSorted()).toEqual(contract.map((route) => route.join(' ')).toSorted());
});

describe.each(contract)('%s %s', (method, url, scope) => {
  const options = method === 'PUT' || method === 'PATCH' ? { body: [] } : {};
  const path = pathOf(url);

  test('without a token is 401 with the bare challenge', async () => {
    const { status, headers, body } = await server.call(method, path, options);
    expect([status, body.error]).toEqual([401, 'missing_token']);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="Postern", resource_metadata="[^"]+"$/);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('with an invalid token is 401', async () => {
    const { status, headers, body } = await server.call(method, path, { ...options, token: 'x.y.z' });
    expect([status, body.error]).toEqual([401, 'invalid_token']);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  test(`with every scope but ${scope} is 403 and names the missing scope`, async () => {
    const token = tokens.get(`all but ${scope}`);
    const { status, headers, body } = await server.call(method, path, { ...options, token });
    expect([status, body.error]).toEqual([403, 'insufficient_scope']);
    expect(body.detail).toContain(scope);
    expect(headers.get('www-authenticate')).toContain(`scope="${scope}"`);
  });

  test(`with ${scope} and no other scope succeeds`, async () => {
    await createAll();
    const { status, headers } = await server.call(method, path, { ...options, token: tokens.get(scope) });
    expect(status).toBe(method === 'DELETE' ? 204 : 200);
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

test('a caller without a token cannot find out what exists', async () => {
  const answers = await Promise.all(
    ['/api/v1/policy/p', '/api/v1/policy/none', '/api/v1/policy/p/rule/none'].map((path) => server.call('GET', path)),
  );
  expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
});
