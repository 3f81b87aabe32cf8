/** `postern plan` and `apply` with files, at a real server: all changes or none, and applying the same again changes nothing. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  acquireToken,
  type Exit,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { type SignedIn, signIn } from './signed-in.ts';

const everything = `
scopes:
  - name: invoice:read
    description: Read invoices
authorization_details_types:
  - type: payment
    schema: { type: object, properties: { type: { type: string } }, required: [type] }
resources:
  - key: invoices
    identifier: https://invoices.example.com
    scopes: [invoice:read]
    introspection_clients: [billing]
clients:
  - client_id: billing
    name: Billing
    scopes: [invoice:read, scope:read]
    resources: [https://invoices.example.com]
    authorization_details_types: [payment]
    access_token_ttl_seconds: 3600
  - client_id: ci
    grant_types: [urn:ietf:params:oauth:grant-type:jwt-bearer]
    token_endpoint_auth_method: none
    scopes: [scope:read]
issuers:
  - key: github
    issuer: https://token.actions.githubusercontent.com
    rules:
      - client_id: ci
        claims: { repository_owner: example, repository: example/site }
storage:
  - key: results
    name: Results
    type: s3
    details: { bucket: results }
policies:
  - key: user_email
    name: User e-mail addresses
    drp_action: access
    rules:
      - key: give_email
        name: Give e-mail
        action_type: access
        storage_destination_key: results
        targets:
          - data_category: user.contact.email
      - key: mask_email
        name: Mask e-mail
        action_type: erasure
        masking_strategy: { strategy: hash }
        targets:
          - data_category: user.contact.email
            name: mail
`;

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

/** Deletes what earlier tests have left. */
beforeEach(async () => {
  const empty = file(
    'empty.yaml',
    'policies: []\nstorage: []\nissuers: []\nclients: []\nresources: []\nauthorization_details_types: []\nscopes: []\n',
  );
  expect((await root.run('apply', '--prune', '--yes', empty)).code).toBe(0);
});

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function expectFailure({ code, stdout, stderr }: Exit, exitCode: number, words: string): void {
  expect([code, stdout]).toEqual([exitCode, '']);
  expect(stderr).toContain(words);
}

const clientIds = async () =>
  (await root.json('client', 'list', '--all')).map(({ client_id }: { client_id: string }) => client_id).toSorted();

