/** Lost updates: a verb changes a thing only as it was when the verb read it. RFC 9110 §13.1. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { policyApi, policyMigrations, policyTables } from '@postern/policy-api';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SignedIn, signIn } from './signed-in.ts';

let server: TestServer;
let root: string;
let user: SignedIn;
/** What somebody else does each time that a verb has read the path. */
let meanwhile: { readonly path: string; readonly act: () => Promise<unknown> } | undefined;

beforeAll(async () => {
  server = await startTestServer({
    before(app) {
      app.addHook('onSend', async ({ method, url, headers }) => {
        const isVerb = headers.authorization !== `Bearer ${root}`;
        if (method === 'GET' && decodeURIComponent(url) === meanwhile?.path && isVerb) {
          await meanwhile.act();
        }
      });
    },
    hosted: {
      migrations: policyMigrations,
      apis: async (app, { db, events, guard, now }) => {
        app.register(policyApi, {
          db: policyTables(db),
          change: (token, work) =>
            events.change(token, (transaction, append) => work(policyTables(transaction), append)),
          guard,
          now,
        });
      },
    },
  });
  root = await server.rootToken();
  user = await signIn(server.url, server.root);
});
afterAll(async () => {
  user.forget();
  await server.close();
});

async function call(method: string, path: string, body?: unknown) {
  const { status, body: answer } = await server.call(method, path, {
    token: root,
    ...(body !== undefined && { body }),
  });
  expect([method, path, status]).toEqual([method, path, 200]);
  return answer;
}

