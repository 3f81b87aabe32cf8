/**
 * ID-JAGs: a client acts here for people whom another issuer knows.
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §3.1, §4.3, §4.3.3, §4.3.4, §4.4, §4.4.1, §7.1, §7.2, §9.1, §9.3
 * and §9.8.
 */
import { randomUUID } from 'node:crypto';
import {
  type Answer,
  type Credentials,
  claimsOf,
  startTestServer,
  type TestServer,
} from '@postern/testing/test-server';
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const typeOf = (name: string) => `urn:ietf:params:oauth:token-type:${name}`;
const tokenPath = '/api/v1/oauth/token';
const idp = 'https://acme.idp.example';
const chat = 'https://chat.example';
const files = 'https://files.example';
/** Another authorization server. */
const otherServer = 'https://auth.chat.example';
/** One that knows only scopes that no rule gives. */
const scopeServer = 'https://auth.scope.example';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let server: TestServer;
/** Holds policy:read, rule:read and scope:read, the first two of them at `chat`. */
let client: Credentials;
let other: Credentials;
let keys: KeyPair;
let jwk: object;

beforeAll(async () => {
  server = await startTestServer();
  keys = await generateKeyPair('ES256');
  jwk = { ...(await exportJWK(keys.publicKey)), kid: 'idp-1' };
  for (const [key, identifier] of [
    ['chat', chat],
    ['files', files],
    ['other-server', otherServer],
  ]) {
    await save('resource', { key, identifier, scopes: ['policy:read', 'rule:read'] });
  }
  await save('resource', { key: 'scope-server', identifier: scopeServer, scopes: ['scope:read'] });
  await save('authorization-details-type', { type: 'channel', schema: { type: 'object' } });
  const members = {
    scopes: ['policy:read', 'rule:read', 'scope:read'],
    grant_types: ['client_credentials', jwtBearer, tokenExchange],
    resources: [chat, files, otherServer, scopeServer],
    authorization_details_types: ['channel'],
  };
  client = await server.createClient(members);
  other = await server.createClient(members);
  await trust({});
});
afterAll(() => server.close());

async function save(kind: string, body: object, status = 200): Promise<Answer> {
  const answer = await server.call('PUT', `/api/v1/oauth/${kind}`, { token: await server.rootToken(), body });
  expect([answer.status, answer.body.detail]).toEqual([status, status === 200 ? undefined : expect.any(String)]);
  return answer;
}

const rule = (over: object = {}) => ({
  client_id: client.clientId,
  claims: { email: '*@acme.example' },
  people: true,
  scopes: ['policy:read', 'rule:read'],
  ...over,
});

const trust = (over: object, status = 200) =>
  save('issuer', { key: 'acme', issuer: idp, jwks: { keys: [jwk] }, rules: [rule()], ...over }, status);

const nowSeconds = () => Math.floor(server.now() / 1000);

async function idJag(claims: JWTPayload = {}, header: object = {}, key = keys.privateKey): Promise<string> {
  const payload = {
    iss: idp,
    sub: 'U019488227',
    aud: server.url,
    client_id: client.clientId,
    email: 'alice@acme.example',
    jti: randomUUID(),
    iat: nowSeconds(),
    exp: nowSeconds() + 300,
    resource: chat,
    scope: 'policy:read',
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: 'idp-1', typ: 'oauth-id-jag+jwt', ...header })
    .sign(key);
}

const basic = ({ clientId, clientSecret }: Credentials) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
});

const send = (assertion: string, over: Record<string, string> = {}, headers: Record<string, string> = basic(client)) =>
  server.postForm(tokenPath, { grant_type: jwtBearer, assertion, ...over }, headers);

async function claimsFor(assertion: string, over: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const { status, body } = await send(assertion, over);
  expect([status, body.error_description]).toEqual([200, undefined]);
  return claimsOf(body.access_token);
}

async function proof(pair: KeyPair): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(pair.publicKey) };
  return new SignJWT({ htm: 'POST', htu: server.url + tokenPath, jti: randomUUID(), iat: nowSeconds() })
    .setProtectedHeader(header)
    .sign(pair.privateKey);
}

const lastReason = () => JSON.parse(server.log.findLast((line) => line.includes('"reason"')) ?? '{}').reason;

