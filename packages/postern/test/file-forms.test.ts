/** Files in every form: however an entry is written, the server has it afterwards, and a second plan finds no difference. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTemporaryDirectory, removeDirectory, rootCredentials, type ServeProcess, startServe } from './harness.ts';
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

function file(content: unknown): string {
  const path = join(directory, 'forms.yaml');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Applies it, and requires that a second plan finds no difference. Returns the counts of the first. */
async function applyTwice(content: unknown, ...options: string[]) {
  const path = file(content);
  const { counts } = await root.json('apply', '--yes', ...options, path);
  const { code, stdout } = await root.run('plan', '--check', ...options, path);
  const again = await root.json('plan', '--check', ...options, path);
  expect([code, again.counts]).toEqual([0, { ...again.counts, create: 0, change: 0, delete: 0 }]);
  // A masking configuration cannot be read, so it is always sent.
  expect(stdout).toMatch(JSON.stringify(content).includes('"configuration"') ? /^= policy p\n/ : /^Nothing to do/);
  return counts;
}

const jwk = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const identifier = 'https://forms.example.com';

describe('clients', () => {
  const keys = { keys: [{ use: 'sig', ...jwk(), kid: 'one' }] };
  const all = {
    name: 'All',
    description: 'Every member',
    scopes: ['rule:read', 'policy:read', 'rule:read'],
    grantable_scopes: ['rule:read', 'policy:read'],
    enabled: false,
    access_token_ttl_seconds: 60,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys,
    token_endpoint_audience_allowed: true,
    grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange', 'client_credentials'],
    resources: [identifier],
    default_resource: identifier,
    authorization_details_types: ['form'],
    may_act: 'other',
    dpop_bound_access_tokens: true,
    expires_at: '2030-01-31T13:00:00.5+01:00',
    contact: 'team@example.com',
    fixed_claims: { tenant: 'acme', 'https://example.com/regions': ['eu', { name: 'us' }] },
    allowed_networks: ['10.0.0.0/8', '2001:db8::/32'],
    token_quota_per_minute: 10,
    token_quota_per_day: 1_000,
    token_quota_per_month: 10_000,
  };
  const defaults = {
    name: null,
    description: null,
    scopes: [],
    grantable_scopes: null,
    enabled: true,
    access_token_ttl_seconds: null,
    token_endpoint_auth_method: null,
    jwks: null,
    jwks_uri: null,
    spiffe_id: null,
    spiffe_bundle_endpoint: null,
    spiffe_bundle: null,
    spiffe_jwt_reuse_allowed: false,
    token_endpoint_audience_allowed: false,
    grant_types: null,
    resources: [],
    default_resource: null,
    authorization_details_types: [],
    may_act: null,
    dpop_bound_access_tokens: false,
    tls_client_certificate_bound_access_tokens: false,
    tls_client_auth_subject_dn: null,
    expires_at: null,
    contact: null,
    fixed_claims: null,
    allowed_networks: null,
    token_quota_per_minute: null,
    token_quota_per_day: null,
    token_quota_per_month: null,
    security_profile: null,
  };
  const others = {
    resources: [{ key: 'forms', identifier, scopes: [] }],
    authorization_details_types: [{ type: 'form', schema: { type: 'object' } }],
  };

  test('change between every member, none, and every default written out', async () => {
    const forms = [
      all,
      {},
      defaults,
      { grantable_scopes: [] },
      { resources: null, authorization_details_types: null, scopes: ['policy:read'] },
      { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'forms.example.com' },
      {
        token_endpoint_auth_method: 'spiffe_jwt',
        spiffe_id: 'spiffe://example.org/forms/*',
        spiffe_bundle: {
          keys: [{ use: 'jwt-svid', ...jwk(), kid: 'one' }],
          spiffe_sequence: 1,
          spiffe_refresh_hint: 300,
        },
        spiffe_jwt_reuse_allowed: true,
      },
      {
        jwks_uri: 'https://forms.example.com/keys',
        security_profile: 'fapi2',
        token_endpoint_auth_method: 'private_key_jwt',
      },
      { tls_client_certificate_bound_access_tokens: true },
    ];
    const clientsAt = (shift: number) =>
      forms.map((_, index) => ({ client_id: `form-${index}`, ...forms[(index + shift) % forms.length] }));
    for (let shift = 0; shift < forms.length; shift += 1) {
      const counts = await applyTwice({ ...others, clients: clientsAt(shift) });
      expect(counts.create).toBe(shift === 0 ? 11 : 0);
    }
  });

  test('neither a written default nor another order of a set is a difference', async () => {
    const unchanged = async (wanted: object, actual: object) => {
      await applyTwice({ ...others, clients: [{ client_id: 'same', ...actual }] });
      const { counts } = await root.json('plan', file({ ...others, clients: [{ client_id: 'same', ...wanted }] }));
      expect(counts).toEqual({ create: 0, change: 0, delete: 0, unchanged: 3 });
    };
    await unchanged(defaults, {});
    await unchanged({}, defaults);
    const reversed = Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name, Array.isArray(value) ? value.toReversed() : value]),
    );
    await unchanged(reversed, all);
  });
});

