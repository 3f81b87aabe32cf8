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
          { access_token_ttl_seconds: 31_536_000 },
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

  describe('a client with limits', () => {
    const [orders, billing] = ['https://orders.example.com', 'https://billing.example.com'];
    const limits = { resources: [orders], token_quota_per_minute: 30, access_token_ttl_seconds: 300 };
    const scopes = ['client:create', 'client:update', 'client:delete', 'policy:read'];
    const delegate = { scopes, grantable_scopes: [], ...limits };
    let team: Credentials;
    let token: string;

    beforeAll(async () => {
      for (const [key, identifier] of Object.entries({ orders, billing })) {
        const body = { key, identifier, scopes: ['policy:read'] };
        expect((await server.call('PUT', '/api/v1/oauth/resource', { token: root, body })).status).toBe(200);
      }
      const body = { type: 'payment', schema: { type: 'object' } };
      await server.call('PUT', '/api/v1/oauth/authorization-details-type', { token: root, body });
      team = await server.createClient(delegate);
      token = await server.token(team);
    });

    const child = { scopes: ['policy:read'], resources: [orders] };
    const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
    const beyond: Record<string, object> = {
      resources: { resources: [orders, billing] },
      authorization_details_types: { authorization_details_types: ['payment'] },
      access_token_ttl_seconds: { access_token_ttl_seconds: 31_536_000 },
      token_quota_per_minute: { token_quota_per_minute: 31 },
      grant_types: { grant_types: ['client_credentials', exchange] },
      may_act: { may_act: 'anybody' },
    };

    test.each(Object.entries(beyond))('gives no client more %s than it has', async (member, more) => {
      await expectRefused(create(token, { ...child, ...more }), `${member}: the client has more than you may give`);
      const { body } = await create(token, child);
      const made = { clientId: body.client_id, clientSecret: body.client_secret };
      const before = await read(made);
      await expectRefused(change(token, made, more), `${member}: `);
      expect(await read(made)).toEqual(before);
      await expectRefused(change(token, team, more), `${member}: `);
    });

    test('passes its limits on to a client that names none, and says so', async () => {
      const { status, body } = await create(token, child);
      const { token_quota_per_minute, access_token_ttl_seconds } = limits;
      expect([status, body.inherited]).toEqual([200, { token_quota_per_minute, access_token_ttl_seconds }]);
      const made = { clientId: body.client_id, clientSecret: body.client_secret };
      expect(await read(made)).toMatchObject({ ...child, token_quota_per_minute, access_token_ttl_seconds });
      const { expires_in } = (
        await server.postForm('/api/v1/oauth/token', {
          grant_type: 'client_credentials',
          client_id: made.clientId,
          client_secret: made.clientSecret,
        })
      ).body;
      expect(expires_in).toBe(300);
      // Tighter ones are its own affair, and nothing is inherited then.
      const tighter = await create(token, { ...child, token_quota_per_minute: 1, access_token_ttl_seconds: 60 });
      expect([tighter.status, tighter.body.inherited]).toEqual([200, undefined]);
    });

    test('cannot loosen its own limits, and can tighten them', async () => {
      const credentials = await server.createClient({ ...delegate, may_act: 'gateway' });
      const own = await server.token(credentials);
      const before = await read(credentials);
      for (const loose of [
        { token_quota_per_minute: null },
        { token_quota_per_minute: 31 },
        { access_token_ttl_seconds: null },
        { resources: [billing] },
        { may_act: null },
        { grantable_scopes: null },
      ]) {
        await expectRefused(change(own, credentials, loose), Object.keys(loose)[0] as string);
      }
      expect(await read(credentials)).toEqual(before);
      expect((await change(own, credentials, { token_quota_per_minute: 29 })).status).toBe(200);
      await expectRefused(change(own, credentials, { token_quota_per_minute: 30 }), 'token_quota_per_minute');
    });

    test('never loosens what others set for another client, and may loosen what it set itself', async () => {
      const administrator = await server.createClient({ scopes, grantable_scopes: null });
      const by = await server.token(administrator);
      const tight = { token_quota_per_minute: 10, access_token_ttl_seconds: 60, dpop_bound_access_tokens: true };
      const limited = await server.createClient({ scopes: ['policy:read'], may_act: 'gateway', ...tight });
      const before = await read(limited);
      for (const loose of [
        { token_quota_per_minute: null },
        { token_quota_per_minute: 11 },
        { access_token_ttl_seconds: null },
        { access_token_ttl_seconds: 61 },
        { dpop_bound_access_tokens: false },
        { may_act: null },
      ]) {
        await expectRefused(change(by, limited, loose), 'somebody else set this limit');
      }
      expect(await read(limited)).toEqual(before);
      expect((await change(by, limited, { token_quota_per_minute: 5 })).status).toBe(200);
      expect((await change(by, limited, { token_quota_per_minute: 9 })).status).toBe(200);
      await expectRefused(change(by, limited, { token_quota_per_minute: 11 }), 'somebody else set this limit');
      await expectRefused(change(by, limited, { token_quota_per_minute: null }), 'somebody else set this limit');
      expect((await change(root, limited, { token_quota_per_minute: 8 })).status).toBe(200);
      await expectRefused(change(by, limited, { token_quota_per_minute: 9 }), 'somebody else set this limit');
      expect((await change(root, limited, { token_quota_per_minute: null })).status).toBe(200);

      const { body } = await create(by, { scopes: ['policy:read'], ...tight });
      const own = { clientId: body.client_id, clientSecret: body.client_secret };
      expect((await change(by, own, { token_quota_per_minute: null, dpop_bound_access_tokens: false })).status).toBe(
        200,
      );
    });

    test.each(Object.entries(beyond).filter(([member]) => member !== 'access_token_ttl_seconds'))(
      'does not touch a client of more %s, by any call',
      async (member, more) => {
        const victim = await server.createClient({ ...child, ...limits, ...more });
        const before = await read(victim);
        const target = `${path}/${victim.clientId}`;
        await expectRefused(change(token, victim, { name: 'mine' }), member);
        await expectRefused(change(token, victim, { enabled: false }), member);
        await expectRefused(server.call('POST', `${target}/secret`, { token, body: {} }), member);
        await expectRefused(server.call('DELETE', target, { token }), member);
        expect(await read(victim)).toEqual(before);
      },
    );

    test('makes no secret of a client that may do more: nobody takes one over', async () => {
      const payer = await server.createClient({ ...child, ...limits, authorization_details_types: ['payment'] });
      const { items } = (await server.call('GET', `${path}/${payer.clientId}/secret`, { token: root })).body;
      const target = `${path}/${payer.clientId}/secret`;
      await expectRefused(server.call('POST', target, { token, body: {} }), 'payment');
      await expectRefused(server.call('DELETE', `${target}/${items[0].secret_id}`, { token }), 'payment');
      const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] };
      await expectRefused(change(token, payer, { token_endpoint_auth_method: 'private_key_jwt', jwks }), 'payment');
    });

    test('stays within them in a batch', async () => {
      const by = await server.createClient({ ...delegate, scopes: [...scopes, 'batch:apply'] });
      const batch = async (body: unknown) =>
        server.call('POST', '/api/v1/batch', {
          token: await server.token(by),
          body: { operations: [{ method: 'POST', path, body }] },
        });
      expect((await batch(child)).status).toBe(200);
      const { status, body } = await batch({ ...child, resources: [billing] });
      expect([status, body.error, body.detail]).toEqual([403, 'access_denied', expect.stringContaining(billing)]);
    });

    test('of bindings and profiles gives clients with the same', async () => {
      const scopesOfBound = { scopes, grantable_scopes: [] };
      const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
      const byKey = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } };
      const svid = { spiffe_id: 'spiffe://example.org/a', spiffe_bundle_endpoint: 'https://spire.example.org/bundle' };
      for (const [limit, loose] of [
        [{ dpop_bound_access_tokens: true }, { dpop_bound_access_tokens: false }],
        [{ tls_client_certificate_bound_access_tokens: true }, { tls_client_certificate_bound_access_tokens: false }],
        [{ ...byKey, security_profile: 'fapi2' }, { security_profile: null }],
        [byKey, { token_endpoint_auth_method: null }],
        [byKey, { token_endpoint_auth_method: 'spiffe_jwt', ...svid }],
      ] as const) {
        const bound = await server.createClient(scopesOfBound);
        const before = await server.token(bound);
        expect((await change(root, bound, limit)).status).toBe(200);
        // Its token is older than the limit, which holds all the same.
        await expectRefused(create(before, { ...byKey, ...loose }), Object.keys(loose)[0] as string);
        const { status, body } = await create(before, byKey);
        expect(status).toBe(200);
        expect(await read({ clientId: body.client_id, clientSecret: '' })).toMatchObject(limit);
      }
    });
  });

  describe('a client with client:create and no limits', () => {
    test('creates clients for any resource, type, grant and method, which do not administer Postern', async () => {
      const token = await tokenOf(['client:create']);
      const wide = {
        scopes: ['policy:read'],
        resources: ['https://billing.example.com'],
        authorization_details_types: ['payment'],
        grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        token_quota_per_minute: 1_000_000,
        may_act: 'gateway',
      };
      const { status, body } = await create(token, wide);
      expect([status, body.inherited]).toEqual([200, undefined]);
    });

    test('creates none whose tokens live longer than its own', async () => {
      const token = await tokenOf(['client:create']);
      await expectRefused(create(token, { access_token_ttl_seconds: 691_201 }), 'at most 691200');
    });
  });

  test('whoever may change resources makes only clients within its reach act for one', async () => {
    const resource = (introspection_clients: string[], token: string) =>
      server.call('PUT', '/api/v1/oauth/resource', {
        token,
        body: { key: 'acted-for', identifier: 'https://acted.example.com', scopes: [], introspection_clients },
      });
    const scopes = ['resource:create_or_update', 'resource:delete', 'policy:read'];
    const token = await tokenOf({ scopes, grantable_scopes: [] });
    const [less, more] = [await server.createClient(['policy:read']), await server.createClient(['rule:read'])];
    expect((await resource([less.clientId, 'not there yet'], token)).status).toBe(200);
    await expectRefused(resource([less.clientId, more.clientId], token), 'rule:read');
    expect((await resource([more.clientId], root)).status).toBe(200);
    await expectRefused(resource([], token), 'rule:read');
    expect((await resource([more.clientId], token)).status).toBe(200);
    const remove = () => server.call('DELETE', '/api/v1/oauth/resource/acted-for', { token });
    await expectRefused(remove(), 'rule:read');
    expect((await resource([less.clientId], root)).status).toBe(200);
    expect((await remove()).status).toBe(204);
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