describe('§4.4 a client acts for a person', () => {
  test('sub is the person, at their issuer, and client_id the client that authenticated', async () => {
    const answer = await send(await idJag());
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'policy:read',
    });
    const claims = claimsOf(answer.body.access_token);
    expect(claims).toMatchObject({
      iss: server.url,
      sub: `${idp}#U019488227`,
      client_id: client.clientId,
      aud: chat,
      scope: 'policy:read',
    });
    expect(claims).not.toHaveProperty('act');
    const seen = await server.postForm('/api/v1/oauth/introspect', { token: answer.body.access_token }, basic(client));
    expect(seen.body).toMatchObject({ active: true, sub: `${idp}#U019488227`, client_id: client.clientId });
    expect(server.log.findLast((line) => line.includes('"sub"'))).toContain(`"sub":"${idp}#U019488227"`);
  });

  test('two issuers or tenants never call two people the same, nor does one name a client', async () => {
    const subjects = await Promise.all(
      [
        {},
        { tenant: 'a/b' },
        { sub: 'b/c' },
        { tenant: 'a', sub: 'b/c' },
        { sub: 'alice@acme.example' },
        { sub: '#' },
      ].map(async (claims) => (await claimsFor(await idJag(claims)))['sub']),
    );
    expect(subjects).toEqual([
      `${idp}#U019488227`,
      `${idp}#a%2Fb/U019488227`,
      `${idp}#b%2Fc`,
      `${idp}#a/b%2Fc`,
      `${idp}#alice@acme.example`,
      `${idp}#%23`,
    ]);
    expect((await claimsFor(await idJag({ sub: other.clientId })))['sub']).toBe(`${idp}#${other.clientId}`);
  });

  test('RFC 8693 §4.1 who acted for the person before is in act, as a client of their issuer', async () => {
    const { act } = await claimsFor(
      await idJag({ act: { sub: 'agent', act: { sub: client.clientId } } } as JWTPayload),
    );
    expect(act).toEqual({ sub: `${idp}#agent`, act: { sub: `${idp}#${client.clientId}` } });
  });

  test('RFC 9396 §2 the authorization details are those of the ID-JAG, and the request adds none', async () => {
    const details = [{ type: 'channel', name: 'general' }];
    const answer = await send(await idJag({ authorization_details: details }));
    expect(answer.body.authorization_details).toEqual(details);
    expect(claimsOf(answer.body.access_token)['authorization_details']).toEqual(details);
    const over = { authorization_details: JSON.stringify(details) };
    for (const claims of [{}, { authorization_details: details }]) {
      expect((await send(await idJag(claims), over)).body.error).toBe('invalid_authorization_details');
    }
    const unknown = await send(await idJag({ authorization_details: [{ type: 'other' }] }));
    expect([unknown.status, unknown.body.error]).toEqual([400, 'invalid_authorization_details']);
  });

  test('§7.2 metadata names the profile, and the grant that it profiles', async () => {
    const { body } = await server.call('GET', '/.well-known/oauth-authorization-server');
    expect(body.authorization_grant_profiles_supported).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag']);
    expect(body.grant_types_supported).toContain(jwtBearer);
  });
});