test('resources, issuers and storage destinations change between every member and none', async () => {
  const clients = [{ client_id: 'workload', scopes: ['policy:read', 'rule:read'] }];
  const full = {
    clients,
    resources: [
      {
        key: 'r',
        identifier: 'https://r.example.com',
        scopes: ['rule:read', 'policy:read'],
        access_token_ttl_seconds: 5,
        signing_alg: 'EdDSA',
        access_token_typ: 'JWT',
        introspection_clients: ['workload', 'another'],
      },
    ],
    issuers: [
      {
        key: 'i',
        issuer: 'https://i.example.com',
        jwks: { keys: [{ ...jwk(), kid: 'k' }] },
        audience: 'https://aud.example.com',
        max_age_seconds: 60,
        single_use: false,
        rules: [
          { client_id: 'workload', claims: { sub: ['b', 'a'] }, scopes: ['rule:read', 'policy:read'] },
          { client_id: 'workload', claims: { '/kubernetes.io/namespace': 'x' }, people: false, scopes: null },
          { client_id: 'workload', claims: { email: '*@example.com' }, people: true },
        ],
      },
    ],
    storage: [
      {
        key: 's',
        name: 'S',
        type: 's3',
        format: 'csv',
        details: { bucket: 'b', object_name: 'o', max_retries: 3, auth_method: 'automatic', naming: 'request_id' },
      },
    ],
  };
  const bare = {
    clients,
    resources: [{ key: 'r', identifier: 'https://r.example.com', scopes: [] }],
    issuers: [{ key: 'i', issuer: 'https://i.example.com', rules: [] }],
    storage: [{ key: 's', name: 'S', type: 'local' }],
  };
  await applyTwice(full);
  expect((await applyTwice(bare)).change).toBe(3);
  expect((await applyTwice(full)).change).toBe(3);
});

describe('policies', () => {
  const erasure = (key: string, categories: object[], more: object = {}) => ({
    key,
    name: `rule ${key}`,
    action_type: 'erasure',
    masking_strategy: { strategy: 'null_rewrite' },
    targets: categories,
    ...more,
  });
  const storage = [{ key: 's', name: 'S', type: 'local' }];
  const target = (data_category: string, more: object = {}) => ({ data_category, ...more });

  test('a masking configuration reaches the server whenever a file has it, although the server does not show it', async () => {
    const withConfiguration = (configuration?: object) => ({
      policies: [
        {
          key: 'hidden',
          name: 'Hidden',
          rules: [
            erasure('h', [], { masking_strategy: { strategy: 'hash', ...(configuration && { configuration }) } }),
          ],
        },
      ],
    });
    const countEvents = async () =>
      (await root.run('audit', 'tail', '--subject', 'h')).stdout
        .split('\n')
        .filter((line) => line.includes('rule.saved')).length;
    await root.json('apply', '--yes', file(withConfiguration()));
    for (const algorithm of ['SHA-256', 'SHA-512']) {
      const before = await countEvents();
      const { counts, resent } = await root.json('apply', '--yes', file(withConfiguration({ algorithm })));
      expect([counts.change, resent]).toEqual([
        0,
        [{ kind: 'policy', id: 'hidden', members: ['rules.h.masking_strategy.configuration'] }],
      ]);
      await root.json('apply', '--yes', file(withConfiguration({ algorithm })));
      await root.json('apply', '--yes', file(withConfiguration()));
      expect((await countEvents()) - before).toBe(1);
    }
  });

  test('a rule changes its members and targets in every way', async () => {
    const policy = (...rules: object[]) => ({ storage, policies: [{ key: 'p', name: 'P', rules }] });
    const access = {
      key: 'r',
      name: 'rule r',
      action_type: 'access',
      storage_destination_key: 's',
      masking_strategy: null,
    };
    const hash = { strategy: 'hash', configuration: { algorithm: 'SHA-512', format_preservation: { suffix: '@x' } } };
    const email = 'user.contact.email';
    for (const content of [
      policy(erasure('r', [target(email)])),
      policy(erasure('r', [target(email, { name: 'mail' })], { masking_strategy: hash })),
      policy(erasure('r', [target(email, { key: 'mail_key', name: null })])),
      policy(erasure('r', [target('user.contact')], { storage_destination_key: null })),
      policy({ ...access, targets: [target(email), target('user.name')] }),
      policy(access),
      policy(erasure('r', [target('user')])),
      policy(erasure('r', []), erasure('q', [target('user')])),
      policy(),
    ]) {
      await applyTwice(content);
    }
  });

  test('rules move from one policy to another', async () => {
    const policies = (one: object[], other: object[]) => ({
      policies: [
        { key: 'p', name: 'P', rules: one },
        { key: 'o', name: 'O', rules: other },
      ],
    });
    const rule = erasure('moving', [target('user.name')]);
    await applyTwice(policies([rule], []));
    await applyTwice(policies([], [rule]));
    await applyTwice(policies([rule], []));
  });
});

