/** Reach: the pure rules. `test/delegation.test.ts` tests sequences of calls. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Client, type ClientChange, changeClient, newClient } from '../clients/client.ts';
import { clientAuthMethods, grantTypes } from '../clients/client-metadata-schema.ts';
import { defaultScopes } from '../scopes/default-scopes.ts';
import { createScopeRegistry } from '../scopes/scope-registry.ts';
import { findExcess, futureScopes, giftsOf, inheritLimits, namesOf, type ReachRules, reachOf } from './reach.ts';

const registry = createScopeRegistry(defaultScopes);
const resources = [
  { identifier: 'https://a.example', introspectionClients: ['gateway'] },
  { identifier: 'https://b.example', introspectionClients: [] },
];
const byRegistry: ReachRules = { mode: 'registry', registry, accessTokenTtlSeconds: 3_600, resources };
const byHeld: ReachRules = { ...byRegistry, mode: 'held' };
const all = [...registry.names];
const administrative = all.filter((name) => !registry.ordinaryNames.has(name));

const clientOf = (change: ClientChange, id = 'some client'): Client => changeClient(newClient(id, 0), change, 0);
const delegator = (scopes: readonly string[], grantableScopes: readonly string[] | null = null) =>
  clientOf({ scopes, grantableScopes });
const root: Client = { ...newClient('root', 0), isRoot: true, scopes: registry.names };
const gifts = (who: Client, rules: ReachRules, token: ReadonlySet<string> = who.scopes) => giftsOf(who, token, rules);
const assignable = (...arguments_: Parameters<typeof gifts>) =>
  namesOf(gifts(...arguments_).grantableScopes).toSorted();
const excess = (created: Client, creator: Client, rules = byRegistry) =>
  findExcess(reachOf(created, rules), gifts(creator, rules));

const scopes = fc.subarray(['client:create', 'client:update', 'resource:create_or_update', 'policy:read', 'rule:read']);
const identifiers = fc.subarray(resources.map(({ identifier }) => identifier));
const everySetting = fc.record({
  scopes: fc.oneof(scopes, fc.constant(['client:create'])),
  grantableScopes: fc.option(scopes),
  resources: fc.option(identifiers),
  authorizationDetailsTypes: fc.option(fc.subarray(['payment', 'account'])),
  accessTokenTtlSeconds: fc.option(fc.integer({ min: 1, max: 10_000 })),
  allowedNetworks: fc.option(fc.subarray(['10.0.0.0/8', '10.1.0.0/16', '192.0.2.0/24'], { minLength: 1 })),
  fixedClaims: fc.constantFrom(null, { tenant: 'a' }, { tenant: 'b' }),
  expiresAt: fc.constantFrom(null, '2030-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000Z'),
  tokenQuotaPerMinute: fc.option(fc.integer({ min: 1, max: 100 })),
  tokenQuotaPerDay: fc.option(fc.integer({ min: 1, max: 100 })),
  tokenQuotaPerMonth: fc.option(fc.integer({ min: 1, max: 100 })),
  dpopBoundAccessTokens: fc.boolean(),
  tlsClientCertificateBoundAccessTokens: fc.boolean(),
  securityProfile: fc.constantFrom(null, 'fapi2' as const),
  tokenEndpointAuthMethod: fc.constantFrom(null, 'none' as const, ...clientAuthMethods),
  grantTypes: fc.option(fc.subarray([...grantTypes], { minLength: 1 })),
  mayAct: fc.constantFrom(null, 'gateway', 'other'),
});
/** Few at a time: clients with many settings are incomparable. */
const settings: fc.Arbitrary<ClientChange> = everySetting.chain((every) =>
  fc
    .subarray(Object.entries(every), { maxLength: 4 })
    .map((entries) => ({ scopes: every.scopes, ...Object.fromEntries(entries) }) as ClientChange),
);
const clients = fc.tuple(settings, fc.constantFrom('gateway', 'x', 'y')).map(([change, id]) => clientOf(change, id));
const rules = fc.constantFrom(byRegistry, byHeld);

