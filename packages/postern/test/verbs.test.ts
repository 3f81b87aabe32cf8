/** The management verbs as the root client on a real server: what they print for people and programs, and how they fail. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimsOf } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acquireToken,
  type Exit,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  run,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { runInProcess } from './in-process.ts';
import { type SignedIn, signIn } from './signed-in.ts';

let directory: string;
let server: ServeProcess;
let root: SignedIn;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory);
  root = await signIn(server.url, rootCredentials(server.dataDir));
});
afterAll(async () => {
  root.forget();
  await server.stop();
  removeDirectory(directory);
});

function expectFailure({ code, stdout, stderr }: Exit, exitCode: number, words: string): void {
  expect([code, stdout, stderr]).toEqual([exitCode, '', expect.stringContaining(words)]);
  expect(stderr).toMatch(/^postern: .*\n$/);
}

const file = (name: string, content: unknown) => {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

describe('client', () => {
  test('create, show, list, update, rotate-secret, disable, enable, revoke-tokens, delete', async () => {
    const created = await root.json(
      'client',
      'create',
      '--name',
      'billing',
      '--scope',
      'policy:read,rule:read',
      '--ttl',
      '1h',
    );
    const id = created.client_id;
    const credentials = { clientId: id, clientSecret: created.client_secret };
    await acquireToken(server.url, credentials);

    const shown = await root.json('client', 'show', id);
    expect(shown).toMatchObject({
      name: 'billing',
      scopes: ['policy:read', 'rule:read'],
      access_token_ttl_seconds: 3_600,
    });
    expect(shown.secrets).toHaveLength(1);
    const { stdout: text } = await root.run('client', 'show', id);
    expect(text).toMatch(/^client id +\w+\nname +billing\n/);
    expect(text).not.toContain(created.client_secret);

    await root.run(
      'client',
      'update',
      id,
      '--add-scope',
      'storage:read',
      '--remove-scope',
      'rule:read',
      '--description',
      'bills',
    );
    expect(await root.json('client', 'show', id)).toMatchObject({
      scopes: ['policy:read', 'storage:read'],
      description: 'bills',
    });

    const rotated = await root.json('client', 'rotate-secret', id, '--overlap', '24h', '--expires-in', '90d');
    expect(rotated.warnings).toEqual([expect.stringContaining('It expires at')]);
    await acquireToken(server.url, { clientId: id, clientSecret: rotated.client_secret });

    await root.run('client', 'disable', id);
    await expect(acquireToken(server.url, credentials)).rejects.toThrow('invalid_client');
    await root.run('client', 'enable', id);
    await acquireToken(server.url, credentials);
    expect((await root.run('client', 'revoke-tokens', id)).stdout).toContain('revoked');

    expectFailure(await root.run('client', 'delete', id), 2, '--yes');
    expect((await root.run('client', 'delete', id, '--yes')).code).toBe(0);
    expectFailure(await root.run('client', 'show', id), 1, 'There is no client');
  });

  test('create with a chosen id', async () => {
    expect((await root.json('client', 'create', '--id', 'chosen-1', '--name', 'Chosen')).client_id).toBe('chosen-1');
    expectFailure(await root.run('client', 'create', '--id', 'chosen-1'), 1, 'chosen-1 is taken');
    await root.run('client', 'delete', 'chosen-1', '--yes');
  });

  test('a table for people, pages, a search, and the whole list', async () => {
    for (const name of ['alpha', 'beta', 'gamma']) {
      await root.json('client', 'create', '--name', `${name} pages`);
    }
    const { stdout, stderr } = await root.run('client', 'list', '--search', 'pages', '--sort', '-name', '--size', '2');
    expect(stdout).toMatch(
      /^CLIENT ID +NAME +ENABLED +SCOPES +LAST TOKEN +CREATED\n\w+ +gamma pages +yes +0 +never +\S+Z\n\w+ +beta pages /,
    );
    expect(stderr).toContain('Page 1 of 2; 3 clients.');
    const all = await root.json('client', 'list', '--search', 'pages', '--all');
    expect(all.map(({ name }: { name: string }) => name)).toEqual(['alpha pages', 'beta pages', 'gamma pages']);
    expect((await root.run('client', 'list', '--search', 'nothing like it')).stdout).toBe('No clients.\n');
  });

  test('list finds clients by scope, resource, status, authentication, last use and failures, and sorts by last use', async () => {
    const api = 'https://finding.example.com';
    await root.json('resource', 'set', 'finding', '--identifier', api, '--scope', 'policy:read');
    const make = (name: string, ...more: string[]) => root.json('client', 'create', '--name', `${name} found`, ...more);
    const used = await make('used', '--scope', 'policy:read');
    const failing = await make('failing', '--resource', api);
    await make('disabled', '--scope', 'policy:read', '--disabled');
    await acquireToken(server.url, { clientId: used.client_id, clientSecret: used.client_secret });
    await expect(acquireToken(server.url, { clientId: failing.client_id, clientSecret: 'wrong' })).rejects.toThrow();
    const found = async (...options: string[]) =>
      (await root.json('client', 'list', '--search', ' found', '--sort', 'name', ...options)).items.map(
        ({ name }: { name: string }) => name.replace(' found', ''),
      );
    expect(await found('--scope', 'policy:read')).toEqual(['disabled', 'used']);
    expect(await found('--resource', api)).toEqual(['failing']);
    expect(await found('--status', 'disabled')).toEqual(['disabled']);
    expect(await found('--status', 'enabled', '--scope', 'policy:read')).toEqual(['used']);
    expect(await found('--authentication', 'secret')).toEqual(['disabled', 'failing', 'used']);
    expect(await found('--authentication', 'workload')).toEqual([]);
    // Both reads below write what was counted until then.
    await root.json('client', 'usage', used.client_id);
    await root.json('failures');
    expect(await found('--unused-days', '1')).toEqual(['disabled', 'failing']);
    expect(await found('--failing')).toEqual(['failing']);
    expect(await found('--no-failing')).toEqual(['disabled', 'used']);
    expect((await found('--sort', '-last_issued_at'))[0]).toBe('used');
    expect((await found('--sort', 'last_issued_at')).at(-1)).toBe('used');
    expectFailure(await root.run('client', 'list', '--status', 'gone'), 2, 'enabled, disabled');
    expectFailure(
      await root.run('client', 'list', '--authentication', 'password'),
      1,
      'authentication: must be one of',
    );
    await root.run('client', 'delete', failing.client_id, '--yes');
    await root.run('resource', 'delete', 'finding', '--yes');
  });

  test('members by file and standard input; null resets to the default', async () => {
    const body = {
      name: 'by file',
      scopes: ['policy:read'],
      grant_types: ['client_credentials'],
      dpop_bound_access_tokens: true,
    };
    const { client_id: id } = await root.json(
      'client',
      'create',
      '--from',
      file('client.json', body),
      '--name',
      'on top',
    );
    expect(await root.json('client', 'show', id)).toMatchObject({ ...body, name: 'on top' });
    const { code } = await root.pipe('{"name":null}', 'client', 'update', id, '--from', '-');
    expect([code, (await root.json('client', 'show', id)).name]).toEqual([0, null]);
  });

  test('a client without a secret', async () => {
    const { code, stdout } = await root.run(
      ...['client', 'create', '--auth-method', 'none', '--grant-type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
    );
    expect([code, stdout]).toEqual([0, expect.stringMatching(/secret +none/)]);
  });

  test('usage of its scopes', async () => {
    const { client_id: id } = await root.json('client', 'create', '--scope', 'policy:read');
    expect(await root.json('client', 'usage', id)).toMatchObject({
      tokens_issued: 0,
      scopes: [{ scope: 'policy:read' }],
    });
    expect((await root.run('client', 'usage', id)).stdout).toMatch(/policy:read +0 +never/);
    expect((await root.run('client', 'unused-scopes', '--days', '30')).code).toBe(0);
  });

  test.each<[number, string, string[]]>([
    [1, 'Invalid Scope', ['create', '--scope', 'no:such']],
    [1, 'token_endpoint_auth_method', ['create', '--auth-method', 'telepathy']],
    [2, 'no change was given', ['update', 'x']],
    [2, 'either it, or --add-scope', ['update', 'x', '--scope', 'a', '--add-scope', 'b']],
    [1, 'no client', ['update', 'x', '--name', 'y']],
    [2, "missing required argument 'client-id'", ['show']],
    [2, 'such as 15m', ['create', '--ttl', 'soon']],
    [2, 'whole number', ['list', '--page', '0']],
    [2, 'is not JSON', ['create', '--from', '/dev/null']],
    [2, 'cannot read', ['create', '--from', '/nonexistent']],
    [2, 'is not an id', ['show', '..']],
    [1, 'size', ['list', '--size', '1000']],
  ])('exit code %i and "%s" for client %j', async (code, words, args) => {
    const exit = await root.run('client', ...args);
    expect(exit.stderr.toLowerCase()).toContain(words.toLowerCase());
    expect([exit.code, exit.stdout]).toEqual([code, '']);
  });

  test('a group without a verb shows its verbs', async () => {
    const { code, stderr } = await runInProcess(['client'], {});
    expect([code, stderr]).toEqual([2, expect.stringContaining('rotate-secret')]);
  });
});

test('scope: list, set and delete, but not a built-in one', async () => {
  const { stdout } = await root.run('scope', 'list');
  expect(stdout).toMatch(/^client:create +built-in +yes +Create clients/m);
  await root.json('scope', 'set', 'invoice:read', '--description', 'List and read invoices');
  const { client_id: id } = await root.json('client', 'create', '--scope', 'invoice:read');
  expect(await root.run('scope', 'delete', 'invoice:read', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('client'),
  });
  await root.run('client', 'delete', id, '--yes');
  expect((await root.run('scope', 'delete', 'invoice:read', '--yes')).code).toBe(0);
  expect((await root.run('scope', 'delete', 'client:read', '--yes')).code).toBe(1);
  expectFailure(await root.run('scope', 'set', 'x'), 2, '--description');
});

test('resource: set creates, and later changes only what is named; list, show, delete', async () => {
  expect((await root.run('resource', 'list')).stdout).toContain('No resources.');
  expectFailure(await root.run('resource', 'set', 'billing', '--ttl', '5m'), 2, '--identifier');
  const url = 'https://billing.example.com';
  await root.json('resource', 'set', 'billing', '--identifier', url, '--scope', 'policy:read');
  await root.json('resource', 'set', 'billing', '--ttl', '5m');
  expect(await root.json('resource', 'show', 'billing')).toMatchObject({
    identifier: url,
    scopes: ['policy:read'],
    access_token_ttl_seconds: 300,
  });
  expect((await root.run('resource', 'list')).stdout).toMatch(/billing +https:\/\/billing\.example\.com +1 +300 s/);
  const { client_id, client_secret } = await root.json('client', 'create', '--scope', 'policy:read', '--resource', url);
  const other = await signIn(server.url, { clientId: client_id, clientSecret: client_secret });
  expect((await other.run('token', '--resource', url)).code).toBe(0);
  expectFailure(await other.run('resource', 'list'), 4, 'resource:read');
  other.forget();
  expect((await root.run('resource', 'delete', 'billing', '--yes')).code).toBe(0);
  expect((await root.run('resource', 'show', 'billing')).code).toBe(1);
});

test('a client that is created for one resource has it as its default, and the command still manages with it', async () => {
  const [orders, stock] = ['https://orders.example.com', 'https://stock.example.com'];
  await root.json('resource', 'set', 'orders', '--identifier', orders, '--scope', 'policy:read');
  await root.json('resource', 'set', 'stock', '--identifier', stock, '--scope', 'policy:read');
  const create = (...resources: string[]) =>
    root.json(
      'client',
      'create',
      '--scope',
      'policy:read,scope:read',
      ...resources.flatMap((one) => ['--resource', one]),
    );
  const { client_id, client_secret } = await create(orders);
  expect(await root.json('client', 'show', client_id)).toMatchObject({ resources: [orders], default_resource: orders });
  const other = await signIn(server.url, { clientId: client_id, clientSecret: client_secret });
  const claims = async (...flags: string[]) => claimsOf((await other.json('token', ...flags)).access_token);
  const { iss, aud } = await claims();
  expect(aud).toBe(orders);
  expect((await claims('--resource', String(iss)))['aud']).toBe(iss);
  expect(await other.json('scope', 'list')).toContainEqual(expect.objectContaining({ name: 'policy:read' }));

  const changed = await root.json(
    'client',
    'update',
    client_id,
    ...['--resource', orders, '--resource', stock, '--default-resource', stock],
  );
  expect(changed).toMatchObject({ resources: [orders, stock], default_resource: stock });
  expect((await claims())['aud']).toBe(stock);
  other.forget();

  const both = await create(orders, stock);
  expect(await root.json('client', 'show', both.client_id)).not.toHaveProperty('default_resource');
  for (const id of [client_id, both.client_id]) {
    expect((await root.run('client', 'delete', id, '--yes')).code).toBe(0);
  }
  for (const key of ['orders', 'stock']) {
    expect((await root.run('resource', 'delete', key, '--yes')).code).toBe(0);
  }
});

test('issuer: set accepts what show prints', async () => {
  const { client_id } = await root.json('client', 'create', '--name', 'ci', '--scope', 'policy:read');
  const issuer = {
    issuer: 'https://ci.example.com',
    jwks_uri: 'https://ci.example.com/keys',
    rules: [{ client_id, claims: { sub: 'deploy' } }],
  };
  await root.json('issuer', 'set', 'ci', '--from', file('issuer.json', issuer));
  const { stdout } = await root.run('issuer', 'show', 'ci', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ key: 'ci', ...issuer });
  expect((await root.pipe(stdout, 'issuer', 'set', 'ci', '--from', '-')).stdout).toContain('{"sub":"deploy"}');
  expect((await root.run('issuer', 'list')).stdout).toMatch(/ci +https:\/\/ci\.example\.com +1 /);
  expect((await root.run('issuer', 'delete', 'ci', '--yes')).code).toBe(0);
  expect((await root.run('issuer', 'list')).stdout).toContain('No trusted issuers.');
});

test('issuer: a template, completed, is a trusted issuer', async () => {
  const { client_id } = await root.json('client', 'create', '--name', 'job', '--scope', 'policy:read');
  expect((await root.run('issuer', 'template')).stdout).toMatch(/gitlab +GitLab CI\/CD +https:\/\/gitlab\.com\n/);
  const printed = await root.run('issuer', 'template', 'gitlab', '--client', client_id);
  expect(printed.stderr).toContain('Each rule must name your own group or project, by one of: sub, project_path');
  const unfilled = await root.pipe(printed.stdout, 'issuer', 'set', 'gitlab', '--from', '-');
  expect([unfilled.code, unfilled.stderr]).toEqual([1, expect.stringContaining("'<project_id>' is a placeholder")]);
  const completed = printed.stdout.replace('<project_id>', '53804090');
  expect((await root.pipe(completed, 'issuer', 'set', 'gitlab', '--from', '-')).code).toBe(0);
  expect((await root.run('issuer', 'delete', 'gitlab', '--yes')).code).toBe(0);
  expectFailure(await root.run('issuer', 'template', 'gitlub'), 2, 'gitlab');
});

test('client-policy: set, show, list and delete', async () => {
  const policy = { scope: 'policy:read', max_access_token_ttl_seconds: 300, signing_algs: ['ES256'] };
  await root.json('client-policy', 'set', 'short', '--from', file('client-policy.json', policy));
  const { stdout } = await root.run('client-policy', 'show', 'short', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ name: 'short', ...policy });
  expect((await root.pipe(stdout, 'client-policy', 'set', 'short', '--from', '-')).stdout).toContain('300');
  expect((await root.run('client-policy', 'list')).stdout).toMatch(/short +with policy:read/);
  expect((await root.run('client-policy', 'delete', 'short', '--yes')).code).toBe(0);
  expect((await root.run('client-policy', 'list')).stdout).toContain('No client policies.');
});

test('key: list, rotate and delete', async () => {
  expect((await root.run('key', 'list')).stdout).toMatch(/ES256 +signing /);
  const { kid } = await root.json('key', 'rotate');
  expect((await root.json('key', 'list')).at(-1)).toMatchObject({ kid, status: 'next' });
  expectFailure(await root.run('key', 'rotate', '--alg', 'HS256'), 1, 'alg');
  expectFailure(await root.run('key', 'rotate'), 1, 'rotate again after');
  expect((await root.run('key', 'delete', kid, '--yes')).stdout).toBe(`Signing key ${kid} deleted.\n`);
  expect(await root.json('key', 'list')).toMatchObject([{ status: 'signing', signs_until: null }]);
});

test('policy: set replaces its rules by those of the file, and accepts what show prints', async () => {
  expect((await root.run('policy', 'list')).stdout).toContain('No policies.');
  await root.json('policy', 'set', 'user_email', '--name', 'E-mail');
  const hash = { strategy: 'hash', configuration: { algorithm: 'SHA-512' } };
  const rule = (key: string, category: string) => ({
    key,
    name: key,
    action_type: 'erasure',
    masking_strategy: hash,
    targets: [{ data_category: category }],
  });
  const rules = [rule('mask_email', 'user.contact.email'), rule('mask_name', 'user.name')];
  const { stdout } = await root.run('policy', 'set', 'user_email', '--rules', file('rules.json', rules));
  expect(stdout).toMatch(/mask_email +mask_email +erasure +hash +user\.contact\.email/);
  const { stdout: shown } = await root.run('policy', 'show', 'user_email', '--json');
  const policy = JSON.parse(shown);
  expect(policy.rules).toHaveLength(2);
  expect((await root.pipe(shown, 'policy', 'set', 'user_email', '--rules', '-')).code).toBe(0);

  await root.pipe(JSON.stringify([rule('mask_email', 'user.name')]), 'policy', 'set', 'user_email', '--rules', '-');
  const after = await root.json('policy', 'show', 'user_email');
  expect(
    after.rules.map((one: { key: string; targets: { data_category: string }[] }) => [
      one.key,
      one.targets[0]?.data_category,
    ]),
  ).toEqual([['mask_email', 'user.name']]);
  const bad = [{ ...rule('mask_x', 'user.name'), masking_strategy: null }];
  expectFailure(
    await root.pipe(JSON.stringify(bad), 'policy', 'set', 'user_email', '--rules', '-'),
    1,
    'masking_strategy',
  );
  expectFailure(await root.pipe('5', 'policy', 'set', 'user_email', '--rules', '-'), 2, 'array of rules');
  expect((await root.run('policy', 'delete', 'user_email', '--yes')).code).toBe(0);
});

describe('role', () => {
  test('set, show, list and delete; what is built in is neither changed nor deleted', async () => {
    const set = [
      'role',
      'set',
      'helpdesk',
      '--description',
      'Answers questions',
      '--scope',
      'client:read',
      'audit:read',
    ];
    expect(await root.json(...set)).toMatchObject({
      name: 'helpdesk',
      origin: 'own',
      scopes: expect.arrayContaining(['client:read', 'audit:read']),
      grantable_scopes: null,
    });
    await root.json('role', 'set', 'helpdesk', '--scope', 'client:read', '--grantable-scope', 'policy:read');
    const { stdout } = await root.run('role', 'show', 'helpdesk');
    expect(stdout).toMatch(/scopes +client:read\ngrantable scopes +policy:read\n/);
    expect((await root.run('role', 'list')).stdout).toMatch(/^administrator +built-in.*^helpdesk +own +1/ms);
    expectFailure(await root.run('role', 'set', 'helpdesk'), 2, 'Add --scope');
    expectFailure(await root.run('role', 'set', 'auditor', '--scope', 'client:read'), 1, 'built in');
    expectFailure(await root.run('role', 'delete', 'auditor', '--yes'), 1, 'built in');
    expectFailure(await root.run('role', 'delete', 'helpdesk'), 2, '--yes');
    expect((await root.run('role', 'delete', 'helpdesk', '--yes')).stdout).toBe('Role helpdesk deleted.\n');
    expect((await root.run('role', 'show', 'helpdesk')).code).toBe(1);
  });

  test('in files: applied, exported as they are, and removed by --prune', async () => {
    const path = file('roles.json', { roles: [{ name: 'oncall', description: 'At night', scopes: ['key:rotate'] }] });
    expect((await root.run('plan', path)).stdout).toContain('+ role oncall');
    await root.json('apply', '--yes', path);
    expect(await root.json('role', 'show', 'oncall')).toMatchObject({
      description: 'At night',
      scopes: ['key:rotate'],
    });
    const exported = join(directory, 'exported.yaml');
    await root.run('export', '--out', exported);
    expect((await root.json('plan', exported)).counts).toMatchObject({ create: 0, change: 0 });
    const none = file('none.json', { roles: [] });
    expect((await root.run('plan', '--prune', none)).stdout).toContain('- role oncall');
    expect((await root.json('apply', '--yes', '--prune', none)).counts).toMatchObject({ delete: 1 });
    expect((await root.run('role', 'show', 'oncall')).code).toBe(1);
  });
});

describe('help and completion', () => {
  test('help on a verb, in both ways; the version', async () => {
    const { stdout, code } = await run(['help', 'client', 'create']);
    expect([code, stdout]).toEqual([0, (await run(['client', 'create', '--help'])).stdout]);
    expect(stdout).toContain('$ postern client create --name billing');
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run(['help', 'serve'])).stdout).toContain('POSTERN_ISSUER');
  });

  test('bash completes verbs and options', async () => {
    const script = (await runInProcess(['completion', 'bash'], {})).stdout;
    const complete = (...words: string[]) =>
      execFileSync('bash', [
        '-c',
        `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$#; ((COMP_CWORD--)); _postern; echo "\${COMPREPLY[*]}"`,
        'bash',
        'postern',
        ...words,
      ])
        .toString()
        .trim();
    expect(complete('cl')).toBe('client client-document client-policy');
    expect(complete('client', 'ro')).toBe('rotate-secret');
    expect(complete('client', 'update', 'some-id', '--add')).toBe('--add-scope');
    expect(complete('token', '--scope', 'policy:read', '--res')).toBe('--resource');
    expect(complete('audit', '')).toContain('verify');
  });

  test('bash completes the names of clients, scopes and profiles, also after a colon', async () => {
    const { client_id } = await root.json('client', 'create', '--name', 'with space');
    await root.json('client', 'create', '--name', 'completed');
    const clients = (await root.run('complete', 'clients')).stdout.split('\n');
    expect(clients).toContain('completed');
    expect(clients).toContain(client_id);
    expect((await root.run('complete', 'scopes')).stdout).toMatch(/^policy:read$/m);
    expect((await root.run('complete', 'profiles')).stdout).toBe('default\n');

    const script = (await runInProcess(['completion', 'bash'], {})).stdout;
    // In place of the command, which the script runs.
    const names =
      'postern() { case "$2" in clients) echo completed ;; scopes) echo policy:read policy:write ;; esac; }';
    const complete = (...words: string[]) =>
      execFileSync('bash', [
        '-c',
        `${names}\n${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$#; ((COMP_CWORD--)); _postern; echo "\${COMPREPLY[*]}"`,
        'bash',
        'postern',
        ...words,
      ])
        .toString()
        .trim();
    expect(complete('client', 'show', 'comp')).toBe('completed');
    expect(complete('client', 'show', '--')).toContain('--json');
    expect(complete('client', 'update', 'completed', '--add-scope', 'policy', ':', 'r')).toBe('read');
    expect(complete('client', 'create', '--scope', 'pol')).toBe('policy:read policy:write');
    expect(complete('failures', '--client', '')).toBe('completed');
  });

  test.each(['zsh', 'fish'])('%s gets every verb', async (shell) => {
    const { stdout } = await runInProcess(['completion', shell], {});
    for (const word of ['rotate-secret', 'verify', 'add-scope', 'explain']) {
      expect(stdout).toContain(word);
    }
  });

  test('an unknown shell is an error that names the known ones', async () => {
    expect(await runInProcess(['completion', 'tcsh'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bash, zsh, fish'),
    });
  });
});

test('the reader of the output may stop early', () => {
  const main = new URL('../bin/postern.js', import.meta.url).pathname;
  const output = execFileSync('bash', [
    '-o',
    'pipefail',
    '-c',
    `"${process.execPath}" "${main}" completion fish | head -1`,
  ]);
  expect(output.toString()).toContain('Completion of the postern command');
});
