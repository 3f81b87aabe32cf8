/**
 * Nobody's reach grows: random sequences of calls by several clients that are not root, over HTTP. The oracle knows nothing
 * of the source: it reads what root sees, and spells out again what docs/delegation.md says.
 */
import { type Answer, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** In each mode: a few in the ordinary run, and half of what is asked for. */
const sequences = Number(process.env['POSTERN_TEST_SEQUENCES'] ?? 50) / 2;

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const resources = ['https://a.example', 'https://b.example'];
const administrative = [
  'client:create',
  'client:update',
  'client:delete',
  'token:revoke',
  'batch:apply',
  'issuer:create_or_update',
  'resource:create_or_update',
  'initial_access_token:create',
  'initial_access_token:delete',
];
const ordinary = ['doc:read', 'doc:pay', 'policy:read'];
/** A scope that is added, or not, while the sequence is under way. */
const later = 'later';
const limiting = [
  'grantable_scopes',
  'resources',
  'authorization_details_types',
  'access_token_ttl_seconds',
  'fixed_claims',
  'allowed_networks',
  'expires_at',
  'token_quota_per_minute',
  'token_quota_per_day',
  'token_quota_per_month',
  'security_profile',
  'may_act',
] as const;
const defaultTtl = 691_200;
const keyMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'spiffe_x509'];
/** The first proves no key, the second does. */
const svid = { spiffe_id: 'spiffe://example.org/worker', spiffe_bundle_endpoint: 'https://spire.example.org/bundle' };

/** A client as root reads it. */
interface View {
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly grantable_scopes: readonly string[] | null;
  readonly access_token_ttl_seconds: number | null;
  readonly resources?: readonly string[];
  readonly authorization_details_types?: readonly string[];
  readonly grant_types?: readonly string[];
  readonly allowed_networks?: readonly string[];
  readonly expires_at: string | null;
  readonly fixed_claims?: Readonly<Record<string, string>>;
  readonly token_quota_per_minute?: number;
  readonly token_quota_per_day?: number;
  readonly token_quota_per_month?: number;
  readonly token_endpoint_auth_method?: string;
  readonly may_act?: string;
  readonly dpop_bound_access_tokens?: boolean;
  readonly tls_client_certificate_bound_access_tokens?: boolean;
  readonly security_profile?: string;
}
type Mode = 'registry' | 'held';

/** Whether a client may give scopes that are not on any list. */
const givesRegistry = (view: View, mode: Mode) =>
  mode === 'registry' && view.grantable_scopes === null && view.scopes.includes('client:create');
/** Whether it was given no limit, so that it gives what it has not. */
const isOpen = (view: View, mode: Mode) =>
  givesRegistry(view, mode) &&
  limiting.every((member) => view[member] === undefined || view[member] === null) &&
  view.dpop_bound_access_tokens !== true &&
  view.tls_client_certificate_bound_access_tokens !== true;
const given = (view: View, mode: Mode): readonly string[] => {
  if (view.grantable_scopes !== null) {
    return [...view.scopes, ...view.grantable_scopes];
  }
  return givesRegistry(view, mode) ? [...ordinary, later] : view.scopes.filter((name) => ordinary.includes(name));
};
const isPart = (part: readonly string[], whole: readonly string[]) => part.every((name) => whole.includes(name));

/** Networks, each with those inside it. The attackers call from the first. */
const networks: Readonly<Record<string, readonly string[]>> = {
  '127.0.0.1/32': ['127.0.0.1/32'],
  '127.0.0.0/8': ['127.0.0.1/32', '127.0.0.0/8'],
  '10.0.0.0/8': ['10.0.0.0/8'],
  '0.0.0.0/1': ['127.0.0.1/32', '127.0.0.0/8', '10.0.0.0/8', '0.0.0.0/1'],
};
const networksOf = ({ allowed_networks: allowed = [...Object.keys(networks), 'elsewhere'] }: View) =>
  allowed.flatMap((network) => networks[network] ?? network);

/** What fixed claims say, of a client or in a token. */
const markOf = ({ tenant = '-', tier = '-' }: { readonly tenant?: string; readonly tier?: string } = {}) =>
  `${tenant} ${tier}`;