describe('§4.4.1 the access token is never wider than the ID-JAG, the rule and the client', () => {
  test('it has the scopes of the ID-JAG, or fewer if the request asks for fewer', async () => {
    expect((await claimsFor(await idJag({ scope: 'policy:read rule:read' })))['scope']).toBe('policy:read rule:read');
    const fewer = await claimsFor(await idJag({ scope: 'policy:read rule:read' }), { scope: 'rule:read' });
    expect(fewer['scope']).toBe('rule:read');
    // Without a scope claim: what the rule gives, of what the client holds and the resource knows.
    expect((await claimsFor(await idJag({ scope: undefined })))['scope']).toBe('policy:read rule:read');
  });

  test.each([
    ['a scope that the ID-JAG does not have', {}, { scope: 'rule:read' }],
    ['a scope of the client that the rule does not give', { scope: 'scope:read' }, {}],
    ['a scope that the client lacks, next to one that it holds', { scope: 'policy:read policy:delete' }, {}],
    ['a scope that does not exist', { scope: 'chat.read' }, {}],
    ['no scope at all', { scope: '' }, {}],
  ])('%s is an invalid_scope', async (_name, claims, over) => {
    const { status, body } = await send(await idJag(claims), over);
    expect([status, body.error]).toEqual([400, 'invalid_scope']);
  });

  test('it is for the resource of the ID-JAG, or for one of several if the request names it', async () => {
    expect((await claimsFor(await idJag({ resource: `${chat}/` })))['aud']).toBe(chat);
    expect((await claimsFor(await idJag({ resource: [chat, files] } as JWTPayload), { resource: files }))['aud']).toBe(
      files,
    );
    expect((await claimsFor(await idJag({ resource: undefined }), { audience: 'files' }))['aud']).toBe(files);
  });

  test.each([
    ['another resource than that of the ID-JAG', {}, { resource: files }],
    ['the APIs of Postern', {}, { resource: 'ISSUER' }],
    ['none of several', { resource: [chat, files] }, {}],
    ['one that the client may not ask for', { resource: 'https://other.example' }, {}],
  ])('%s is an invalid_target', async (_name, claims, { resource }: { resource?: string }) => {
    const over = resource === undefined ? {} : { resource: resource === 'ISSUER' ? server.url : resource };
    const { status, body } = await send(await idJag(claims as JWTPayload), over);
    expect([status, body.error]).toEqual([400, 'invalid_target']);
  });

  test('an issuer or rule that is deleted or changed revokes the tokens that were got through it', async () => {
    const isActive = async (token: string) =>
      (await server.postForm('/api/v1/oauth/introspect', { token }, basic(client))).body.active;
    const token = async () => (await send(await idJag())).body.access_token;
    const first = await token();
    expect(await isActive(first)).toBe(true);
    await trust({ rules: [rule({ people: false })] });
    expect(await isActive(first)).toBe(false);
    await trust({});
    const second = await token();
    await server.call('DELETE', '/api/v1/oauth/issuer/acme', { token: await server.rootToken() });
    expect(await isActive(second)).toBe(false);
    await trust({});
  });
});

