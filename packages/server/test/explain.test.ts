/** Why a token is refused: the reason is that of the guard for every token, and no caller learns more than it may. RFC 9068 §4. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { OAuthError } from '@postern/protocol';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Static } from 'typebox';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ExplanationView } from '../src/explain/explain-endpoint.ts';
import { anyCharacter, expectUnharmed } from './bad-input/exchange.ts';
import { type StolenKey, secretOf, stealSigningKey, tokenExchange, tokenPath } from './jwt-places.ts';

const path = '/api/v1/oauth/explain';
const billing = 'https://billing.example.com';
const scope = 'scope:read';

let server: TestServer;
let root: string;
let key: StolenKey;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  key = await stealSigningKey(server);
  await asRoot('PUT', '/api/v1/oauth/resource', { key: 'billing', identifier: billing, scopes: ['policy:read'] });
  client = await createClient();
});
afterAll(() => server.close());
afterEach(() => expectUnharmed(server));

async function asRoot(method: string, url: string, body?: unknown) {
  const answer = await server.call(method, url, { token: root, body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
}

const clientPath = ({ clientId }: Credentials) => `/api/v1/oauth/client/${clientId}`;
const createClient = (body: object = {}) => server.createClient({ scopes: [scope, 'policy:read'], ...body });
const revoke = (token: string, by: Credentials) => server.postForm('/api/v1/oauth/revoke', { token, ...secretOf(by) });
const nowSeconds = () => Math.floor(server.now() / 1000);

interface Asked {
  readonly scope?: string;
  readonly audience?: string;
  readonly proof?: boolean;
}

type Explanation = Static<typeof ExplanationView>;

async function explain(token: string, asked: Asked = {}, caller: string | undefined = root): Promise<Explanation> {
  const { status, body, headers } = await server.call('POST', path, { token: caller, body: { token, ...asked } });
  expect([status, headers.get('cache-control')], JSON.stringify(body)).toEqual([200, 'no-store']);
  return body;
}

const anonymously = (token: string, asked: Asked = {}) =>
  server.call('POST', path, { body: { token, ...asked } }).then(({ body }): Explanation => body);

const checkOf = ({ checks }: Explanation, name: string) => checks.find((check) => check.name === name);
const unknownIn = ({ checks }: Explanation) =>
  checks.flatMap(({ name, result }) => (result === 'unknown' ? [name] : []));

interface Proven {
  readonly dpop?: string;
  readonly certificateThumbprint?: string;
}

/** Why the guard of the server's own APIs refuses a call with the token; null if it does not. */
async function guardReason(token: string, { dpop, certificateThumbprint }: Proven = {}): Promise<string | null> {
  const scheme = dpop === undefined ? 'Bearer' : 'DPoP';
  const request = { method: 'GET', path: '/x', authorization: `${scheme} ${token}`, dpop, certificateThumbprint };
  try {
    await server.app.guard.authorize(request, scope);
    return null;
  } catch (error) {
    if (error instanceof OAuthError && error.reason !== undefined) {
      return error.reason;
    }
    throw error;
  }
}

/** A token that the server never issued, signed with its key. */
async function sign(claims: object = {}, header: object = {}): Promise<string> {
  const all = { ...claimsOf(await server.token(client)), jti: randomUUID(), ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all)))
    .setProtectedHeader({ typ: 'at+jwt', alg: 'ES256', kid: key.kid, ...header })
    .sign(key.privateKey);
}

/** With another header or payload, and the signature that it had. */
function change(token: string, header: object, payload: object = {}): string {
  const [head = '', body = '', signature] = token.split('.');
  const encode = (part: string, more: object) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(part, 'base64url').toString()), ...more })).toString(
      'base64url',
    );
  return `${encode(head, header)}.${encode(body, payload)}.${signature}`;
}