/** Whether all that `inner` can do or give is something that `outer` may give. `acts` tells who acts for which resource. */
function fits(inner: View, outer: View, mode: Mode, acts: (id: string) => readonly string[]): boolean {
  const [mostScopes, open] = [given(outer, mode), isOpen(outer, mode)];
  const lists = [
    [inner.resources ?? [], outer.resources ?? []],
    [inner.authorization_details_types ?? [], outer.authorization_details_types ?? []],
    [inner.grant_types ?? ['client_credentials'], outer.grant_types ?? ['client_credentials']],
    [[inner.may_act ?? ''], [outer.may_act ?? '']],
    [[markOf(inner.fixed_claims)], [markOf(outer.fixed_claims)]],
  ] as const;
  const needsKey = keyMethods.includes(outer.token_endpoint_auth_method ?? '');
  return (
    isPart(inner.scopes, mostScopes) &&
    isPart(given(inner, mode), mostScopes) &&
    (inner.access_token_ttl_seconds ?? defaultTtl) <= (outer.access_token_ttl_seconds ?? defaultTtl) &&
    isPart(networksOf(inner), networksOf(outer)) &&
    (inner.expires_at ?? 'never') <= (outer.expires_at ?? 'never') &&
    (inner.token_quota_per_day ?? Infinity) <= (outer.token_quota_per_day ?? Infinity) &&
    (inner.token_quota_per_month ?? Infinity) <= (outer.token_quota_per_month ?? Infinity) &&
    (inner.token_quota_per_minute ?? Infinity) <= (outer.token_quota_per_minute ?? Infinity) &&
    (inner.dpop_bound_access_tokens === true || outer.dpop_bound_access_tokens !== true) &&
    (inner.tls_client_certificate_bound_access_tokens === true ||
      outer.tls_client_certificate_bound_access_tokens !== true) &&
    (outer.security_profile === undefined || inner.security_profile === outer.security_profile) &&
    (open || (!isOpen(inner, mode) && lists.every(([some, most]) => isPart(some, most)))) &&
    (open || !needsKey || keyMethods.includes(inner.token_endpoint_auth_method ?? '')) &&
    (mostScopes.concat(outer.scopes).includes('resource:create_or_update') ||
      (isPart(acts(inner.client_id), acts(outer.client_id)) &&
        !given(inner, mode).includes('resource:create_or_update')))
  );
}

const publicJwk = {
  kty: 'EC',
  crv: 'P-256',
  kid: 'k',
  ...(await exportJWK((await generateKeyPair('ES256')).publicKey)),
};
const names = fc.oneof(
  { weight: 3, arbitrary: fc.subarray([...ordinary, later], { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.subarray([...ordinary, later, ...administrative], { maxLength: 4 }) },
);
const everyMember = fc.record({
  scopes: names,
  grantable_scopes: fc.option(names),
  resources: fc.option(fc.subarray(resources)),
  authorization_details_types: fc.option(fc.subarray(['payment', 'account'])),
  grant_types: fc.constantFrom(null, ['client_credentials', exchange], ['client_credentials', jwtBearer]),
  access_token_ttl_seconds: fc.constantFrom(null, 60, 300, 31_536_000),
  fixed_claims: fc.constantFrom(null, { tenant: 'a' }, { tenant: 'b' }, { tenant: 'a', tier: 'gold' }),
  expires_at: fc.constantFrom(null, '2098-01-01T00:00:00Z', '2099-01-01T00:00:00Z'),
  allowed_networks: fc.option(fc.subarray(Object.keys(networks), { minLength: 1 })),
  token_quota_per_minute: fc.constantFrom(null, 20, 50, 1_000),
  token_quota_per_day: fc.constantFrom(null, 1_000, 2_000),
  token_quota_per_month: fc.constantFrom(null, 1_000, 2_000),
  dpop_bound_access_tokens: fc.boolean(),
  tls_client_certificate_bound_access_tokens: fc.boolean(),
  may_act: fc.constantFrom(null, 'gateway'),
  enabled: fc.boolean(),
  method: fc.constantFrom(
    { token_endpoint_auth_method: null },
    { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicJwk] } },
    { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicJwk] }, security_profile: 'fapi2' },
    { token_endpoint_auth_method: 'spiffe_jwt', ...svid },
    { token_endpoint_auth_method: 'spiffe_x509', ...svid },
  ),
});
/** Some members of a client; with all of them at once nearly every call would be refused. */
const bodies = fc.tuple(everyMember, fc.array(fc.nat(16), { maxLength: 3 })).map(([every, chosen]) => {
  const entries = Object.entries(every).filter((_entry, index) => chosen.includes(index));
  const { method, ...body } = Object.fromEntries(entries) as { method?: object };
  return { ...body, ...method } as Record<string, unknown>;
});