describe('§4.4.1 and §9.1 the client authenticates, and is the one that the ID-JAG names', () => {
  test.each([
    ['nobody authenticates', () => ({}), {}, 401, 'invalid_client'],
    ['only the id of the client is sent', () => ({}), { client_id: 'CLIENT' }, 401, 'invalid_client'],
    ['the secret is wrong', () => basic({ ...client, clientSecret: 'wrong' }), {}, 401, 'invalid_client'],
    ['another client authenticates', () => basic(other), {}, 400, 'invalid_grant'],
    ['the form names another client', () => ({}), { client_id: 'OTHER' }, 400, 'invalid_grant'],
  ])('%s', async (_name, headers, over: Record<string, string>, status, error) => {
    const named = { CLIENT: client.clientId, OTHER: other.clientId }[over['client_id'] ?? ''];
    const answer = await send(await idJag(), named === undefined ? {} : { client_id: named }, headers());
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  test('a client without credentials of its own gets nothing by one', async () => {
    const { body } = await server.call('POST', '/api/v1/oauth/client', {
      token: await server.rootToken(),
      body: {
        scopes: ['policy:read'],
        grant_types: [jwtBearer],
        token_endpoint_auth_method: 'none',
        resources: [chat],
      },
    });
    await trust({ rules: [rule(), rule({ client_id: body.client_id, scopes: null })] });
    const answer = await send(await idJag({ client_id: body.client_id }), { client_id: body.client_id }, {});
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    await trust({});
  });

  test('an ID-JAG for a client that has no rule, or that is not registered for the grant', async () => {
    const noRule = await send(await idJag({ client_id: other.clientId }), {}, basic(other));
    expect([noRule.body.error, lastReason()]).toEqual(['invalid_grant', 'no_rule_matches']);
    const plain = await server.createClient({ scopes: ['policy:read'], resources: [chat] });
    await trust({ rules: [rule({ client_id: plain.clientId, scopes: null })] });
    const notRegistered = await send(await idJag({ client_id: plain.clientId }), {}, basic(plain));
    expect(notRegistered.body.error).toBe('unauthorized_client');
    await trust({});
  });
});

describe('RFC 8725 §3.11 a rule for people is for nobody else', () => {
  const workload = (over: object = {}) => idJag(over as JWTPayload, { typ: 'JWT' });

  test('a plain JWT with the same claims does not match it, with and without credentials', async () => {
    for (const headers of [{}, basic(client)] as Record<string, string>[]) {
      const { body } = await send(await workload(), {}, headers);
      expect([body.error, lastReason()]).toEqual(['invalid_grant', 'no_rule_matches']);
    }
  });

  test('an ID-JAG does not match a rule for workloads, and the JWT that does is still no ID-JAG', async () => {
    await trust({ rules: [rule({ people: false })] });
    const asPerson = await send(await idJag());
    expect([asPerson.body.error, lastReason()]).toEqual(['invalid_grant', 'no_rule_matches']);
    const asWorkload = await send(await workload(), { resource: chat }, {});
    expect(claimsOf(asWorkload.body.access_token)['sub']).toBe(client.clientId);
    await trust({});
  });

  test('a rule that does not say so is for workloads', async () => {
    const { people: _, ...without } = rule();
    const { body } = await trust({ rules: [without] });
    expect(body.rules).toEqual([{ ...without, people: false }]);
    await trust({});
  });

  test('only an issuer with an https URL may name people, for it is in their sub', async () => {
    const { body } = await trust({ issuer: 'urn:example:idp' }, 422);
    expect(body.detail).toContain('issuer: must be an https URL');
  });
});

describe('§9.8 an ID-JAG that is bound to a key takes that key', () => {
  test('§9.8.1 the access token is bound to the key that the ID-JAG names, and no other key will do', async () => {
    const pair = await generateKeyPair('ES256');
    const jkt = await calculateJwkThumbprint(await exportJWK(pair.publicKey));
    const bound = await idJag({ cnf: { jkt } });
    const without = await send(bound);
    expect([without.body.error, lastReason()]).toEqual(['invalid_grant', 'proof_missing']);
    const wrong = await send(bound, {}, { ...basic(client), dpop: await proof(keys) });
    expect([wrong.body.error, lastReason()]).toEqual(['invalid_grant', 'proof_wrong']);
    const { body } = await send(bound, {}, { ...basic(client), dpop: await proof(pair) });
    expect(body.token_type).toBe('DPoP');
    expect(claimsOf(body.access_token)['cnf']).toEqual({ jkt });
  });

  test('§9.8.2 without the certificate that it names', async () => {
    const { body } = await send(await idJag({ cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } }));
    expect([body.error, lastReason()]).toEqual(['invalid_grant', 'proof_missing']);
  });

  test('§9.8 one without a key may be used with a proof, and the access token is then bound', async () => {
    const { body } = await send(await idJag(), {}, { ...basic(client), dpop: await proof(keys) });
    expect(body.token_type).toBe('DPoP');
  });
});

describe('RFC 7523 §3 one that is not right is an invalid_grant', () => {
  test('it is used once', async () => {
    const assertion = await idJag();
    expect((await send(assertion, { scope: 'rule:read' })).body.error).toBe('invalid_scope');
    expect((await send(assertion)).status).toBe(200);
    const { status, body } = await send(assertion);
    expect([status, body.error, lastReason()]).toEqual([400, 'invalid_grant', 'token_replayed']);
  });

  const bad: [name: string, reason: string, claims: () => object, header?: object][] = [
    ['of another issuer', 'issuer_wrong', () => ({ iss: 'https://other.idp.example' })],
    ['of Postern itself', 'issuer_wrong', () => ({ iss: server.url })],
    ['without an issuer', 'assertion_malformed', () => ({ iss: undefined })],
    ['for another authorization server', 'audience_wrong', () => ({ aud: 'https://other.example' })],
    ['for its token endpoint', 'audience_wrong', () => ({ aud: server.url + tokenPath })],
    ['for two authorization servers', 'audience_wrong', () => ({ aud: [server.url, 'https://other.example'] })],
    ['expired', 'token_expired', () => ({ exp: nowSeconds() - 60 })],
    ['issued in the future', 'token_not_yet_valid', () => ({ iat: nowSeconds() + 600, exp: nowSeconds() + 900 })],
    ['too old', 'token_expired', () => ({ iat: nowSeconds() - 4_000 })],
    ['with another signature', 'key_unknown', () => ({}), { kid: 'other' }],
    ['with an unknown typ', 'token_type_wrong', () => ({}), { typ: 'id-jag+jwt' }],
    ['with the typ of an access token', 'token_type_wrong', () => ({}), { typ: 'at+jwt' }],
    ['of a person whom no rule accepts', 'no_rule_matches', () => ({ email: 'alice@evil.example' })],
    ['with an email in a list', 'no_rule_matches', () => ({ email: ['alice@acme.example'] })],
    ['without a client_id', 'assertion_malformed', () => ({ client_id: undefined })],
    ['with a list of clients', 'assertion_malformed', () => ({ client_id: [client.clientId] })],
    ['without a jti', 'assertion_malformed', () => ({ jti: undefined })],
    ['without an iat', 'assertion_malformed', () => ({ iat: undefined })],
    ['without a sub', 'assertion_malformed', () => ({ sub: undefined })],
    ['with a sub of 10 kB', 'assertion_malformed', () => ({ sub: 'a'.repeat(10_000) })],
    ['with a line feed in its sub', 'assertion_malformed', () => ({ sub: 'alice\nroot' })],
    ['with an emoji as its sub', 'assertion_malformed', () => ({ sub: '🙂' })],
    ['with an object as its tenant', 'assertion_malformed', () => ({ tenant: { a: 1 } })],
    ['with a list as its scope', 'assertion_malformed', () => ({ scope: ['policy:read'] })],
    ['with a number as its resource', 'assertion_malformed', () => ({ resource: 1 })],
    ['with no resource in a list', 'assertion_malformed', () => ({ resource: [] })],
    ['with a thousand resources', 'assertion_malformed', () => ({ resource: Array(1_000).fill('a:b') })],
    ['with an empty cnf', 'assertion_malformed', () => ({ cnf: {} })],
    ['with a cnf that nobody can check', 'assertion_malformed', () => ({ cnf: { jwk: {} } })],
    ['with null as its cnf', 'assertion_malformed', () => ({ cnf: null })],
    ['with a text as its act', 'assertion_malformed', () => ({ act: 'agent' })],
    ['with an actor without a name', 'assertion_malformed', () => ({ act: { act: { sub: 'a' } } })],
    [
      'with five actors',
      'assertion_malformed',
      () => ({ act: { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd', act: { sub: 'e' } } } } } }),
    ],
  ];
  test.each(bad)('%s', async (_name, reason, claims, header) => {
    const { status, body } = await send(await idJag(claims() as JWTPayload, header));
    expect([status, body.error, lastReason()]).toEqual([400, 'invalid_grant', reason]);
  });

  test('claims that are named like what every object has do nothing', async () => {
    const prototypes = JSON.parse('{"__proto__":{"scope":"scope:read","act":{"sub":"x"}},"constructor":{"name":"x"}}');
    const claims = await claimsFor(await idJag(prototypes));
    expect(claims).toMatchObject({ scope: 'policy:read', sub: `${idp}#U019488227` });
    expect(Object.keys(claims)).not.toContain('act');
  });

  test('a name of 10 kB is not in the access token', async () => {
    const { body } = await send(await idJag({ name: 'a'.repeat(10_000) }));
    expect(body.access_token.length).toBeLessThan(1_500);
  });
});

describe('§4.3 a client gets an ID-JAG for another authorization server', () => {
  const exchange = (form: Record<string, string>, headers: Record<string, string> = basic(client)) =>
    server.postForm(
      tokenPath,
      { grant_type: tokenExchange, requested_token_type: typeOf('id-jag'), audience: otherServer, ...form },
      headers,
    );

  /** Of a person, whom `acme` knows, for the client at the other authorization server. */
  async function tokenOfPerson(over: JWTPayload = {}, headers: Record<string, string> = {}): Promise<string> {
    const assertion = await idJag({ resource: otherServer, scope: 'policy:read rule:read', ...over });
    return (await send(assertion, {}, { ...basic(client), ...headers })).body.access_token;
  }
  const byToken = async (over: Record<string, string> = {}, headers?: Record<string, string>) =>
    exchange({ subject_token: await tokenOfPerson(), subject_token_type: typeOf('access_token'), ...over }, headers);
  const idToken = (over: object = {}, header: object = {}) =>
    idJag(
      { aud: client.clientId, client_id: undefined, resource: undefined, scope: undefined, ...over } as JWTPayload,
      {
        typ: 'JWT',
        ...header,
      },
    );
  const byIdToken = async (over: Record<string, string> = {}, claims: object = {}, headers?: Record<string, string>) =>
    exchange({ subject_token: await idToken(claims), subject_token_type: typeOf('id_token'), ...over }, headers);

  const both: [string, (over?: Record<string, string>) => Promise<Answer>][] = [
    ['by a token of this server', (over) => byToken(over)],
    ['§4.3.3 by an ID token of the person for the client', (over) => byIdToken(over)],
  ];

  test.each(both)('%s: signed, short-lived, for the person, the client and the resource', async (_name, ask) => {
    const { status, body } = await ask({ scope: 'policy:read', resource: 'https://api.chat.example/acme' });
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: typeOf('id-jag'),
        token_type: 'N_A',
        expires_in: expect.any(Number),
        scope: 'policy:read',
      },
    ]);
    expect(body.expires_in).toBeLessThanOrEqual(300);
    const keySet = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(body.access_token, keySet, {
      issuer: server.url,
      audience: otherServer,
      typ: 'oauth-id-jag+jwt',
      currentDate: new Date(server.now()),
    });
    expect(protectedHeader).not.toHaveProperty('jwk');
    expect(payload).toEqual({
      iss: server.url,
      sub: `${idp}#U019488227`,
      aud: otherServer,
      client_id: client.clientId,
      resource: 'https://api.chat.example/acme',
      scope: 'policy:read',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + body.expires_in,
    });
  });

  test.each(both)('%s: never wider than what is behind it', async (_name, ask) => {
    expect((await ask()).body.scope).toBe('policy:read rule:read');
    expect((await ask({ audience: 'other-server' })).status).toBe(200);
    for (const [form, error] of [
      [{ scope: 'scope:read' }, 'invalid_scope'],
      [{ scope: 'chat.read' }, 'invalid_scope'],
      [{ audience: 'https://elsewhere.example' }, 'invalid_target'],
      [{ audience: server.url }, 'invalid_target'],
      [{ resource: 'no uri' }, 'invalid_target'],
      [{ resource: 'https://api.example/#a' }, 'invalid_target'],
      [{ resource: `https://api.example/${'a'.repeat(1_000)}` }, 'invalid_target'],
      [{ audience: '' }, 'invalid_request'],
      [{ subject_token: 'x' }, 'invalid_request'],
      [{ subject_token: '' }, 'invalid_request'],
      [{ authorization_details: '[{"type":"other"}]' }, 'invalid_authorization_details'],
    ] as [Record<string, string>, string][]) {
      const { status, body } = await ask(form);
      expect([form, status, body.error]).toEqual([form, 400, error]);
    }
  });

  test('§9.3 it is an access token nowhere, and this server takes no ID-JAG of its own', async () => {
    const { body } = await byToken();
    const token = body.access_token;
    expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(401);
    expect((await server.postForm('/api/v1/oauth/introspect', { token }, basic(server.root))).body).toEqual({
      active: false,
    });
    expect((await send(token)).body.error).toBe('invalid_grant');
    for (const type of ['access_token', 'jwt', 'id_token']) {
      const again = await exchange({ subject_token: token, subject_token_type: typeOf(type) });
      expect([type, again.body.error]).toEqual([type, 'invalid_request']);
    }
  });

  test('a token is exchanged only for the server that it is for, and only until it is revoked', async () => {
    const forChat = (await send(await idJag())).body.access_token;
    const form = { subject_token: forChat, subject_token_type: typeOf('access_token') };
    expect((await exchange(form)).body.error).toBe('invalid_target');
    const token = await tokenOfPerson();
    await server.postForm('/api/v1/oauth/revoke', { token }, basic(client));
    expect((await exchange({ ...form, subject_token: token })).body.error).toBe('invalid_request');
    expect((await byToken({}, basic(other))).body.error).toBe('invalid_request');
  });

  test('a machine gets one for itself, by its own token', async () => {
    const ask = async (scope: string, resource: string) =>
      (await server.postForm(tokenPath, { grant_type: 'client_credentials', scope, resource }, basic(client))).body
        .access_token;
    const subject_token = await ask('policy:read', otherServer);
    const { body } = await exchange({ subject_token, subject_token_type: typeOf('jwt') });
    expect(claimsOf(body.access_token)).toMatchObject({ sub: client.clientId, client_id: client.clientId });
  });

  test('§9.8.1.1 it is bound to the key of the request, which a bound subject token requires', async () => {
    const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
    const withProof = async () => ({ ...basic(client), dpop: await proof(keys) });
    const subject_token = await tokenOfPerson({}, { dpop: await proof(keys) });
    const form = { subject_token, subject_token_type: typeOf('access_token') };
    expect((await exchange(form)).body.error).toBe('invalid_request');
    const { body } = await exchange(form, await withProof());
    expect([body.token_type, claimsOf(body.access_token)['cnf']]).toEqual(['N_A', { jkt }]);
    expect(claimsOf((await byIdToken({}, {}, await withProof())).body.access_token)['cnf']).toEqual({ jkt });
  });

  test('RFC 8693 §4.1 who acted before stays in it', async () => {
    const subject_token = await tokenOfPerson({ act: { sub: 'agent' } } as JWTPayload);
    const { body } = await exchange({ subject_token, subject_token_type: typeOf('access_token') });
    expect(claimsOf(body.access_token)['act']).toEqual({ sub: `${idp}#agent` });
  });

  test('§4.3.4 the authorization details of the subject token are in it', async () => {
    const details = [{ type: 'channel', name: 'general' }];
    const subject_token = await tokenOfPerson({ authorization_details: details });
    const { body } = await exchange({ subject_token, subject_token_type: typeOf('access_token') });
    expect([body.authorization_details, claimsOf(body.access_token)['authorization_details']]).toEqual([
      details,
      details,
    ]);
  });

  test('§4.3.3 an ID token is used as often as the client wants, but by nobody else and while it is valid', async () => {
    const subject_token = await idToken();
    const form = { subject_token, subject_token_type: typeOf('id_token') };
    for (const headers of [basic(client), basic(client)]) {
      expect((await exchange(form, headers)).status).toBe(200);
    }
    expect((await exchange(form, {})).body.error).toBe('invalid_client');
    expect((await exchange(form, basic(other))).body.error).toBe('invalid_request');
    expect((await exchange({ ...form, client_id: other.clientId }, {})).body.error).toBe('invalid_request');
    expect((await exchange({ ...form, actor_token: subject_token, actor_token_type: typeOf('jwt') })).body.error).toBe(
      'invalid_request',
    );
    const short = await byIdToken({}, { exp: nowSeconds() + 10 });
    expect(short.body.expires_in).toBeLessThanOrEqual(10);
    expect((await byIdToken({}, { exp: nowSeconds() - 10 })).body.error).toBe('invalid_request');
  });

  const badIdTokens: [name: string, claims: () => object, header?: object][] = [
    ['for another client', () => ({ aud: other.clientId })],
    ['for two clients', () => ({ aud: [client.clientId, other.clientId] })],
    ['for this server, as a workload would', () => ({ aud: server.url })],
    ['of another issuer', () => ({ iss: 'https://other.idp.example' })],
    ['of a person whom no rule accepts', () => ({ email: 'alice@evil.example' })],
    ['with a sub of 10 kB', () => ({ sub: 'a'.repeat(10_000) })],
    ['that is expired', () => ({ exp: nowSeconds() - 60 })],
    ['that is an ID-JAG', () => ({}), { typ: 'oauth-id-jag+jwt' }],
    ['that is an access token', () => ({}), { typ: 'at+jwt' }],
  ];
  test.each(badIdTokens)('§4.3.3 an ID token %s is an invalid_request', async (_name, claims, header = {}) => {
    const subject_token = await idToken(claims(), header);
    const { status, body } = await exchange({ subject_token, subject_token_type: typeOf('id_token') });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  test('an ID token gets no access token here by a rule for people', async () => {
    const form = {
      subject_token_type: typeOf('id_token'),
      requested_token_type: typeOf('access_token'),
      audience: chat,
    };
    for (const aud of [client.clientId, server.url]) {
      const { body } = await exchange({ ...form, subject_token: await idToken({ aud }) });
      expect(body.error).toBe('invalid_request');
    }
  });

  test('without a scope there is none, for it would not be limited', async () => {
    const { body } = await byIdToken({ audience: scopeServer });
    expect([body.error, body.error_description]).toEqual(['invalid_scope', expect.stringContaining('No scope')]);
  });

  test('§7.1 metadata names the type', async () => {
    const { body } = await server.call('GET', '/.well-known/oauth-authorization-server');
    expect(body.identity_chaining_requested_token_types_supported).toEqual([typeOf('id-jag')]);
  });
});