describe('apply', () => {
  test('creates every kind of entry, with references to each other, and changes nothing the second time', async () => {
    const path = file('all.yaml', everything);
    const applied = await root.json('apply', '--yes', path);
    expect(applied.counts).toEqual({ create: 8, change: 0, delete: 0, unchanged: 0 });
    expect(applied.secrets).toEqual([{ client_id: 'billing', client_secret: expect.stringMatching(/^postern/) }]);
    const [{ client_id: clientId, client_secret: clientSecret }] = applied.secrets;
    await acquireToken(server.url, { clientId, clientSecret });

    expect((await root.json('apply', '--yes', path)).counts).toEqual({ create: 0, change: 0, delete: 0, unchanged: 8 });
    const { code, stdout } = await root.run('plan', '--check', path);
    expect([code, stdout]).toEqual([0, 'Nothing to do: 8 unchanged.\n']);
  });

  test('changes the members that differ, and shows them', async () => {
    await root.json('apply', '--yes', file('all.yaml', everything));
    const changed = everything
      .replace('    name: Billing\n', '')
      .replace('[invoice:read, scope:read]', '[scope:read, policy:read]')
      .replace('3600', '60')
      .replace('name: mail', 'key: mail_of_users')
      .replace('Give e-mail', 'Hand over e-mail')
      .replace('drp_action: access', 'drp_action: deletion')
      .replace('Read invoices', 'List invoices')
      .replace('repository: example/site', 'repository: example/*');
    const { code, stdout, stderr } = await root.run('apply', '--yes', file('all.yaml', changed));
    expect([code, stderr]).toEqual([0, expect.stringContaining('Done.')]);
    expect(stdout).toContain('~ scope invoice:read  (');
    expect(stdout).toContain('    description: "Read invoices" -> "List invoices"\n');
    expect(stdout).toContain('    name: "Billing" -> the default\n');
    expect(stdout).toContain('    scopes: +policy:read -invoice:read\n');
    expect(stdout).toContain('    access_token_ttl_seconds: 3600 -> 60\n');
    expect(stdout).toContain('    rules.give_email.name: "Give e-mail" -> "Hand over e-mail"\n');
    expect(stdout).toContain('    drp_action: "access" -> "deletion"\n');
    expect(stdout).toContain('0 to create, 4 to change, 0 to delete, 4 unchanged.\n');
    expect(await root.json('client', 'show', 'billing')).toMatchObject({ name: null, access_token_ttl_seconds: 60 });
    expect((await root.run('plan', '--check', join(directory, 'all.yaml'))).code).toBe(0);
  });

  test('deletes rules and targets that the entry of a policy no longer has', async () => {
    await root.json('apply', '--yes', file('all.yaml', everything));
    const fewer = everything.replace(/ {6}- key: give_email[\s\S]*?(?= {6}- key: mask)/, '');
    const path = file('all.yaml', fewer.replace('user.contact.email\n            name: mail', 'user.contact'));
    expect((await root.json('apply', '--yes', path)).counts).toMatchObject({ change: 1, delete: 0 });
    const { rules } = await root.json('policy', 'show', 'user_email');
    expect(rules).toMatchObject([{ key: 'mask_email', targets: [{ data_category: 'user.contact' }] }]);
    expect(rules[0].targets).toHaveLength(1);
    expect((await root.run('plan', '--check', path)).code).toBe(0);
  });

  test('keeps what no file has, and with --prune deletes it if a file has its section', async () => {
    await root.json('apply', '--yes', file('all.yaml', everything));
    await root.json('scope', 'set', 'other:read', '--description', 'Another');
    const path = file('one.yaml', 'clients: [{ client_id: only }]');
    expect((await root.json('apply', '--yes', path)).counts).toMatchObject({ create: 1, delete: 0 });
    expect(await clientIds()).toEqual(['billing', 'ci', 'only']);

    const { code, stderr } = await root.run('apply', '--prune', path);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/This deletes 2 at http.* It ends tokens that are active now.* Add --yes/),
    ]);
    expect(await clientIds()).toEqual(['billing', 'ci', 'only']);
    expect((await root.json('plan', '--prune', path)).counts).toMatchObject({ delete: 2 });

    expect((await root.json('apply', '--prune', '--yes', path)).counts).toMatchObject({ delete: 2, unchanged: 1 });
    expect(await clientIds()).toEqual(['only']);
    expect((await root.json('scope', 'list')).map(({ name }: { name: string }) => name)).toContain('other:read');
  });

  test('never deletes the client that is signed in', async () => {
    const scopes = ['batch:apply', 'client:create', 'client:read', 'client:delete', 'client:choose_id'];
    const operator = { client_id: 'operator', scopes, grantable_scopes: scopes };
    const { secrets } = await root.json(
      'apply',
      '--yes',
      file('operator.yaml', JSON.stringify({ clients: [operator] })),
    );
    const [{ client_id: clientId, client_secret: clientSecret }] = secrets;
    const signedIn = await signIn(server.url, { clientId, clientSecret });
    try {
      const path = file('one.yaml', 'clients: [{ client_id: only }]');
      expect((await signedIn.json('apply', '--prune', '--yes', path)).counts).toMatchObject({ create: 1, delete: 0 });
    } finally {
      signedIn.forget();
    }
  });

  test('changes an existing client with the same id', async () => {
    const { client_id: id } = await root.json('client', 'create', '--name', 'by hand', '--scope', 'policy:read');
    const applied = await root.json(
      'apply',
      '--yes',
      file('one.yaml', `clients: [{ client_id: ${id}, scopes: [policy:read] }]`),
    );
    expect([applied.counts.change, applied.secrets]).toEqual([1, undefined]);
    expect(applied.changes[0].members).toEqual([{ name: 'name', before: 'by hand' }]);
  });

  test('two policies can swap their actions', async () => {
    const policies = (one: string, other: string) =>
      `policies: [{ key: a, name: A, drp_action: ${one} }, { key: b, name: B, drp_action: ${other} }]`;
    await root.json('apply', '--yes', file('p.yaml', policies('access', 'deletion')));
    await root.json('apply', '--yes', file('p.yaml', policies('deletion', 'access')));
    expect((await root.json('policy', 'show', 'a')).drp_action).toBe('deletion');
  });
});