/** The clients that attackers have at the start can act: they have a secret and need no proof. */
const attackers = fc
  .record({
    scopes: fc.subarray([...administrative, ...ordinary], { minLength: 9 }),
    grantable_scopes: fc.oneof(
      fc.constant(null),
      fc.constant([...administrative, ...ordinary]),
      fc.subarray([...administrative, ...ordinary], { minLength: 6 }),
    ),
    limits: fc.oneof(
      fc.constant({}),
      fc.record(
        {
          resources: fc.subarray(resources),
          authorization_details_types: fc.subarray(['payment']),
          access_token_ttl_seconds: fc.constantFrom(60, 300),
          fixed_claims: fc.constantFrom({ tenant: 'a' }, { tenant: 'a', tier: 'gold' }),
          expires_at: fc.constantFrom('2098-01-01T00:00:00Z', '2099-01-01T00:00:00Z'),
          allowed_networks: fc.constantFrom(['127.0.0.0/8'], ['0.0.0.0/1']),
          token_quota_per_minute: fc.constantFrom(50, 1_000),
          token_quota_per_day: fc.constantFrom(1_000, 2_000),
          grant_types: fc.constant(['client_credentials', jwtBearer]),
          may_act: fc.constant('gateway'),
        },
        { requiredKeys: [] },
      ),
    ),
  })
  .map(({ limits, ...rest }): Record<string, unknown> => ({ ...rest, ...limits }));

const verbs = [
  'create',
  'create',
  'change',
  'change',
  'rotate',
  'delete',
  'revoke',
  'batch',
  'register',
  'trust',
  'act for a resource',
  'add scope',
] as const;
type Verb = (typeof verbs)[number];
const attempts = fc.record({
  verb: fc.constantFrom(...verbs),
  by: fc.nat(9),
  /** Undefined: a token of all scopes of the client. */
  tokenScopes: fc.option(fc.subarray([...administrative, ...ordinary], { minLength: 8 }), { nil: undefined, freq: 4 }),
  target: fc.nat(9),
  body: bodies,
});