describe('the scopes that a client may assign', () => {
  test('root: all', () => {
    expect(assignable(root, byHeld)).toEqual([...all, futureScopes].toSorted());
  });

  test('with client:create and no grantable_scopes: every scope that does not administer Postern', () => {
    expect(assignable(delegator(['client:create']), byRegistry)).toEqual(
      [...registry.ordinaryNames, futureScopes].toSorted(),
    );
  });

  test('the same with POSTERN_DELEGATION=held: those of its token that do not administer Postern', () => {
    expect(assignable(delegator(['client:create', 'policy:read']), byHeld)).toEqual(['policy:read']);
    expect(assignable(delegator(['client:create']), byHeld)).toEqual([]);
  });

  test('without client:create and grantable_scopes: those of its token that do not administer Postern', () => {
    expect(assignable(delegator(['client:update', 'policy:read']), byRegistry)).toEqual(['policy:read']);
  });

  test('with grantable_scopes: those, and those of its token', () => {
    const who = delegator(['client:create', 'policy:read'], ['rule:read']);
    for (const mode of [byRegistry, byHeld]) {
      expect(assignable(who, mode)).toEqual(['client:create', 'policy:read', 'rule:read']);
      expect(assignable(who, mode, new Set(['client:create']))).toEqual(['client:create', 'rule:read']);
    }
    expect(assignable(delegator(['client:create'], []), byRegistry)).toEqual(['client:create']);
  });

  test('never one that administers Postern, unless it has grantable_scopes', () => {
    expect(administrative).toContain('client:create');
    fc.assert(
      fc.property(clients, rules, (who, by) => {
        fc.pre(who.grantableScopes === null);
        expect(assignable(who, by).filter((scope) => administrative.includes(scope))).toEqual([]);
      }),
    );
  });
});

