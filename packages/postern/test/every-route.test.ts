/** What was once done by the API only: a verb for each, on a real server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimsOf } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acquireToken,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { type SignedIn, signIn } from './signed-in.ts';

let directory: string;
let server: ServeProcess;
let root: SignedIn;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory, { env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  root = await signIn(server.url, rootCredentials(server.dataDir));
});
afterAll(async () => {
  root.forget();
  await server.stop();
  removeDirectory(directory);
});

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await root.run(...args, '--json');
  expect([args, code, stderr]).toEqual([args, 0, '']);
  return JSON.parse(stdout);
};
const text = async (...args: string[]) => {
  const { code, stdout, stderr } = await root.run(...args);
  expect([args, code, stderr]).toEqual([args, 0, expect.any(String)]);
  return stdout;
};
const file = (name: string, content: unknown) => {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};
const newClient = (...args: string[]) => json('client', 'create', '--scope', 'policy:read', ...args);
const tokenOf = ({ client_id, client_secret }: { client_id: string; client_secret: string }) =>
  acquireToken(server.url, { clientId: client_id, clientSecret: client_secret });

test('initial access tokens are created, listed, shown without the token, and deleted', async () => {
  const created = await json(
    'initial-access-token',
    'create',
    '--name',
    'ci',
    '--scope',
    'policy:read',
    '--max-uses',
    '3',
  );
  expect(created).toMatchObject({ name: 'ci', scopes: ['policy:read'], max_uses: 3 });
  expect(await text('initial-access-token', 'list')).toContain('0 of 3');
  expect(await text('initial-access-token', 'show', created.id)).not.toContain(created.initial_access_token);
  await text('initial-access-token', 'delete', created.id, '--yes');
  expect((await root.run('initial-access-token', 'show', created.id)).code).toBe(1);
});

test('types of authorization details are created, changed member by member, listed, shown and deleted', async () => {
  const schema = { type: 'object', properties: { amount: { type: 'integer' } } };
  expect((await root.run('details-type', 'set', 'payment')).stderr).toContain('add --schema');
  await text('details-type', 'set', 'payment', '--schema', file('schema.json', schema));
  await text('details-type', 'set', 'payment', '--description', 'Pay');
  expect(await json('details-type', 'show', 'payment')).toMatchObject({ description: 'Pay', schema });
  expect(await text('details-type', 'list')).toContain('payment');
  await text('details-type', 'delete', 'payment', '--yes');
});

test('storage destinations are created, changed member by member, listed, shown and deleted', async () => {
  await text('storage', 'set', 'exports', '--name', 'Exports', '--type', 's3', '--detail', 'bucket=one,object_name=x');
  await text('storage', 'set', 'exports', '--detail', 'bucket=two');
  expect((await json('storage', 'show', 'exports')).details).toMatchObject({ bucket: 'two', object_name: 'x' });
  expect(await text('storage', 'list')).toContain('Exports');
  await text('storage', 'delete', 'exports', '--yes');
});

test('a client has its keys by address, its certificate, its actor and its quota changed after it was created', async () => {
  const { client_id: actor } = await newClient();
  const { client_id: id } = await newClient('--id', 'new');
  expect(id).toBe('new');
  const keys = ['--auth-method', 'private_key_jwt', '--jwks-uri', 'https://keys.example.com/jwks'];
  await text('client', 'update', id, ...keys, '--token-endpoint-audience', '--may-act', actor, '--token-quota', '60');
  await text('client', 'update', id, '--token-quota-per-day', '1000', '--token-quota-per-month', '9000');
  expect(await text('client', 'usage', id)).toMatch(/this day +0 of 1000, until/);
  expect(await json('client', 'show', id)).toMatchObject({
    jwks_uri: 'https://keys.example.com/jwks',
    may_act: actor,
    token_endpoint_audience_allowed: true,
    token_quota_per_minute: 60,
    token_quota_per_day: 1_000,
    token_quota_per_month: 9_000,
  });
  const { client_id: other } = await newClient('--auth-method', 'tls_client_auth', '--tls-subject', 'CN=billing');
  await text('client', 'update', other, '--expires-at', '2030-01-31T13:00:00+01:00', '--contact', 'team@example.com');
  expect(await json('client', 'show', other)).toMatchObject({
    expires_at: '2030-01-31T12:00:00.000Z',
    contact: 'team@example.com',
  });
  expect(await text('client', 'list', '--expires-within-days', '3650')).toContain(other);
  await text('client', 'update', other, '--grantable-scope', 'policy:read', '--allowed-network', '10.0.0.0/8,::1/128');
  expect(await json('client', 'show', other)).toMatchObject({
    allowed_networks: ['10.0.0.0/8', '::1/128'],
    tls_client_auth_subject_dn: 'CN=billing',
    grantable_scopes: ['policy:read'],
  });
});

test('one of two secrets is deleted, and the other one stays valid', async () => {
  const client = await newClient();
  const rotated = await json('client', 'rotate-secret', client.client_id);
  const { secrets } = await json('client', 'show', client.client_id);
  const old = secrets.find(({ secret_id }: { secret_id: string }) => secret_id !== rotated.secret_id);
  await text('client', 'delete-secret', client.client_id, old.secret_id, '--yes');
  await expect(tokenOf(client)).rejects.toThrow('401');
  await tokenOf({ ...client, client_secret: rotated.client_secret });
});

test('one token is introspected and revoked, and another one of its client stays active', async () => {
  const client = await newClient();
  const [one, other] = [await tokenOf(client), await tokenOf(client)];
  expect(await json('introspect', one)).toMatchObject({ active: true, client_id: client.client_id });
  expect(await text('introspect', one)).toMatch(/exp +\d{4}-\d\d-\d\dT/);
  await text('revoke-token', one, '--yes');
  expect(await json('introspect', one)).toEqual({ active: false });
  expect(await json('introspect', other)).toMatchObject({ active: true });
  const { code, stderr } = await root.run('revoke-token', 'nonsense', '--yes');
  expect([code, stderr]).toEqual([1, expect.stringContaining('token: it cannot be revoked.')]);
});

test('statistics name how many requests were rejected, and why', async () => {
  const { client_id } = await newClient();
  await tokenOf({ client_id, client_secret: 'wrong' }).catch(() => undefined);
  expect(await text('statistics')).toMatch(/requests rejected +\d+[\s\S]*REJECTED BECAUSE/);
});

test('any route is called, and what is no path or method is refused before it is sent', async () => {
  expect(JSON.parse(await text('api', 'GET', '/api/v1/oauth/client?size=1')).items).toHaveLength(1);
  const scope = file('scope.json', [{ name: 'invoice:read', description: 'Read invoices' }]);
  await text('api', 'put', '/api/v1/oauth/scope', '--from', scope);
  expect(await text('scope', 'show', 'invoice:read')).toContain('Read invoices');
  expect(await text('api', 'DELETE', '/api/v1/oauth/scope/invoice:read')).toBe('');
  expect((await root.run('api', 'TRACE', '/')).stderr).toContain('the method TRACE is none of');
  expect((await root.run('api', 'GET', '//example.com/')).stderr).toContain('must start with one slash');
  expect((await root.run('api', 'GET', '/api/v1/nothing')).code).toBe(1);
});

test('failures are listed by client and reason, with what to do about them in JSON', async () => {
  const client = await newClient('--name', 'failing');
  await expect(tokenOf({ ...client, client_secret: 'wrong' })).rejects.toThrow();
  expect(await text('failures', '--client', client.client_id)).toMatch(/failing +\S+ +secret_wrong +1 /);
  expect(await json('failures', '--reason', 'secret_wrong', '--client', client.client_id)).toMatchObject([
    { client_id: client.client_id, remedy: expect.any(String) },
  ]);
});

test('what is wrong with the one element that a verb saves is said without its number in a list', async () => {
  const { code, stderr } = await root.run('scope', 'set', 'spaced name', '--description', 'x');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^postern: name: /)]);
});

test('kill ends a token with all that was exchanged for it, by the token, its jti or its client, and says before and after what that is', async () => {
  const grants = ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'].join(',');
  let client: { client_id: string; client_secret: string };
  const exchange = async (subject: string): Promise<string> => {
    const authorization = `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`;
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    const body = new URLSearchParams(form);
    const answer = await fetch(`${server.url}/api/v1/oauth/token`, {
      method: 'POST',
      headers: { authorization },
      body,
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const isActive = async (token: string) => (await json('introspect', token)).active;
  const ways: Readonly<Record<string, (token: string) => string>> = {
    token: (token) => token,
    jti: (token) => String(claimsOf(token)['jti']),
    client: () => 'taken-over',
  };
  for (const [kind, nameOf] of Object.entries(ways)) {
    // What was ended before counts below its client too.
    client = await newClient('--grant-type', grants, ...(kind === 'client' ? ['--name', 'taken-over'] : []));
    const top = await tokenOf(client);
    const below = await exchange(await exchange(top));
    const name = nameOf(top);
    const seen = await json('kill', name, '--dry-run');
    expect(seen).toMatchObject({
      kind,
      descendants: { tokens_issued: 2, issued_to: [{ client_id: client.client_id }] },
    });
    expect(await text('kill', '--dry-run', name)).toMatch(
      /^This would end .+, with 2 tokens exchanged for (?:it|them)\.\nCLIENT ID +RESOURCE +TOKENS +LAST EXPIRES\n.+ 2 .+Z\n$/,
    );
    const unasked = await root.run('kill', name);
    expect([unasked.code, unasked.stdout]).toEqual([2, '']);
    expect(unasked.stderr).toMatch(
      /^(?:taken-over is the client \w+\.\n)?postern: This ends .+, with 2 tokens exchanged for (?:it|them)\. Add --yes to confirm\.\n$/,
    );
    expect(await isActive(below)).toBe(true);
    expect(await text('kill', name, '--yes')).toMatch(/^Ended: .+, with 2 tokens exchanged for/);
    expect([await isActive(top), await isActive(below)]).toEqual([false, false]);
  }
  expect((await root.run('kill', 'nothing', '--yes')).stderr).toContain(
    'no token, no jti of one, which is a UUID, and no client',
  );
  const unknown = await root.run('kill', '8f0c6c5e-5a0e-4f0b-9f0e-2f1b7d3c9a41', '--dry-run');
  expect(unknown.stdout).toContain('(if it was issued: the server keeps no list of its tokens), with 0 tokens');
});