describe('secrets', () => {
  const one = 'clients: [{ client_id: one }, { client_id: two }]';

  test('are written to a new file that only the user can read, and nowhere else', async () => {
    const out = join(directory, 'secrets-1.json');
    const { code, stdout, stderr } = await root.run('apply', '--yes', file('one.yaml', one), '--secrets-out', out);
    expect(code).toBe(0);
    const secrets = JSON.parse(readFileSync(out, 'utf8'));
    expect(secrets.map(({ client_id }: { client_id: string }) => client_id)).toEqual(['one', 'two']);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(stdout + stderr).not.toContain(secrets[0].client_secret);
    await acquireToken(server.url, { clientId: 'one', clientSecret: secrets[0].client_secret });
  });

  test('never overwrite a file, and are not printed into a log', async () => {
    const out = file('secrets-2.json', 'precious');
    expectRefusal(await root.run('apply', '--yes', file('one.yaml', one), '--secrets-out', out), 'already exists');
    expect(readFileSync(out, 'utf8')).toBe('precious');
    expectRefusal(await root.run('apply', '--yes', file('one.yaml', one)), '--secrets-out FILE');
    expect(await clientIds()).toEqual([]);
  });

  test('leave no file behind if nothing was changed', async () => {
    const out = join(directory, 'secrets-3.json');
    const path = file('one.yaml', 'clients: [{ client_id: one, scopes: [no:such] }]');
    expect((await root.run('apply', '--yes', path, '--secrets-out', out)).code).toBe(1);
    expect(() => statSync(out)).toThrow();
  });

  function expectRefusal({ code, stderr }: Exit, words: string): void {
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  }
});