const file = (name: string, content: unknown) => {
  const path = join(server.dataDir, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

interface Thing {
  readonly path: string;
  /** Saves the thing so that it differs each time. */
  readonly save: (version: number) => Promise<unknown>;
  readonly verb: () => string[];
}

const oauth = '/api/v1/oauth';
const rule = { name: 'erase', action_type: 'access', storage_destination_key: 'exports' };
const things: Readonly<Record<string, Thing>> = {
  'client update': {
    path: `${oauth}/client/billing`,
    save: (version) => call('PATCH', `${oauth}/client/billing`, { name: `v${version}` }),
    verb: () => ['client', 'update', 'billing', '--ttl', '5m'],
  },
  'client update --add-scope': {
    path: `${oauth}/client/billing`,
    save: (version) => call('PATCH', `${oauth}/client/billing`, { scopes: version % 2 === 0 ? [] : ['rule:read'] }),
    verb: () => ['client', 'update', 'billing', '--add-scope', 'policy:read'],
  },
  'scope set': {
    path: `${oauth}/scope/invoice:read`,
    save: (version) => call('PUT', `${oauth}/scope`, { name: 'invoice:read', description: `v${version}` }),
    verb: () => ['scope', 'set', 'invoice:read', '--description', 'mine'],
  },
  'resource set': {
    path: `${oauth}/resource/invoices`,
    save: (version) =>
      call('PUT', `${oauth}/resource`, {
        key: 'invoices',
        identifier: `https://v${version}.example.com`,
        scopes: [],
      }),
    verb: () => ['resource', 'set', 'invoices', '--ttl', '5m'],
  },
  'role set': {
    path: `${oauth}/role/helpdesk`,
    save: (version) =>
      call('PUT', `${oauth}/role`, { name: 'helpdesk', description: `v${version}`, scopes: ['client:read'] }),
    verb: () => ['role', 'set', 'helpdesk', '--scope', 'audit:read'],
  },
  'issuer set': {
    path: `${oauth}/issuer/ci`,
    save: (version) =>
      call('PUT', `${oauth}/issuer`, {
        key: 'ci',
        issuer: 'https://ci.example.com',
        max_age_seconds: 60 + version,
        rules: [],
      }),
    verb: () => ['issuer', 'set', 'ci', '--from', file('ci.json', { issuer: 'https://ci.example.com', rules: [] })],
  },
  'client-policy set': {
    path: `${oauth}/client-policy/payments`,
    save: (version) =>
      call('PUT', `${oauth}/client-policy`, { name: 'payments', scope: 'rule:read', description: `v${version}` }),
    verb: () => ['client-policy', 'set', 'payments', '--from', file('payments.json', { scope: 'policy:read' })],
  },
  'details-type set': {
    path: `${oauth}/authorization-details-type/payment`,
    save: (version) =>
      call('PUT', `${oauth}/authorization-details-type`, {
        type: 'payment',
        description: `v${version}`,
        schema: { type: 'object' },
      }),
    verb: () => ['details-type', 'set', 'payment', '--description', 'mine'],
  },
  'storage set': {
    path: '/api/v1/storage/config/exports',
    save: saveStorage,
    verb: () => ['storage', 'set', 'exports', '--name', 'Mine', '--type', 'local'],
  },
  'storage set --detail': {
    path: '/api/v1/storage/config/exports',
    save: saveStorage,
    verb: () => ['storage', 'set', 'exports', '--type', 's3', '--detail', 'bucket=mine'],
  },
  'policy set': {
    path: '/api/v1/policy/access',
    save: savePolicy,
    verb: () => ['policy', 'set', 'access', '--name', 'Mine'],
  },
  'policy set --rules': {
    path: '/api/v1/policy/access',
    save: savePolicy,
    verb: () => ['policy', 'set', 'access', '--name', 'Mine', '--rules', file('rules.json', [rule])],
  },
};

async function saveStorage(version: number): Promise<void> {
  const body = { key: 'exports', name: `v${version}`, type: 's3', details: { bucket: 'theirs' } };
  expect((await call('PUT', '/api/v1/storage/config', [body])).failed).toEqual([]);
}

async function savePolicy(version: number): Promise<void> {
  expect((await call('PUT', '/api/v1/policy', [{ key: 'access', name: `v${version}` }])).failed).toEqual([]);
}

beforeAll(async () => {
  await server.createClient({ client_id: 'billing' });
  await saveStorage(0);
});

test.each(Object.entries(things))(
  'postern %s does not overwrite what somebody else has changed meanwhile, and says so',
  async (_name, { path, save, verb }) => {
    let version = 0;
    await save(version);
    meanwhile = {
      path,
      act: () => {
        version += 1;
        return save(version);
      },
    };
    const { code, stderr } = await user.run(...verb()).finally(() => {
      meanwhile = undefined;
    });
    expect([code, stderr]).toEqual([
      1,
      'postern: somebody else has changed it since this command read it, so nothing was changed. See what it is now, and run the command again if it is still wanted.\n',
    ]);
    expect(version).toBeGreaterThan(0);
    const kept = await call('GET', path);
    await save(version);
    expect(await call('GET', path)).toEqual({ ...kept, ...(kept.updated_at && { updated_at: expect.any(String) }) });

    const again = await user.run(...verb());
    expect([again.code, again.stderr]).toEqual([0, '']);
  },
);

test('a verb that would create a thing does not overwrite what somebody else has created meanwhile', async () => {
  const path = `${oauth}/scope/shipment:read`;
  meanwhile = {
    path,
    act: async () => {
      meanwhile = undefined;
      await call('PUT', `${oauth}/scope`, { name: 'shipment:read', description: 'theirs' });
    },
  };
  const { code, stderr } = await user.run('scope', 'set', 'shipment:read', '--description', 'mine');
  expect([code, stderr]).toEqual([1, expect.stringContaining('somebody else has changed it')]);
  expect((await call('GET', path)).description).toBe('theirs');
});

test('whoever may change a thing but not read it changes it nevertheless', async () => {
  const writer = await server.createClient({ scopes: ['scope:create_or_update'] });
  const blind = await signIn(server.url, writer);
  try {
    const { code, stderr } = await blind.run('scope', 'set', 'parcel:read', '--description', 'Read parcels');
    expect([code, stderr]).toEqual([0, '']);
  } finally {
    blind.forget();
  }
});