/** A token of a new client, after something happened to that. */
async function tokenAfter(event: (owner: Credentials, token: string) => Promise<unknown>): Promise<string> {
  const owner = await createClient();
  const token = await server.token(owner);
  await event(owner, token);
  return token;
}

async function exchange(subjectToken: string, exchanger: Credentials): Promise<string> {
  const { body } = await server.postForm(tokenPath, {
    grant_type: tokenExchange,
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...secretOf(exchanger),
  });
  expect(body.access_token, JSON.stringify(body)).toBeDefined();
  return body.access_token;
}

/** A token that was exchanged for one of another client, after something happened to that. */
async function exchangedAfter(event: (subject: Credentials, token: string) => Promise<unknown>): Promise<string> {
  const exchanger = await createClient({ grant_types: [tokenExchange] });
  const subject = await createClient({ may_act: exchanger.clientId });
  const subjectToken = await server.token(subject);
  const token = await exchange(subjectToken, exchanger);
  await event(subject, subjectToken);
  return token;
}

const deleteClient = (owner: Credentials) => asRoot('DELETE', clientPath(owner));
const disableClient = (owner: Credentials) => asRoot('PATCH', clientPath(owner), { enabled: false });
const enableClient = (owner: Credentials) => asRoot('PATCH', clientPath(owner), { enabled: true });
const revokeAll = (owner: Credentials) => asRoot('POST', `${clientPath(owner)}/revoke`);
const withdrawScope = (owner: Credentials) => asRoot('PATCH', clientPath(owner), { scopes: ['policy:read'] });
const revokeToken = (owner: Credentials, token: string) => revoke(token, owner);

async function otherServer(env: Record<string, string>): Promise<string> {
  const other = await startTestServer({ env });
  try {
    return await other.rootToken();
  } finally {
    await other.close();
  }
}

const jkt = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const thumbprint = createHash('sha256').update('certificate').digest('base64url');