describe('a fault is reported with its place, and nothing is changed', () => {
  test.each<[name: string, text: string, place: string, words: string]>([
    ['text that is not YAML', 'clients:\n  - client_id: a\n   name: b\n', '3:', ''],
    ['an empty file', '# nothing\n', '1:1', 'must be object'],
    ['an unknown section', 'clients: []\nclient: []\n', '2:1', 'client: is not a known member'],
    ['an unknown member', 'clients:\n  - client_id: a\n    scope: []\n', '3:5', 'scope: is not a known member'],
    ['a missing member', 'clients:\n  - client_id: a\n  - name: b\n', '3:5', 'needs client_id'],
    ['a wrong type', 'clients:\n  - client_id: a\n    name: 5\n', '3:5', 'name: must be string'],
    [
      'one wrong item of many',
      'clients:\n  - client_id: a\n    scopes:\n      - a:b\n      - 7\n',
      '5:9',
      'must be string',
    ],
    [
      'an unknown value',
      'policies: [{ key: a, name: A, drp_action: sale }]',
      '1:31',
      'drp_action: must be one of access',
    ],
    ['an id with invalid characters', 'clients:\n  - client_id: a b\n', '2:5', 'characters that are not allowed'],
    ['the same member twice', 'clients:\n  - client_id: a\n    client_id: b\n', '3:5', 'unique'],
    [
      'the same client twice',
      'clients:\n  - client_id: a\n  - client_id: a\n',
      '3:5',
      'duplicate client a; the first is at',
    ],
    ['a tag', 'clients: !!js/function x\n', '1:10', 'tag'],
    ['two documents', 'clients: []\n---\nclients: []\n', '', 'documents'],
  ])('%s', async (_, text, place, words) => {
    const path = file('wrong.yaml', text);
    const exit = await root.run('apply', '--yes', file('right.yaml', 'clients: [{ client_id: right }]'), path);
    expectFailure(exit, 2, `${path}:${place}`);
    expect(exit.stderr).toContain(words);
    expect(exit.stderr).toContain('Nothing was changed.');
    expect(await clientIds()).toEqual([]);
  });

  test.each<[name: string, text: string, place: string, words: string]>([
    [
      'an unknown scope',
      'clients:\n  - client_id: b\n    scopes:\n      - scope:read\n      - no:such\n',
      '5:9',
      'no:such',
    ],
    [
      'a contradiction',
      'clients:\n  - client_id: b\n    scopes: []\n    jwks_uri: http://x\n',
      '4:5',
      'jwks_uri: must be',
    ],
    ['an unknown resource', 'clients:\n  - client_id: b\n    resources: [https://no.such]\n', '3:17', 'no.such'],
    [
      'a rule of an issuer',
      'issuers:\n  - key: i\n    issuer: https://i.example.com\n    rules:\n      - client_id: nobody\n        claims: { sub: a }\n',
      '5:9',
      'nobody',
    ],
    [
      'a category',
      'policies:\n  - key: p\n    name: P\n    rules:\n      - key: r\n        name: R\n        action_type: erasure\n        masking_strategy: { strategy: hash }\n        targets:\n          - data_category: no.such\n',
      '10:13',
      'no.such',
    ],
  ])('if the server refuses it: %s', async (_, text, place, words) => {
    const path = file('refused.yaml', text);
    const right = file('right.yaml', 'clients: [{ client_id: right }]');
    for (const args of [['plan'], ['apply', '--yes', '--secrets-out', join(directory, 'never.json')]]) {
      const { code, stderr } = await root.run(...args, right, path);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${path}:${place}: `)]);
      expect(stderr).toContain(words);
      expect(stderr).toContain('Nothing was changed.');
    }
    expect(await clientIds()).toEqual([]);
  });

  test('a file that cannot be read, and a directory without files', async () => {
    expectFailure(await root.run('apply', '--yes', join(directory, 'none.yaml')), 2, 'cannot read');
    const empty = join(directory, 'empty');
    mkdirSync(empty, { recursive: true });
    expectFailure(await root.run('apply', '--yes', empty), 2, 'has no files');
  });
});

test('files and directories are merged; YAML aliases work', async () => {
  const folder = join(directory, 'folder');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  file('folder/a.yaml', 'scopes: [{ name: x:read, description: X }]');
  file('folder/sub/b.yml', 'clients: [{ client_id: b, scopes: &s [x:read] }, { client_id: c, scopes: *s }]');
  file('folder/sub/c.json', '{"clients": [{"client_id": "d"}]}');
  file('folder/notes.txt', 'not one of them');
  const applied = await root.json('apply', '--yes', folder, join(folder, 'a.yaml'));
  expect(applied.counts).toMatchObject({ create: 4 });
  expect((await root.json('client', 'show', 'c')).scopes).toEqual(['x:read']);
  expect((await root.pipe('clients: [{ client_id: d }]', 'plan', '--check', '-')).code).toBe(0);
});

test('what the server has is exported as a file that plan finds no difference to, without secrets and built-in scopes', async () => {
  await root.json('apply', '--yes', file('all.yaml', everything));
  await root.json('client', 'create', '--name', 'by hand', '--scope', 'policy:read');
  const path = join(directory, 'exported.yaml');
  expect((await root.run('export', '--out', path)).stderr).toContain(`postern plan ${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(/^# What http:.*\nscopes:\n {2}- name: invoice:read\n/);
  expect(text).not.toMatch(/secret_|created_at|: null/);
  const { code, stdout } = await root.run('plan', '--check', '--prune', path);
  expect([code, stdout]).toEqual([0, 'Nothing to do: 9 unchanged.\n']);
  expectFailure(await root.run('export', '--out', path), 2, 'already exists');
  expect((await root.run('export', '--section', 'clients')).stdout).not.toContain('policies:');
  expectFailure(await root.run('export', '--section', 'apples'), 2, 'there is no section apples');
});

test('merge keys repeat members, and members that begin with x- belong to the file', async () => {
  const path = file(
    'merged.yaml',
    `x-defaults: &defaults { scopes: [policy:read], access_token_ttl_seconds: 300 }
clients:
  - { <<: *defaults, client_id: one, x-owner: team-a }
  - { <<: *defaults, client_id: two, scopes: [rule:read] }
policies:
  - { key: p, name: P, rules: [{ key: r, name: R, action_type: erasure, masking_strategy: { strategy: hash }, x-note: why }] }
`,
  );
  await root.json('apply', '--yes', path);
  expect(await root.json('client', 'show', 'one')).toMatchObject({
    scopes: ['policy:read'],
    access_token_ttl_seconds: 300,
  });
  expect(await root.json('client', 'show', 'two')).toMatchObject({
    scopes: ['rule:read'],
    access_token_ttl_seconds: 300,
  });
  expect((await root.run('plan', '--check', path)).code).toBe(0);
  expectFailure(
    await root.run('plan', file('typo.yaml', 'clients: [{ client_id: x, scope: [] }]')),
    2,
    'scope: is not',
  );
});

test('a plan that was kept is applied as it was reviewed, at its server, and not after somebody else has changed it', async () => {
  await root.json(
    'apply',
    '--yes',
    file('one.yaml', 'clients: [{ client_id: one, name: One, scopes: [policy:read, rule:read] }]'),
  );
  const kept = join(directory, 'plan with spaces.json');
  const narrowed = file('one.yaml', 'clients: [{ client_id: one, name: One, scopes: [policy:read] }]');
  // A file that was there before, which others can read, is replaced.
  writeFileSync(kept, 'old', { mode: 0o644 });
  const { stdout, stderr } = await root.run('plan', '--out', kept, narrowed);
  expect(stdout).toContain('~ client one (One)  (');
  expect(stdout).toContain('! Tokens of the client one (One) with the scope rule:read are revoked for good.');
  expect(stderr).toContain(`Make them: postern apply --plan '${kept}'`);
  expect(statSync(kept).mode & 0o777).toBe(0o600);
  expectFailure(await root.run('apply', '--plan', kept, narrowed), 2, 'name either files, or a plan');
  const elsewhere = file('elsewhere.json', readFileSync(kept, 'utf8').replace(server.url, 'https://other.example.com'));
  expectFailure(await root.run('apply', '--yes', '--plan', elsewhere), 2, 'is a plan for https://other.example.com');

  await root.json('client', 'update', 'one', '--description', 'changed meanwhile');
  const refused = await root.run('apply', '--yes', '--plan', kept);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining('client one: somebody else has changed it'),
  ]);
  await root.run('plan', '--out', kept, narrowed);
  expect((await root.json('apply', '--yes', '--plan', kept)).counts).toMatchObject({ change: 1 });
  expect((await root.json('client', 'show', 'one')).scopes).toEqual(['policy:read']);
});

test('apply asks before every change, also before one that deletes nothing', async () => {
  const path = file('one.yaml', 'clients: [{ client_id: one, token_endpoint_auth_method: none }]');
  const { code, stderr } = await root.run('apply', path);
  expect([code, stderr]).toEqual([2, expect.stringContaining('This creates 1 at http')]);
  expect(await clientIds()).toEqual([]);
});

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

test('what a change does to tokens is said in words: a client that is disabled or deleted, a rule that is gone', async () => {
  await root.json('apply', '--yes', file('all.yaml', everything));
  const { warnings } = await root.json(
    'plan',
    '--prune',
    file(
      'less.yaml',
      `clients: [{ client_id: ci, enabled: false, token_endpoint_auth_method: none, grant_types: [${jwtBearer}] }]\nissuers: []`,
    ),
  );
  expect(warnings).toEqual(
    expect.arrayContaining([
      'All tokens of the client ci are revoked for good.',
      'All tokens of the client billing (Billing) are revoked for good.',
      'Tokens that the clients ci got through the issuer github are revoked for good.',
    ]),
  );
});

describe('plan', () => {
  test('changes nothing, and with --check its exit code says that something differs', async () => {
    const path = file('all.yaml', everything);
    const { code, stdout, stderr } = await root.run('plan', path);
    const next = `The server would accept all changes. Make them: postern apply --secrets-out secrets.json ${path}\n`;
    expect([code, stderr]).toEqual([0, expect.stringContaining(next)]);
    expect(stdout).toContain('+ client billing (Billing)  (');
    expect(stdout).toContain('8 to create, 0 to change, 0 to delete, 0 unchanged.');
    expect((await root.run('plan', '--check', path)).code).toBe(5);
    expect(await clientIds()).toEqual([]);
    await root.json('apply', '--yes', path);
    expect((await root.run('plan', '--check', path)).code).toBe(0);
    await root.json('client', 'update', 'billing', '--add-scope', 'rule:read');
    const drift = await root.run('plan', '--check', path);
    expect([drift.code, drift.stdout]).toEqual([5, expect.stringContaining('    scopes: -rule:read\n')]);
  });

  test('needs only the scopes to read', async () => {
    const path = file('one.yaml', 'clients: [{ client_id: one }]');
    const reader = await root.json('client', 'create', '--scope', 'client:read');
    const signedIn = await signIn(server.url, { clientId: reader.client_id, clientSecret: reader.client_secret });
    try {
      const { code, stderr } = await signedIn.run('plan', path);
      expect([code, stderr]).toEqual([0, expect.stringContaining('requires the scope batch:apply')]);
      const { code: refused } = await signedIn.run(
        'apply',
        '--yes',
        path,
        '--secrets-out',
        join(directory, 'never.json'),
      );
      expect(refused).toBe(4);
    } finally {
      signedIn.forget();
    }
  });
});

test('applies a thousand clients from a file; applying them again changes nothing', async () => {
  const clients = Array.from(
    { length: 1_000 },
    (_, number) => `  - client_id: many-${number}\n    scopes: [scope:read]\n`,
  );
  const path = file('many.yaml', `clients:\n${clients.join('')}`);
  const out = join(directory, 'many.json');
  const { code, stdout, stderr } = await root.run('apply', '--yes', path, '--secrets-out', out);
  expect([code, stderr]).toEqual([0, expect.stringContaining('Sending 1000 calls as one batch')]);
  expect(stdout).toContain('1000 to create');
  expect(JSON.parse(readFileSync(out, 'utf8'))).toHaveLength(1_000);
  expect((await root.json('apply', '--yes', path)).counts).toEqual({
    create: 0,
    change: 0,
    delete: 0,
    unchanged: 1_000,
  });

  const wrong = file('wrong.yaml', `clients:\n${clients.join('')}  - client_id: last\n    scopes: [no:such]\n`);
  const refused = await root.run('apply', '--yes', wrong, '--secrets-out', join(directory, 'none.json'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`${wrong}:2003:14: client last`)]);
}, 60_000);