describe.each<Mode>(['registry', 'held'])('with POSTERN_DELEGATION=%s', (mode) => {
  let server: TestServer;
  let root: string;
  let signAssertion: (issuer: string) => Promise<string>;
  let issuerKey: object;

  beforeAll(async () => {
    server = await startTestServer({
      env: { POSTERN_DELEGATION: mode, POSTERN_REGISTRATION: 'initial_access_token', POSTERN_LOG_LEVEL: 'silent' },
    });
    root = await server.rootToken();
    const keys = await generateKeyPair('ES256');
    issuerKey = { ...(await exportJWK(keys.publicKey)), kid: 'one' };
    signAssertion = (issuer) =>
      new SignJWT({ sub: 'workload', jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(server.url)
        .setIssuedAt(Math.floor(server.now() / 1000))
        .setExpirationTime(Math.floor(server.now() / 1000) + 60)
        .sign(keys.privateKey);
    await asRoot(
      'PUT',
      '/scope',
      ['doc:read', 'doc:pay'].map((name) => ({ name, description: name })),
    );
    await createResources();
    for (const type of ['payment', 'account']) {
      await asRoot('PUT', '/authorization-details-type', { type, schema: { type: 'object' } });
    }
  });
  afterAll(() => server.close());

  const call = (method: string, path: string, token: string, body?: unknown) =>
    server.call(method, `/api/v1${path}`, { token, body });
  async function asRoot(method: string, path: string, body?: unknown) {
    const { status, body: answer } = await call(method, `/oauth${path}`, root, body);
    if (status >= 300) {
      throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    }
    return answer;
  }
  async function createResources(): Promise<void> {
    for (const identifier of resources) {
      await asRoot('PUT', '/resource', { key: identifier.slice(8, 9), identifier, scopes: ordinary });
    }
  }
  /** The newest clients, those of this sequence among them. */
  const look = async (): Promise<Map<string, View>> => {
    const { items } = await asRoot('GET', '/client?sort=-created_at&size=40');
    const named = (scopes: string[] | null) => scopes?.map((name) => name.replace(/^later:.*/, later)) ?? null;
    return new Map(
      items.map((view: View) => [
        view.client_id,
        { ...view, scopes: named([...view.scopes]), grantable_scopes: named(view.grantable_scopes as string[] | null) },
      ]),
    );
  };

  test(`no sequence of calls gives anybody more than root gave, nor a token beyond it`, async () => {
    const done = Object.fromEntries(verbs.map((verb) => [verb, 0])) as Record<Verb, number>;
    let tokens = 0;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(attackers, { minLength: 1, maxLength: 3 }),
        fc.array(bodies, { minLength: 1, maxLength: 2 }),
        fc.array(attempts, { minLength: 1, maxLength: 8 }),
        async (seeds, others, sequence) => {
          run += 1;
          // 1. Root creates the attackers' clients, and some of others.
          const made: { client_id: string; client_secret: string }[] = [];
          for (const body of [
            ...seeds,
            ...others.map((other) => ({ ...withLater(other), tls_client_certificate_bound_access_tokens: false })),
          ]) {
            made.push(await asRoot('POST', '/client', body));
          }
          const secrets = new Map(made.slice(0, seeds.length).map((one) => [one.client_id, one.client_secret]));
          const ids = made.map(({ client_id }) => client_id);
          let views = await look();
          let isLater = false;
          let isTrusted = false;
          const attackersAtFirst = [...secrets.keys()].map((id) => views.get(id) as View);
          const actsFor = new Map<string, string[]>();
          const acts = (id: string) => actsFor.get(id) ?? [];
          const isGiven = (view: View) => attackersAtFirst.some((outer) => fits(view, outer, mode, acts));
          const isOwn = (view: View) =>
            attackersAtFirst.some((first) => first.client_id === view.client_id && isNoMore(view, first));

          const tokenOf = async (id: string, scopes: readonly string[] | undefined, resource?: string) => {
            const held = views.get(id)?.scopes ?? [];
            const scope = scopes?.filter((name) => held.includes(name)).join(' ');
            const { status, body } = await server.postForm('/api/v1/oauth/token', {
              grant_type: 'client_credentials',
              client_id: id,
              client_secret: secrets.get(id) as string,
              ...(scope !== undefined && scope !== '' && { scope }),
              ...(resource !== undefined && { resource }),
            });
            return status === 200 ? (body.access_token as string) : undefined;
          };

          /** A client that was touched: by what root sees now it is one that an attacker may give. */
          const requireGiven = (id: string) => {
            const view = views.get(id);
            expect(view === undefined || isGiven(view), JSON.stringify({ view, attackersAtFirst })).toBe(true);
          };

          // 2. The attackers call.
          for (const { verb, by, tokenScopes, target, body } of sequence) {
            const actor = [...secrets.keys()][by % secrets.size] as string;
            if (verb === 'add scope') {
              await asRoot('PUT', '/scope', { name: `later:${run}`, description: 'Comes later' });
              isLater = true;
              done[verb] += 1;
              continue;
            }
            const token = await tokenOf(actor, tokenScopes);
            if (token === undefined) {
              continue;
            }
            const id = ids[target % ids.length] as string;
            const before = views.get(id);
            const got = await attempt(verb, { token, id, body: withLater(body, run), run });
            if (got === undefined) {
              continue;
            }
            done[verb] += 1;
            isTrusted ||= verb === 'trust';
            views = await look();
            for (const [clientId, secret] of got.created) {
              ids.push(clientId);
              requireGiven(clientId);
              if (secret !== undefined) {
                secrets.set(clientId, secret);
              }
            }
            if (got.actsFor !== undefined) {
              for (const [other, identifiers] of actsFor) {
                actsFor.set(
                  other,
                  identifiers.filter((one) => one !== got.actsFor),
                );
              }
              actsFor.set(id, [...acts(id), got.actsFor]);
            }
            if (got.touches) {
              // Nobody touches a client that may do more, and leaves it able to do more.
              expect(before === undefined || isGiven(before), JSON.stringify({ verb, before, attackersAtFirst })).toBe(
                true,
              );
              requireGiven(id);
            }
            if (got.secret !== undefined) {
              secrets.set(id, got.secret);
            }
            if (got.token !== undefined) {
              requireTokenGiven(got.token);
            }
          }

          // 3. By whatever they have now they get no token beyond what root gave.
          function requireTokenGiven(token: string) {
            tokens += 1;
            const claims = claimsOf(token) as {
              scope: string;
              aud: string;
              iat: number;
              exp: number;
              client_id: string;
              tenant: string;
              tier: string;
            };
            const scopes = claims.scope === '' ? [] : claims.scope.replace(/later:\d+/, later).split(' ');
            const isWithin = attackersAtFirst.some(
              (first) =>
                isPart(scopes, [...given(first, mode), ...first.scopes]) &&
                (isOpen(first, mode) || markOf(first.fixed_claims) === markOf(claims)) &&
                claims.exp - claims.iat <= (first.access_token_ttl_seconds ?? defaultTtl) &&
                (claims.aud === server.url || isOpen(first, mode) || (first.resources ?? []).includes(claims.aud)),
            );
            expect(isWithin, JSON.stringify({ claims, attackersAtFirst })).toBe(true);
          }
          for (const id of secrets.keys()) {
            const view = views.get(id);
            if (view === undefined || isOwn(view)) {
              continue;
            }
            expect(isGiven(view), JSON.stringify({ view, attackersAtFirst })).toBe(true);
            for (const resource of [undefined, ...(view.resources ?? [])]) {
              const token = await tokenOf(id, undefined, resource);
              if (token !== undefined) {
                requireTokenGiven(token);
              }
            }
          }

          // 4. Root removes what is left.
          await Promise.all([...views.keys()].map((id) => asRoot('DELETE', `/client/${id}`)));
          if (actsFor.size > 0) {
            await createResources();
          }
          if (isTrusted) {
            await asRoot('DELETE', '/issuer/mine');
          }
          if (isLater) {
            await asRoot('DELETE', `/scope/later:${run}`);
          }
        },
      ),
      { numRuns: sequences },
    );
    // It found ways to do what is allowed, or it would have shown nothing.
    expect(tokens).toBeGreaterThan(sequences / 12);
    const counts = Object.values(done);
    expect(
      counts.reduce((sum, count) => sum + count),
      JSON.stringify(done),
    ).toBeGreaterThan(sequences / 2);
    expect(sequences < 500 || Math.min(...counts) > 0, JSON.stringify(done)).toBe(true);
  }, 7_200_000);

  /** The body with the name of the scope that is added in this sequence; without one, with another scope. */
  function withLater(body: Record<string, unknown>, run?: number): Record<string, unknown> {
    const name = run === undefined ? 'doc:read' : `later:${run}`;
    return JSON.parse(JSON.stringify(body).replaceAll(`"${later}"`, `"${name}"`));
  }

  /** Whether a client has at most what it had at first. */
  function isNoMore(now: View, first: View): boolean {
    const meanwhile = { updated_at: '', last_issued_at: null };
    return JSON.stringify({ ...now, ...meanwhile }) === JSON.stringify({ ...first, ...meanwhile });
  }

  interface Attempted {
    readonly token: string;
    readonly id: string;
    readonly body: Record<string, unknown>;
    readonly run: number;
  }

  interface Success {
    /** Clients that were created, with their secrets. */
    readonly created: readonly (readonly [string, string | undefined])[];
    /** Whether the target was touched. */
    readonly touches: boolean;
    /** A secret of the target. */
    readonly secret?: string;
    /** A token of the target. */
    readonly token?: string;
    /** The resource that the target acts for now. */
    readonly actsFor?: string;
  }

  /** Makes the call; undefined if it is refused. Anything else than a refusal fails the test. */
  async function attempt(
    verb: Exclude<Verb, 'add scope'>,
    { token, id, body, run }: Attempted,
  ): Promise<Success | undefined> {
    const clientPath = `/oauth/client/${id}`;
    switch (verb) {
      case 'create': {
        const answer = await call('POST', '/oauth/client', token, body);
        return isDone(answer) ? created(answer.body) : undefined;
      }
      case 'change':
        return isDone(await call('PATCH', clientPath, token, body)) ? { created: [], touches: true } : undefined;
      case 'rotate': {
        const answer = await call('POST', `${clientPath}/secret`, token, {});
        return isDone(answer) ? { created: [], touches: true, secret: answer.body.client_secret } : undefined;
      }
      case 'delete':
        return isDone(await call('DELETE', clientPath, token)) ? { created: [], touches: true } : undefined;
      case 'revoke':
        return isDone(await call('POST', `${clientPath}/revoke`, token)) ? { created: [], touches: true } : undefined;
      case 'batch': {
        const operations = [
          { method: 'POST', path: '/api/v1/oauth/client', body },
          { method: 'PATCH', path: `/api/v1${clientPath}`, body },
        ].slice(run % 2, (run % 2) + 1);
        const answer = await call('POST', '/batch', token, { operations });
        if (!isDone(answer)) {
          return undefined;
        }
        return run % 2 === 0 ? created(answer.body.results[0].body) : { created: [], touches: true };
      }
      case 'register': {
        const { scopes = ['doc:read'], resources: identifiers } = body as { scopes?: string[]; resources?: string[] };
        const wanted = { scopes, resources: identifiers ?? [], max_uses: 2 };
        const made = await call('POST', '/oauth/initial-access-token', token, wanted);
        if (!isDone(made)) {
          return undefined;
        }
        const registration = {
          dpop_bound_access_tokens: body['dpop_bound_access_tokens'] ?? null,
          allowed_networks: ['0.0.0.0/0'],
          expires_at: null,
          fixed_claims: { tenant: 'b' },
          token_quota_per_minute: 1_000,
          access_token_ttl_seconds: 31_536_000,
        };
        const answer = await call('POST', '/oauth/register', made.body.initial_access_token, registration);
        if (!isDone(answer)) {
          return undefined;
        }
        const { client_id, client_secret, registration_access_token } = answer.body;
        const change = { client_id, ...registration, dpop_bound_access_tokens: false };
        isDone(await call('PUT', `/oauth/register/${client_id}`, registration_access_token, change));
        return created({ client_id, client_secret });
      }
      case 'trust': {
        const issuer = `https://issuer-${run}.example`;
        const rules = [{ client_id: id, claims: { sub: 'workload' } }];
        const record = { key: 'mine', issuer, jwks: { keys: [issuerKey] }, rules };
        if (!isDone(await call('PUT', '/oauth/issuer', token, record))) {
          return undefined;
        }
        const { status, body: answer } = await server.postForm('/api/v1/oauth/token', {
          grant_type: jwtBearer,
          assertion: await signAssertion(issuer),
        });
        return { created: [], touches: true, ...(status === 200 && { token: answer.access_token }) };
      }
      case 'act for a resource': {
        const identifier = resources[run % 2] as string;
        const record = { key: identifier.slice(8, 9), identifier, scopes: ordinary, introspection_clients: [id] };
        return isDone(await call('PUT', '/oauth/resource', token, record))
          ? { created: [], touches: true, actsFor: identifier }
          : undefined;
      }
    }
  }

  function created(body: { client_id: string; client_secret?: string }): Success {
    return { created: [[body.client_id, body.client_secret]], touches: false };
  }

  function isDone({ status, body }: Answer): boolean {
    if (![200, 201, 204, 400, 401, 403, 404, 409, 422, 429].includes(status)) {
      throw new Error(`${status} ${JSON.stringify(body)}`);
    }
    return status < 300;
  }
});