describe('the reason is that of the guard', () => {
  test.each<[cause: string, check: string, reason: string | null, token: () => Promise<string>]>([
    ['a token that is accepted', '', null, () => server.token(client)],
    ['a token of root', '', null, () => server.rootToken()],
    ['a token of the future', '', null, () => sign({ iat: nowSeconds() + 3_600 })],
    ['a token that became valid this second', '', null, () => sign({ nbf: nowSeconds() })],
    ['an exchanged token', '', null, () => exchangedAfter(async () => {})],
    ['no token', 'form', 'token_malformed', async () => ''],
    ['an opaque token', 'form', 'token_malformed', async () => 'opaque-token'],
    ['a token that was cut off', 'form', 'token_malformed', async () => (await server.token(client)).slice(0, 100)],
    ['a token with another part', 'form', 'token_malformed', async () => `${await server.token(client)}.`],
    ['a token that is too long', 'form', 'token_malformed', () => sign({ x: 'x'.repeat(20_000) })],
    [
      'a critical extension',
      'form',
      'token_malformed',
      async () => change(await server.token(client), { crit: ['x'] }),
    ],
    ['no key id', 'form', 'token_malformed', async () => change(await server.token(client), { kid: 1 })],
    ['another type of JWT', 'form', 'token_type_wrong', () => sign({}, { typ: 'JWT' })],
    ['no type', 'form', 'token_type_wrong', () => sign({}, { typ: undefined })],
    ['another issuer', 'issuer', 'issuer_wrong', () => sign({ iss: 'https://evil.example' })],
    ['a token of another server', 'issuer', 'issuer_wrong', () => otherServer({})],
    ['an issuer that was changed', 'issuer', 'issuer_wrong', async () => change(await sign(), {}, { iss: 1 })],
    ['a key of another database', 'signature', 'key_unknown', () => otherServer({ POSTERN_ISSUER: server.url })],
    ['an unknown key', 'signature', 'key_unknown', async () => change(await sign(), { kid: 'another' })],
    ['another algorithm', 'signature', 'algorithm_not_allowed', async () => change(await sign(), { alg: 'HS256' })],
    ['no algorithm', 'signature', 'algorithm_not_allowed', async () => change(await sign(), { alg: 'none' })],
    [
      'changed claims',
      'signature',
      'signature_wrong',
      async () => change(await sign(), {}, { scope: 'client:create' }),
    ],
    ['no expiry', 'claims', 'claims_malformed', () => sign({ exp: undefined })],
    ['no generation', 'claims', 'claims_malformed', () => sign({ gen: undefined })],
    ['an unknown binding', 'claims', 'claims_malformed', () => sign({ cnf: { kid: 'x' } })],
    ['no audience', 'claims', 'audience_wrong', () => sign({ aud: [] })],
    ['expired', 'time', 'token_expired', () => sign({ exp: nowSeconds() - 1 })],
    ['expired this second', 'time', 'token_expired', () => sign({ exp: nowSeconds() })],
    ['not yet valid', 'time', 'token_not_yet_valid', () => sign({ nbf: nowSeconds() + 60 })],
    ['a start that is no time', 'time', 'token_not_yet_valid', () => sign({ nbf: 'now' })],
    ['another audience', 'audience', 'audience_wrong', () => sign({ aud: billing })],
    ['a DPoP key', 'binding', 'proof_missing', () => sign({ cnf: { jkt } })],
    ['a certificate', 'binding', 'certificate_missing', () => sign({ cnf: { 'x5t#S256': thumbprint } })],
    ['a revoked token', 'status', 'token_revoked', () => tokenAfter(revokeToken)],
    ['a deleted client', 'status', 'client_unknown', () => tokenAfter(deleteClient)],
    ['a disabled client', 'status', 'client_disabled', () => tokenAfter(disableClient)],
    [
      'a client that was disabled',
      'status',
      'generation_old',
      () =>
        tokenAfter(async (owner) => {
          await disableClient(owner);
          await enableClient(owner);
        }),
    ],
    ['all tokens of the client revoked', 'status', 'generation_old', () => tokenAfter(revokeAll)],
    ['root of another secret', 'status', 'generation_old', async () => sign({ client_id: server.root.clientId })],
    ['a withdrawn scope', 'status', 'scope_withdrawn', () => tokenAfter(withdrawScope)],
    ['a withdrawn resource', 'status', 'resource_withdrawn', () => sign({ aud: [server.url, billing] })],
    [
      'a withdrawn type of authorization details',
      'status',
      'details_type_withdrawn',
      () => sign({ authorization_details: [{ type: 'payment' }] }),
    ],
    ['malformed parent tokens', 'status', 'claims_malformed', () => sign({ parent_tokens: [{ jti: 1 }] })],
    ['a revoked parent token', 'status', 'token_revoked', () => exchangedAfter(revokeToken)],
    ['a parent token of a deleted client', 'status', 'client_unknown', () => exchangedAfter(deleteClient)],
    ['a parent token of a disabled client', 'status', 'client_disabled', () => exchangedAfter(disableClient)],
    ['all tokens of the parent client revoked', 'status', 'generation_old', () => exchangedAfter(revokeAll)],
    ['a scope withdrawn from the parent client', 'status', 'scope_withdrawn', () => exchangedAfter(withdrawScope)],
    ['a missing scope', 'scope', 'scope_missing', () => server.token(client, 'policy:read')],
  ])('%s', async (_, check, reason, make) => {
    const token = await make();
    const explanation = await explain(token, { scope, audience: server.url });
    const first = explanation.checks.find(({ result }) => result === 'failed');
    expect([explanation.verdict, explanation.reason]).toEqual([reason === null ? 'passes' : 'refused', reason]);
    expect([first?.name, first?.reason]).toEqual(reason === null ? [undefined, undefined] : [check, reason]);
    expect(first?.advice).toEqual(reason === null ? undefined : expect.stringMatching(/^[A-Z]/));
    expect(await guardReason(token)).toBe(reason);
    const answer = await server.call('GET', '/api/v1/oauth/scope', { token });
    const refusal = token.length > 16_384 ? 431 : reason === 'scope_missing' ? 403 : 401;
    expect(answer.status).toBe(reason === null ? 200 : refusal);
    expect(unknownIn(explanation)).toEqual([]);
    for (const { detail } of explanation.checks) {
      expect(detail).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('a bound token with a proof', async () => {
    const keys = await generateKeyPair('ES256');
    const jwk = await exportJWK(keys.publicKey);
    const token = await sign({ cnf: { jkt: await calculateJwkThumbprint(jwk) } });
    const dpop = await new SignJWT({
      jti: randomUUID(),
      htm: 'GET',
      htu: `${server.url}/x`,
      iat: nowSeconds(),
      ath: createHash('sha256').update(token).digest('base64url'),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(keys.privateKey);
    expect((await explain(token, { scope, proof: true })).reason).toBeNull();
    expect(await guardReason(token, { dpop })).toBeNull();
  });

  test('a bound token with its certificate', async () => {
    const token = await sign({ cnf: { 'x5t#S256': thumbprint } });
    expect((await explain(token, { scope, proof: true })).reason).toBeNull();
    expect(await guardReason(token, { certificateThumbprint: thumbprint })).toBeNull();
  });

  test('for every token that was changed at random', { timeout: 120_000 }, async () => {
    const instant = fc.integer({ min: -100, max: 100 }).map((seconds) => nowSeconds() + seconds);
    const anything = fc.jsonValue({ maxDepth: 2 });
    const optional = (...values: fc.Arbitrary<unknown>[]) =>
      fc.option(fc.oneof(...values), { nil: undefined, freq: 3 });
    const claims = fc.record(
      {
        iss: optional(fc.constant(server.url), anything),
        aud: optional(fc.constantFrom(server.url, billing, [server.url, billing]), anything),
        client_id: optional(fc.constantFrom(client.clientId, server.root.clientId, 'none'), anything),
        exp: optional(instant, anything),
        nbf: optional(instant, anything),
        iat: optional(instant, anything),
        gen: optional(fc.integer({ min: -1, max: 1 }), anything),
        scope: optional(fc.constantFrom(scope, 'policy:read', `${scope} rule:read`), anything),
        cnf: optional(fc.constantFrom({ jkt }, { 'x5t#S256': thumbprint }), anything),
        parent_tokens: optional(
          fc.constantFrom([], [{ jti: 'a', kid: key.kid, client_id: 'none', gen: 0, aud: [server.url] }]),
          anything,
        ),
      },
      { requiredKeys: [] },
    );
    const header = fc.record({ typ: fc.constantFrom('at+jwt', 'application/at+jwt', 'JWT') }, { requiredKeys: [] });
    const later = fc.record(
      {
        kid: fc.constantFrom(key.kid, 'x', 1),
        alg: fc.constantFrom('ES256', 'none'),
        crit: fc.constant(['x']),
        x: anything,
      },
      { requiredKeys: [] },
    );
    const text = fc.record({ at: fc.nat(2_000), by: fc.oneof(anyCharacter, fc.constant('')) });
    await fc.assert(
      fc.asyncProperty(
        claims,
        header,
        fc.option(later, { freq: 3, nil: {} }),
        fc.option(text, { freq: 3, nil: undefined }),
        async (newClaims, newHeader, afterwards, edit) => {
          const signed = await sign(newClaims, newHeader);
          const changed = Object.keys(afterwards).length === 0 ? signed : change(signed, afterwards);
          const token = edit === undefined ? changed : changed.slice(0, edit.at) + edit.by + changed.slice(edit.at + 1);
          if (/^ | $/.test(token)) {
            return;
          }
          const { verdict, reason } = await explain(token, { scope, audience: server.url });
          const expected = await guardReason(token);
          expect([verdict, reason]).toEqual([expected === null ? 'passes' : 'refused', expected]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('what the explanation says', () => {
  test('every check of a token that passes, by the clock of the server', async () => {
    const token = await server.token(client);
    const { checks, header, claims, clients, server_time } = await explain(token, { scope, audience: server.url });
    expect(checks.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'form ok',
      'issuer ok',
      'signature ok',
      'claims ok',
      'time ok',
      'audience ok',
      'binding ok',
      'status ok',
      'scope ok',
    ]);
    expect([header, claims]).toEqual([{ typ: 'at+jwt', alg: 'ES256', kid: key.kid }, claimsOf(token)]);
    expect(clients).toEqual([client.clientId]);
    expect(server_time).toBe(new Date(server.now()).toISOString());
  });

  test('when an expired token expired', async () => {
    const explanation = await explain(await sign({ exp: nowSeconds() - 7_300 }));
    expect(checkOf(explanation, 'time')?.detail).toMatch(/^It expired at \S+Z, 2 hours ago\.$/);
  });

  test('when a token becomes valid', async () => {
    const { detail, advice } = checkOf(await explain(await sign({ nbf: nowSeconds() + 300 })), 'time') ?? {};
    expect(detail).toMatch(/^It is not valid before \S+Z, in (4|5) minutes\.$/);
    expect(advice).toBe('Wait until then, or correct the clock of its issuer.');
  });

  test('each client on which an exchanged token depends, and a check for each token', async () => {
    const token = await exchangedAfter(revokeToken);
    const { checks, clients } = await explain(token);
    const [parent] = claimsOf(token)['parent_tokens'] as { jti: string; client_id: string }[];
    expect(clients).toEqual([claimsOf(token)['client_id'], parent?.client_id]);
    const status = checks.filter(({ name }) => name === 'status');
    expect(status.map(({ result }) => result)).toEqual(['ok', 'failed']);
    expect(status[1]?.detail).toBe(
      `The token ${parent?.jti} of the client ${parent?.client_id}, which was exchanged for it, was revoked.`,
    );
  });

  test.each([
    ['client_unknown', deleteClient, 'Create another client: postern client create'],
    ['client_disabled', disableClient, /^Enable the client and get a new token: postern client enable \w+$/],
    ['scope_withdrawn', withdrawScope, /postern client update \w+ --add-scope scope:read$/],
  ])('what to do about %s', async (_, event, advice) => {
    const token = await tokenAfter(event);
    expect(checkOf(await explain(token), 'status')?.advice).toEqual(
      typeof advice === 'string' ? advice : expect.stringMatching(advice),
    );
  });

  test('a withdrawn resource, of a token for that resource alone', async () => {
    const owner = await createClient({ resources: [billing] });
    const { body } = await server.postForm(tokenPath, {
      grant_type: 'client_credentials',
      resource: billing,
      ...secretOf(owner),
    });
    expect((await explain(body.access_token, { audience: billing, scope: 'policy:read' })).reason).toBeNull();
    await asRoot('PATCH', clientPath(owner), { resources: null });
    expect((await explain(body.access_token, { audience: billing })).reason).toBe('resource_withdrawn');
  });

  test('which API a token is for, and how to get one for another', async () => {
    const check = checkOf(await explain(await server.token(client), { audience: billing }), 'audience');
    expect([check?.detail, check?.advice]).toEqual([
      `It is for ${server.url}, and not for ${billing}.`,
      `Get a token for that API: postern token --resource ${billing}`,
    ]);
  });

  test('each missing scope, and how to get it', async () => {
    const { checks } = await explain(await server.token(client, 'policy:read'), { scope: `${scope} rule:read` });
    expect(checks.filter(({ name }) => name === 'scope').map(({ advice }) => advice)).toEqual([
      `Its client has ${scope}, but asked for a token without it: postern token --scope ${scope}`,
      `Give the scope to the client, and get a new token: postern client update ${client.clientId} --add-scope rule:read`,
    ]);
  });

  test('of many scopes the first ones', async () => {
    const token = await sign({ scope: Array.from({ length: 12 }, (_, index) => `s${index}`).join(' ') });
    expect(checkOf(await explain(token, { scope }), 'scope')?.detail).toContain(
      'It has: s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 2 more.',
    );
  });

  test('nothing of status or scope for a token that is not genuine', async () => {
    const forged = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const token = await new SignJWT(claimsOf(await server.token(client)))
      .setProtectedHeader({ typ: 'at+jwt', alg: 'ES256', kid: key.kid })
      .sign(forged);
    const { checks, clients } = await explain(token, { scope });
    expect(checks.map(({ name }) => name)).toEqual(['form', 'issuer', 'signature', 'claims', 'time']);
    expect(clients).toEqual([]);
  });
});

describe('what a caller may learn', () => {
  const callerWith = async (...scopes: string[]) => server.token(await server.createClient({ scopes }));

  test('without a token: all but the status', async () => {
    const revoked = await tokenAfter(revokeToken);
    for (const token of [await server.token(client), revoked, await tokenAfter(disableClient)]) {
      const explanation = await anonymously(token, { scope, audience: server.url });
      expect([explanation.verdict, unknownIn(explanation)]).toEqual(['passes', ['status']]);
    }
    expect((await anonymously(revoked, { scope: 'rule:read' })).reason).toBe('scope_missing');
    expect((await anonymously(await sign({ exp: nowSeconds() }))).reason).toBe('token_expired');
  });

  test('with a token that is not accepted: nothing', async () => {
    const { status, headers, body } = await server.call('POST', path, { token: 'x', body: { token: root } });
    expect([status, body.error, headers.get('cache-control')]).toEqual([401, 'invalid_token', 'no-store']);
  });

  test('a client without scopes: the status of its own tokens', async () => {
    const owner = await createClient();
    const caller = await server.token(owner, 'policy:read');
    const token = await server.token(owner);
    expect(unknownIn(await explain(token, {}, caller))).toEqual([]);
    await revoke(token, owner);
    expect((await explain(token, {}, caller)).reason).toBe('token_revoked');
  });

  test.each([[[]], [['policy:read', 'token:revoke']]])('with %j: nothing about tokens of others', async (scopes) => {
    const caller = await callerWith(...scopes);
    const answers = [];
    for (const event of [async () => {}, revokeToken, revokeAll, disableClient, deleteClient, withdrawScope]) {
      const explanation = await explain(await tokenAfter(event), { scope }, caller);
      expect(unknownIn(explanation)).toEqual(['status']);
      answers.push({ ...explanation.checks, claims: null, header: null });
    }
    const [first] = answers.map((answer) => JSON.stringify(answer).replaceAll(/\S+Z/g, ''));
    for (const answer of answers) {
      expect(JSON.stringify(answer).replaceAll(/\S+Z/g, '')).toBe(first);
    }
    expect(unknownIn(await explain(root, {}, caller))).toEqual(['status']);
  });

  test('nor which scopes the client of a token has', async () => {
    const token = await server.token(client, 'policy:read');
    const { advice } = checkOf(await explain(token, { scope }, await callerWith()), 'scope') ?? {};
    expect(advice).toContain('Give the scope to the client');
  });

  test('that a parent token of another client is no longer active, and not why', async () => {
    const exchanger = await createClient({ grant_types: ['client_credentials', tokenExchange] });
    const subject = await createClient({ may_act: exchanger.clientId });
    const token = await exchange(await server.token(subject), exchanger);
    const caller = await server.token(exchanger);
    expect((await explain(token, {}, caller)).verdict).toBe('passes');
    await disableClient(subject);
    const { verdict, reason, checks } = await explain(token, {}, caller);
    expect([verdict, reason]).toEqual(['refused', null]);
    expect(checks.at(-1)).toMatchObject({ result: 'failed', detail: expect.stringContaining('no longer active') });
    expect(JSON.stringify(checks)).not.toContain('disabled');
  });

  test('a client that may introspect the token: whether it is active, and not why', async () => {
    const api = await createClient();
    await asRoot('PUT', '/api/v1/oauth/resource', {
      key: 'shipping',
      identifier: 'https://shipping.example.com',
      scopes: [scope],
      introspection_clients: [api.clientId],
    });
    const owner = await createClient({ resources: ['https://shipping.example.com'] });
    const { body } = await server.postForm(tokenPath, {
      grant_type: 'client_credentials',
      resource: 'https://shipping.example.com',
      ...secretOf(owner),
    });
    const caller = await server.token(api);
    expect(unknownIn(await explain(body.access_token, {}, caller))).toEqual([]);
    await revokeAll(owner);
    expect(await explain(body.access_token, {}, caller)).toMatchObject({ verdict: 'refused', reason: null });
  });

  test('with client:read: what the settings of a client show', async () => {
    const caller = await callerWith('client:read');
    for (const [event, reason] of [
      [disableClient, 'client_disabled'],
      [deleteClient, 'client_unknown'],
      [withdrawScope, 'scope_withdrawn'],
    ] as const) {
      expect((await explain(await tokenAfter(event), {}, caller)).reason).toBe(reason);
    }
    for (const token of [await tokenAfter(revokeToken), await tokenAfter(revokeAll), root]) {
      expect(unknownIn(await explain(token, {}, caller))).toEqual(['status']);
    }
  });

  test('with revocation:read: all', async () => {
    const caller = await callerWith('revocation:read');
    for (const [event, reason] of [
      [revokeToken, 'token_revoked'],
      [revokeAll, 'generation_old'],
      [deleteClient, 'client_unknown'],
    ] as const) {
      expect((await explain(await tokenAfter(event), {}, caller)).reason).toBe(reason);
    }
    expect(unknownIn(await explain(root, {}, caller))).toEqual([]);
  });
});

describe('whatever is sent', () => {
  test.each<[string, number, unknown]>([
    ['no token', 422, {}],
    ['a token that is no text', 422, { token: 1 }],
    ['an unknown member', 422, { token: '', x: 1 }],
    ['a scope of 20 kB', 422, { token: '', scope: 'x'.repeat(20_000) }],
    ['a token of 100 kB', 413, { token: 'x'.repeat(100_000) }],
  ])('%s is %i', async (_, status, body) => {
    for (const token of [undefined, root]) {
      const answer = await server.call('POST', path, { token, body });
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([status, 'no-store']);
    }
  });

  test('garbage is token_malformed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyCharacter).map((all) => all.join('')),
        async (token) => {
          expect((await anonymously(token)).reason).toBe('token_malformed');
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([
    ['nested too deeply', `{"a":${'['.repeat(6_000)}${']'.repeat(6_000)}}`],
    ['a member named __proto__', '{"__proto__":{"a":1}}'],
    ['a number that is too large', '{"exp":1e999}'],
  ])('claims with %s are not shown', async (_, claims) => {
    const [header, , signature] = (await server.token(client)).split('.');
    const explanation = await anonymously(`${header}.${Buffer.from(claims).toString('base64url')}.${signature}`);
    expect([explanation.reason, explanation.claims]).toEqual(['issuer_wrong', null]);
  });

  test('the log holds no part of a token', async () => {
    const token = await sign({ exp: nowSeconds() - 1 });
    const lines = server.log.length;
    await explain(token);
    await server.call('POST', path, { body: { token: [token] } });
    await server.call('POST', path, { body: token });
    const logged = server.log.slice(lines).join('\n');
    expect(logged).toContain(path);
    for (const part of token.split('.')) {
      expect(logged).not.toContain(part);
    }
  });
});