test('entries with new ids replace those with old ones, which are deleted', async () => {
  const content = (id: string) => ({
    scopes: [{ name: `${id}:read`, description: 'x' }],
    authorization_details_types: [{ type: `type-${id}`, schema: { type: 'object' } }],
    resources: [{ key: `r-${id}`, identifier: 'https://same.example.com', scopes: [`${id}:read`] }],
    clients: [
      {
        client_id: `c-${id}`,
        scopes: [`${id}:read`],
        resources: ['https://same.example.com'],
        authorization_details_types: [`type-${id}`],
      },
    ],
    issuers: [
      {
        key: `i-${id}`,
        issuer: 'https://same.example.com',
        rules: [{ client_id: `c-${id}`, claims: { sub: 'a' }, scopes: [`${id}:read`] }],
      },
    ],
    storage: [{ key: `s-${id}`, name: `S ${id}`, type: 'local' }],
    policies: [
      {
        key: `p-${id}`,
        name: 'Same',
        drp_action: 'access',
        rules: [{ key: `r-${id}`, name: 'Same', action_type: 'access', storage_destination_key: `s-${id}` }],
      },
    ],
  });
  await applyTwice(content('old'), '--prune');
  expect(await applyTwice(content('new'), '--prune')).toMatchObject({ create: 7, change: 0, delete: 7 });
});

describe('hostile files', () => {
  test('nested aliases that expand to a billion values are refused at once', async () => {
    const lines = Array.from({ length: 30 }, (_, level) =>
      level === 0
        ? 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
        : `a${level}: &a${level} [${Array(10)
            .fill(`*a${level - 1}`)
            .join(', ')}]`,
    );
    const { code, stderr } = await root.run('plan', file(lines.join('\n')));
    expect([code, stderr]).toEqual([2, expect.stringContaining('alias')]);
  });

  test('names of built-in JavaScript members are ordinary names', async () => {
    const { code, stderr } = await root.run(
      'plan',
      file('clients:\n  - client_id: a\n    __proto__: { enabled: false }\n'),
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining('__proto__: is not a known member')]);
    for (const id of ['__proto__', 'constructor', 'toString']) {
      await applyTwice(`clients: [{ client_id: ${id} }]`);
    }
  });

  test('control characters are not printed', async () => {
    const { stdout } = await root.run('plan', file('clients: [{ client_id: c, name: "a\\u202eb" }]'));
    expect(stdout).toContain('name: "ab"');
  });
});

test('more calls than one batch may have are refused before anything is sent', async () => {
  const clients = Array.from({ length: 10_001 }, (_, number) => `  - client_id: over-${number}\n`);
  const out = join(directory, 'never.json');
  const { code, stderr } = await root.run(
    'apply',
    '--yes',
    file(`clients:\n${clients.join('')}`),
    '--secrets-out',
    out,
  );
  expect([code, stderr]).toEqual([2, expect.stringContaining('this needs 10001 calls')]);
});
