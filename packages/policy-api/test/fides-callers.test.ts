/** What docs/move-from-fidesops.md tells callers of Fidesops and Fides: what stays the same, and each difference that it names. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());
beforeEach(() => server.clear());

const tokenPath = '/api/v1/oauth/token';
const tokenForm = ({ clientId, clientSecret }: { clientId: string; clientSecret: string }) => ({
  grant_type: 'client_credentials',
  client_id: clientId,
  client_secret: clientSecret,
});

test('the path of Fides for policies needs a token with the scope, as that of Fidesops does', async () => {
  const client = await server.createClient({ scopes: ['rule:read'] });
  const token = await server.token(client);
  for (const path of ['/api/v1/policy', '/api/v1/dsr/policy', '/api/v1/dsr/policy/']) {
    expect([path, (await server.call('GET', path)).status]).toEqual([path, 401]);
    expect([path, (await server.call('GET', path, { token })).status]).toEqual([path, 403]);
  }
});

test('a token request needs its grant_type, its own scopes and its credentials once', async () => {
  const client = await server.createClient({ scopes: ['policy:read'] });
  const { grant_type: _, ...without } = tokenForm(client);
  const missing = await server.postForm(tokenPath, without);
  expect([missing.status, missing.body.error, missing.body.detail]).toEqual([
    400,
    'invalid_request',
    expect.stringContaining('grant_type'),
  ]);
  const beyond = await server.postForm(tokenPath, { ...tokenForm(client), scope: 'rule:read' });
  expect([beyond.status, beyond.body.error]).toEqual([400, 'invalid_scope']);
  const authorization = `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`;
  expect((await server.postForm(tokenPath, tokenForm(client), { authorization })).status).toBe(400);
});

test('an invalid token is 401 and not 403, and detail is one text', async () => {
  const { status, body } = await server.call('GET', '/api/v1/policy', { token: 'invalid' });
  expect([status, body.error]).toEqual([401, 'invalid_token']);
  const invalid = await server.api('POST', '/oauth/client', { scopes: 'policy:read' });
  expect([invalid.status, typeof invalid.body.detail]).toEqual([422, 'string']);
});

test('a bulk write lists invalid elements and unknown data categories as failed, and writes the others', async () => {
  const { status, body } = await server.api('PATCH', '/policy', [
    { key: 'p', name: 'One' },
    { key: 'q', name: 2 },
    { key: 'r', name: 'Three', execution_timeframe: 3 },
  ]);
  expect([status, body.succeeded.length]).toEqual([200, 1]);
  expect(body.failed.map(({ message }: { message: string }) => message)).toEqual([
    expect.stringContaining('name'),
    expect.stringContaining('execution_timeframe'),
  ]);
  const rule = { key: 'r', name: 'Erase', action_type: 'erasure', masking_strategy: { strategy: 'null_rewrite' } };
  expect((await server.api('PATCH', '/policy/p/rule', [rule])).body.failed).toEqual([]);
  const target = await server.api('PATCH', '/policy/p/rule/r/target', [{ name: 't', data_category: 'unknown' }]);
  expect([target.status, target.body.failed.length]).toEqual([200, 1]);
});

test('lists are oldest first, and a storage destination in use is 409', async () => {
  for (const key of ['b', 'c', 'a']) {
    await server.put('/policy', { key, name: key });
    await server.advance(1);
  }
  const { body } = await server.api('GET', '/policy');
  expect(body.items.map(({ key }: { key: string }) => key)).toEqual(['b', 'c', 'a']);
  await server.put('/storage/config', { key: 's', name: 'S', type: 'local', details: { naming: 'request_id' } });
  const rule = { key: 'r', name: 'R', action_type: 'access', storage_destination_key: 's' };
  await server.put('/policy/a/rule', rule);
  const { status, body: refused } = await server.api('DELETE', '/storage/config/s');
  expect([status, refused.detail]).toEqual([409, expect.stringContaining('in use by the rule r')]);
});