describe('reach', () => {
  test('is within itself', () => {
    fc.assert(
      fc.property(clients, rules, (client, by) => {
        expect(findExcess(reachOf(client, by), reachOf(client, by))).toBeUndefined();
      }),
    );
  });

  test('is transitive: whoever is within a client that is within a third is within the third', () => {
    let count = 0;
    fc.assert(
      fc.property(settings, settings, settings, rules, (wide, more, most, by) => {
        // Most random clients are incomparable, so each of the three starts from the one before.
        const [a, b, c] = [clientOf(wide), clientOf({ ...wide, ...more }), clientOf({ ...wide, ...more, ...most })];
        for (const [x, y, z] of [
          [a, b, c],
          [c, b, a],
          [b, a, c],
        ].map((order) => order.map((client) => reachOf(client, by))) as ReturnType<typeof reachOf>[][]) {
          if (x && y && z && findExcess(x, y) === undefined && findExcess(y, z) === undefined) {
            count += 1;
            expect(findExcess(x, z)).toBeUndefined();
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(count).toBeGreaterThan(0);
  });

  test('covers all that its client can give', () => {
    fc.assert(
      fc.property(clients, rules, (client, by) => {
        const given = { ...gifts(client, by), scopes: client.scopes };
        expect(findExcess(given, reachOf(client, by))).toBeUndefined();
      }),
    );
  });

  test('of a client that is created is never more than its creator can give, nor is what it can give in turn', () => {
    let created = 0;
    fc.assert(
      fc.property(clients, settings, settings, rules, (creator, first, second, by) => {
        const child = clientOf(inheritLimits(first, creator, by).change, 'x');
        const grandchild = clientOf(inheritLimits(second, child, by).change, 'x');
        if (excess(child, creator, by) === undefined && excess(grandchild, child, by) === undefined) {
          created += 1;
          expect(excess(grandchild, creator, by)).toBeUndefined();
        }
      }),
      { numRuns: 1_000 },
    );
    expect(created).toBeGreaterThan(0);
  });

  test('never grows by fewer scopes of a token', () => {
    fc.assert(
      fc.property(clients, fc.infiniteStream(fc.boolean()), rules, (who, coins, by) => {
        const fewer = new Set([...who.scopes].filter(() => coins.next().value));
        expect(findExcess(gifts(who, by, fewer), gifts(who, by))).toBeUndefined();
      }),
    );
  });

  test('never grows by inheriting limits', () => {
    fc.assert(
      fc.property(settings, clients, rules, (change, creator, by) => {
        const inherited = clientOf(inheritLimits(change, creator, by).change);
        expect(findExcess(reachOf(inherited, by), reachOf(clientOf({ ...change, mayAct: null }), by)) ?? '').toMatch(
          /^$|^may_act|^fixed_claims/,
        );
      }),
    );
  });

  test('root gives everything', () => {
    fc.assert(
      fc.property(clients, rules, (client, by) => {
        expect(findExcess(reachOf(client, by), gifts(root, by))).toBeUndefined();
      }),
    );
  });
});

describe('a creator with limits', () => {
  const creator = clientOf({
    scopes: ['client:create', 'policy:read'],
    resources: ['https://a.example'],
    accessTokenTtlSeconds: 300,
    tokenQuotaPerMinute: 30,
  });

  test('passes them on to a client that names none', () => {
    const { change, inherited } = inheritLimits({ scopes: ['policy:read'] }, creator, byRegistry);
    expect(inherited).toEqual({ accessTokenTtlSeconds: 300, tokenQuotaPerMinute: 30 });
    expect(excess(clientOf(change), creator)).toBeUndefined();
    expect(excess(clientOf({ ...change, resources: ['https://a.example'] }), creator)).toBeUndefined();
  });

  test.each<[ClientChange, RegExp]>([
    [{ resources: ['https://b.example'] }, /^resources: .* tokens for https:\/\/b\.example\.$/],
    [{ authorizationDetailsTypes: ['payment'] }, /^authorization_details_types: .* payment/],
    [{ accessTokenTtlSeconds: 315_360_000 }, /^access_token_ttl_seconds: .* 315360000 seconds, .* at most 300\.$/],
    [{ accessTokenTtlSeconds: null }, /^access_token_ttl_seconds: .* 3600 seconds/],
    [{ tokenQuotaPerMinute: 31 }, /^token_quota_per_minute: .* 31 tokens per minute, .* at most 30\.$/],
    [{ tokenQuotaPerMinute: null }, /^token_quota_per_minute: .* any number of tokens/],
    [{ grantTypes: ['urn:ietf:params:oauth:grant-type:token-exchange'] }, /^grant_types: .*token-exchange/],
    [{ mayAct: 'gateway' }, /^may_act: .* gateway/],
    [{ scopes: ['client:create'] }, /right to assign the scope client:create/],
  ])('may not give %o', (wanted, text) => {
    const { change } = inheritLimits({ scopes: ['policy:read'], ...wanted }, creator, byRegistry);
    expect(excess(clientOf(change), creator)).toMatch(text);
  });

  test.each<[ClientChange, ClientChange, RegExp]>([
    [{ dpopBoundAccessTokens: true }, { dpopBoundAccessTokens: false }, /^dpop_bound_access_tokens/],
    [
      { tlsClientCertificateBoundAccessTokens: true },
      { tlsClientCertificateBoundAccessTokens: false },
      /^tls_client_certificate_bound_access_tokens/,
    ],
    [{ securityProfile: 'fapi2' }, { securityProfile: null }, /^security_profile: .* only fapi2\.$/],
    [
      { tokenQuotaPerMinute: 1, tokenEndpointAuthMethod: 'private_key_jwt' },
      {},
      /^token_endpoint_auth_method: .* private_key_jwt, tls_client_auth/,
    ],
    [
      { allowedNetworks: ['10.1.0.0/16'] },
      { allowedNetworks: ['10.0.0.0/8'] },
      /^allowed_networks: .* from 10\.0\.0\.0\/8, and you may give only 10\.1\.0\.0\/16\.$/,
    ],
    [
      { expiresAt: '2030-01-01T00:00:00.000Z' },
      { expiresAt: '2030-01-01T00:00:01.000Z' },
      /^expires_at: .* expires at 2030-01-01T00:00:01\.000Z, and yours at 2030-01-01T00:00:00\.000Z\.$/,
    ],
    [{ expiresAt: '2030-01-01T00:00:00.000Z' }, { expiresAt: null }, /^expires_at: .* never expires/],
    [{ allowedNetworks: ['10.1.0.0/16'] }, { allowedNetworks: null }, /^allowed_networks: .* from anywhere/],
    [{ tokenQuotaPerDay: 5 }, { tokenQuotaPerDay: 6 }, /^token_quota_per_day: .* 6 tokens per day, .* at most 5\.$/],
    [
      { tokenQuotaPerMonth: 5 },
      { tokenQuotaPerMonth: null },
      /^token_quota_per_month: .* any number of tokens per month/,
    ],
    [{ mayAct: 'gateway', tokenQuotaPerMinute: 1 }, { mayAct: null }, /^may_act: .* no actor/],
    [
      { fixedClaims: { tenant: 'acme', tier: 1 } },
      { fixedClaims: { tenant: 'acme' } },
      /^fixed_claims: .* its tokens have \{"tenant":"acme"\}, and you may give only \{"tenant":"acme","tier":1\}\.$/,
    ],
    [{ fixedClaims: { tenant: 'acme' } }, { fixedClaims: null }, /^fixed_claims: .* no such claims/],
    [{ tokenQuotaPerMinute: 1 }, { fixedClaims: { tenant: 'acme' } }, /^fixed_claims: .* may give only \{\}\.$/],
  ])('with %o may not give %o', (limit, wanted, text) => {
    const limited = clientOf({ scopes: ['client:create', 'policy:read'], ...limit });
    const { change } = inheritLimits({ scopes: ['policy:read'], ...wanted }, limited, byRegistry);
    expect(excess(clientOf(change), limited)).toMatch(text);
  });

  test('does not pass on a lifetime that is longer than the default', () => {
    const patient = clientOf({ scopes: ['client:create'], accessTokenTtlSeconds: 9_999 });
    expect(inheritLimits({}, patient, byRegistry).inherited).toEqual({});
    expect(excess(clientOf({ accessTokenTtlSeconds: 9_999 }), patient)).toBeUndefined();
  });
});

describe('a creator without limits', () => {
  const creator = clientOf({ scopes: ['client:create'] });
  const wide: ClientChange = {
    scopes: ['policy:read', 'rule:read'],
    resources: ['https://b.example'],
    authorizationDetailsTypes: ['payment'],
    grantTypes: [...grantTypes],
    tokenEndpointAuthMethod: 'none',
    mayAct: 'gateway',
  };

  test('gives what does not administer Postern', () => {
    expect(inheritLimits(wide, creator, byRegistry).inherited).toEqual({});
    expect(excess(clientOf(wide), creator)).toBeUndefined();
  });

  test('gives what it has with POSTERN_DELEGATION=held', () => {
    expect(excess(clientOf({ resources: ['https://b.example'] }), creator, byHeld)).toMatch(/^resources/);
    expect(excess(clientOf({ grantTypes: [...grantTypes] }), creator, byHeld)).toMatch(/^grant_types/);
    expect(excess(clientOf({}), creator, byHeld)).toBeUndefined();
  });

  test('gives no lifetime beyond its own, and does not reach clients that act for a resource', () => {
    expect(excess(clientOf({ accessTokenTtlSeconds: 3_601 }), creator)).toMatch(/^access_token_ttl_seconds/);
    expect(excess(clientOf({}, 'gateway'), creator)).toMatch(/^introspection_clients: .* https:\/\/a\.example\.$/);
  });
});

describe('scopes that are added later', () => {
  const open = delegator(['client:create']);
  const creator = delegator(['client:create'], [...registry.ordinaryNames]);

  test('are not assigned by whoever may assign a list', () => {
    expect(excess(open, creator)).toMatch(
      /^The client could assign the scope that is added next, which you may not assign: narrow/,
    );
    expect(excess(delegator(['client:create'], [...registry.ordinaryNames]), creator)).toBeUndefined();
    expect(excess(open, creator, byHeld)).toBeUndefined();
    expect(excess(open, root)).toBeUndefined();
  });

  test('a refusal names the scope', () => {
    const limited = delegator(['client:create'], ['policy:read']);
    expect(excess(delegator(['policy:read', 'rule:read']), limited)).toMatch(/right to assign the scope rule:read/);
    expect(excess(delegator(['client:create']), limited)).toMatch(/narrow its grantable_scopes/);
    expect(excess(delegator([], ['user:create']), limited)).toMatch(/user:create/);
  });
});
