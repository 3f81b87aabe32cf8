/** Tokens for workloads by their platform's own token, with no secret. RFC 7523 §2.1 and §3, JWT-SVID. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allowLocalFetches, type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import {
  createGithub,
  createKubernetes,
  createSpire,
  githubIssuer,
  kubernetesIssuer,
  type Platform,
  spiffeIssuer,
} from '@postern/testing/platform-tokens';
import { type Answer, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenPath = '/api/v1/oauth/token';
const issuerPath = '/api/v1/oauth/issuer';

let server: TestServer;
let other: DocumentServer;
let github: Platform;
let kubernetes: Platform;
let spire: Platform;
/** A client that has no secret and holds policy:read and rule:read. */
let clientId: string;

beforeAll(async () => {
  other = await startHttpsServer();
  server = await startTestServer({ env: allowLocalFetches });
  [github, kubernetes, spire] = await Promise.all([
    createGithub(server.url, server.now),
    createKubernetes(server.url, server.now),
    createSpire(server.url, server.now),
  ]);
  clientId = await createWorkloadClient(server);
  other.documents.set('/github/jwks', { keys: [github.jwk] });
  const { publicKey } = await generateKeyPair('ES256');
  const x509 = { ...(await exportJWK(publicKey)), use: 'x509-svid', x5c: ['MIIB'] };
  other.documents.set('/bundle', { keys: [x509, spire.jwk], spiffe_sequence: 1, spiffe_refresh_hint: 300 });
  await trust(githubRecord());
  await trust(kubernetesRecord());
  await trust(spiffeRecord());
});
afterAll(async () => {
  await server.close();
  await other.close();
});
afterEach(() => {
  vi.useRealTimers();
});

const githubRecord = (over: object = {}) => ({
  key: 'github',
  issuer: githubIssuer,
  jwks_uri: `${other.url}/github/jwks`,
  rules: [{ client_id: clientId, claims: { sub: 'repo:octo-org/*:environment:prod', ref: 'refs/heads/main' } }],
  ...over,
});
const kubernetesRecord = (over: object = {}) => ({
  key: 'cluster',
  issuer: kubernetesIssuer,
  jwks: { keys: [kubernetes.jwk] },
  rules: [
    {
      client_id: clientId,
      claims: { '/kubernetes.io/namespace': 'payments', '/kubernetes.io/serviceaccount/name': 'billing' },
    },
  ],
  ...over,
});
const spiffeRecord = (over: object = {}) => ({
  key: 'mesh',
  issuer: spiffeIssuer,
  jwks_uri: `${other.url}/bundle`,
  rules: [{ client_id: clientId, claims: { sub: 'spiffe://example.org/ns/*/sa/billing' } }],
  ...over,
});

async function createWorkloadClient(on: TestServer, over: object = {}): Promise<string> {
  const created = await on.call('POST', '/api/v1/oauth/client', {
    token: await on.rootToken(),
    body: {
      scopes: ['policy:read', 'rule:read'],
      grant_types: [grantType],
      token_endpoint_auth_method: 'none',
      ...over,
    },
  });
  expect(created.status).toBe(200);
  return created.body.client_id;
}

async function trust(record: object, on = server): Promise<void> {
  const answer = await on.call('PUT', issuerPath, { token: await on.rootToken(), body: record });
  expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
}

const ask = (assertion: string, over: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  server.postForm(tokenPath, { grant_type: grantType, assertion, ...over }, headers);

const refusal = {
  error: 'invalid_grant',
  error_description: expect.stringMatching(/^The assertion is not accepted: /),
  detail: expect.any(String),
};
/** Refused with the text that does not tell why; `reason` is what the log says. */
function expectRefusal(answer: Answer, reason: string): void {
  expect([answer.status, answer.body]).toEqual([400, refusal]);
  expect(server.log.findLast((line) => line.includes('invalid_grant'))).toContain(`"reason":"${reason}"`);
}

describe('RFC 7523 §2.1 the platform says who the workload is', () => {
  test.each([
    ['a job of GitHub Actions', () => github],
    ['a pod of Kubernetes', () => kubernetes],
    ['a workload of SPIRE', () => spire],
  ])('%s gets the scopes of its client, without a secret', async (_name, platform) => {
    const { status, body } = await ask(await platform().token());
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'policy:read rule:read' });
    expect(claimsOf(body.access_token)).toMatchObject({ sub: clientId, client_id: clientId, aud: server.url });
  });

  test('it asks for fewer scopes, and the log says which workload it was', async () => {
    const { body } = await ask(await kubernetes.token(), { scope: 'rule:read' });
    expect(body.scope).toBe('rule:read');
    const line = server.log.findLast((entry) => entry.includes('workload_issuer'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      client_id: clientId,
      workload_issuer: kubernetesIssuer,
      workload: 'system:serviceaccount:payments:billing',
    });
  });

  test('RFC 8414 §2 metadata lists the grant, and that it needs no client authentication', async () => {
    const { body } = await server.call('GET', '/.well-known/oauth-authorization-server');
    expect(body.grant_types_supported).toContain(grantType);
    expect(body.token_endpoint_auth_methods_supported).toContain('none');
    expect(body.introspection_endpoint_auth_methods_supported).not.toContain('none');
  });
});

describe('RFC 8693 §2.1 token exchange takes the token of a workload as the jwt-bearer grant does', () => {
  const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`;
  const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
  const iss = 'https://exchange.example';
  let platform: Platform;
  let id: string;
  const record = (over: object = {}) => ({
    key: 'exchange',
    issuer: iss,
    jwks: { keys: [platform.jwk] },
    rules: [{ client_id: id, claims: { sub: 'system:serviceaccount:payments:*' } }],
    ...over,
  });
  const exchange = (subject_token: string, over: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    server.postForm(
      tokenPath,
      { grant_type: exchangeGrant, subject_token, subject_token_type: tokenType('jwt'), ...over },
      headers,
    );

  beforeAll(async () => {
    platform = await createKubernetes(server.url, server.now);
    id = await createWorkloadClient(server, { grant_types: [grantType, exchangeGrant] });
    await trust(record());
  });

  test.each(['jwt', 'id_token'])('as %s, without credentials, and the log says which workload it was', async (name) => {
    const { status, body } = await exchange(await platform.token({ iss }), {
      subject_token_type: tokenType(name),
      requested_token_type: tokenType('access_token'),
      scope: 'policy:read',
    });
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: tokenType('access_token'),
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        scope: 'policy:read',
      },
    ]);
    const claims = claimsOf(body.access_token);
    const byBearer = claimsOf((await ask(await platform.token({ iss }), { scope: 'policy:read' })).body.access_token);
    expect({ ...claims, jti: '', iat: 0, exp: 0 }).toEqual({ ...byBearer, jti: '', iat: 0, exp: 0 });
    expect(server.log.findLast((line) => line.includes('"workload"'))).toContain(`"workload_issuer":"${iss}"`);
  });

  test('a token is used once, by whichever grant', async () => {
    const token = await platform.token({ iss });
    expect((await exchange(token)).status).toBe(200);
    expectRefusal(await ask(token), 'token_replayed');
    const { status, body } = await exchange(token);
    expect([status, body.error, body.error_description]).toEqual([
      400,
      'invalid_request',
      expect.stringMatching(/^The subject_token is not accepted: /),
    ]);
  });

  test('RFC 8693 §2.2.2 what does not fit is refused with one text', async () => {
    const other = await createKubernetes(server.url, server.now);
    const texts = new Set<string>();
    for (const [token, reason] of [
      [await other.token({ iss }), 'key_unknown'],
      [await platform.token({ iss: 'https://nobody.example' }), 'issuer_wrong'],
      [await platform.token({ iss, aud: 'https://elsewhere.example' }), 'audience_wrong'],
      [await platform.token({ iss, exp: Math.floor(server.now() / 1000) - 60 }), 'token_expired'],
      [await platform.token({ iss, sub: 'system:serviceaccount:other:x' }), 'rule_missing'],
    ] as const) {
      for (const name of ['jwt', 'id_token']) {
        const { status, body } = await exchange(token, { subject_token_type: tokenType(name) });
        expect([reason, status, body.error]).toEqual([reason, 400, 'invalid_request']);
        texts.add(body.error_description);
        expect(server.log.findLast((line) => line.includes('invalid_request'))).toMatch(/"reason":"\w+"/);
      }
    }
    expect(texts.size).toBe(1);
  });

  test.each<[string, Record<string, string>, string]>([
    ['the token of an actor', { actor_token: 'x', actor_token_type: tokenType('jwt') }, 'invalid_request'],
    ['another kind of token', { requested_token_type: tokenType('id_token') }, 'invalid_request'],
    ['the type of an access token', { subject_token_type: tokenType('access_token') }, 'invalid_client'],
    ['another type', { subject_token_type: tokenType('saml2') }, 'invalid_client'],
    ['more scopes than the client holds', { scope: 'client:create' }, 'invalid_scope'],
    ['an audience that the client may not ask for', { audience: '//iam.example/pools/x' }, 'invalid_target'],
    ['another client', { client_id: 'another' }, 'invalid_request'],
    ['authorization details', { authorization_details: '[{"type":"x"}]' }, 'invalid_authorization_details'],
  ])('%s is refused, and does not use it up', async (_, over, error) => {
    const token = await platform.token({ iss });
    expect((await exchange(token, over)).body.error).toBe(error);
    expect((await exchange(token, { audience: server.url })).status).toBe(200);
  });

  test('RFC 7521 §4.1 credentials that come with it are those of the client', async () => {
    const own = await server.createClient({ scopes: ['policy:read'], grant_types: [exchangeGrant] });
    const stranger = await server.createClient({ scopes: ['policy:read'] });
    const rules = [{ client_id: own.clientId, claims: { sub: 'system:serviceaccount:payments:*' } }];
    await trust(record({ rules }));
    const authorization = ({ clientId, clientSecret }: typeof own) =>
      `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
    const post = async (headers: Record<string, string>) => {
      const { status, body } = await exchange(await platform.token({ iss }), {}, headers);
      return [status, body.error];
    };
    expect(await post({})).toEqual([200, undefined]);
    expect(await post({ authorization: authorization(own) })).toEqual([200, undefined]);
    expect(await post({ authorization: authorization(stranger) })).toEqual([400, 'invalid_request']);
    expect(await post({ authorization: authorization({ ...own, clientSecret: 'x' }) })).toEqual([
      401,
      'invalid_client',
    ]);
    await trust(record());
  });

  test('only a client that is registered for the grant', async () => {
    const client_id = await createWorkloadClient(server);
    await trust(record({ rules: [{ client_id, claims: { sub: 'system:serviceaccount:payments:*' } }] }));
    expect((await exchange(await platform.token({ iss }))).body.error).toBe('unauthorized_client');
    await trust(record());
  });

  test('the access token is rejected as soon as its rule, its issuer or its client goes', async () => {
    const use = async (token: string) => (await server.call('GET', '/api/v1/oauth/scope', { token })).status;
    const issue = async () => (await exchange(await platform.token({ iss }))).body.access_token;
    const root = await server.rootToken();
    const changes: (() => Promise<unknown>)[] = [
      () => trust(record({ rules: [{ client_id: id, claims: { sub: 'system:serviceaccount:payments:x' } }] })),
      () => server.call('DELETE', `${issuerPath}/exchange`, { token: root }),
      () => server.call('PATCH', `/api/v1/oauth/client/${id}`, { token: root, body: { enabled: false } }),
    ];
    for (const change of changes) {
      await trust(record());
      const token = await issue();
      expect(await use(token)).toBe(403);
      await change();
      expect(await use(token)).toBe(401);
    }
    await trust(record());
    expect((await exchange(await platform.token({ iss }))).body.error).toBe('invalid_request');
  });
});

describe('RFC 7523 §3 an assertion that does not fit is refused with one text', () => {
  const cases: [string, JWTPayload, string][] = [
    ['iss is not trusted', { iss: 'https://issuer.example' }, 'issuer_wrong'],
    ['iss is nearly trusted', { iss: `${githubIssuer}/` }, 'issuer_wrong'],
    ['iss is Postern', { iss: 'POSTERN' }, 'issuer_wrong'],
    ['aud is another server', { aud: 'https://other.example' }, 'audience_wrong'],
    ['aud is the default of GitHub', { aud: 'https://github.com/octo-org' }, 'audience_wrong'],
    ['aud is the token endpoint', { aud: 'POSTERN/api/v1/oauth/token' }, 'audience_wrong'],
    ['aud names another server too', { aud: ['POSTERN', 'https://other.example'] }, 'audience_wrong'],
    ['aud names Postern twice', { aud: ['POSTERN', 'POSTERN'] }, 'audience_wrong'],
    ['aud is an empty list', { aud: [] }, 'audience_wrong'],
    ['aud is missing', { aud: undefined as never }, 'audience_wrong'],
    ['exp is past', { exp: -31 }, 'token_expired'],
    ['iat is in the future', { iat: 60 }, 'token_not_yet_valid'],
    ['nbf is in the future', { nbf: 60 }, 'token_not_yet_valid'],
    ['iat is too old though exp is not past', { iat: -3_631, exp: 600 }, 'token_expired'],
    ['exp is far and there is no iat', { iat: undefined as never, exp: 86_400 }, 'lifetime_too_long'],
    ['sub is of another organization', { sub: 'repo:octo-org-evil/octo-repo:environment:prod' }, 'no_rule_matches'],
    ['sub holds more', { sub: 'repo:octo-org/octo-repo:environment:prod:x' }, 'no_rule_matches'],
    ['another claim of the rule is other', { ref: 'refs/heads/feature' }, 'no_rule_matches'],
    ['another claim of the rule is missing', { ref: undefined }, 'no_rule_matches'],
    ['another claim of the rule is a list', { ref: ['refs/heads/main'] }, 'no_rule_matches'],
  ];
  const real = (value: unknown): unknown => {
    if (typeof value === 'number') {
      return Math.floor(server.now() / 1000) + value;
    }
    return value === undefined ? undefined : JSON.parse(JSON.stringify(value).replaceAll('POSTERN', server.url));
  };
  test.each(cases)('%s', async (_name, over, reason) => {
    const claims = Object.fromEntries(Object.entries(over).map(([name, value]) => [name, real(value)]));
    expectRefusal(await ask(await github.token(claims)), reason);
  });

  test('it is signed by another key, or by an unknown one', async () => {
    const impostor = await createGithub(server.url, server.now);
    expectRefusal(await ask(await impostor.token({}, { kid: github.jwk['kid'] })), 'signature_wrong');
    expectRefusal(await ask(await impostor.token()), 'key_unknown');
    expectRefusal(await ask(await impostor.token({}, { jwk: impostor.jwk, kid: undefined })), 'signature_wrong');
  });

  test('it is not signed, or with the public key as an HMAC secret', async () => {
    const claims = claimsOf(await github.token());
    expect((await ask(new UnsecuredJWT(claims).encode())).body.error).toBe('invalid_grant');
    const hmac = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: String(github.jwk['kid']) })
      .sign(new TextEncoder().encode(JSON.stringify(github.jwk)));
    expectRefusal(await ask(hmac), 'algorithm_not_allowed');
  });

  test('one of a trusted issuer does not speak for another', async () => {
    expectRefusal(await ask(await github.token({ iss: kubernetesIssuer })), 'key_unknown');
    const claims = { iss: undefined as never, sub: 'spiffe://example.org/ns/payments/sa/billing' };
    expectRefusal(await ask(await github.token(claims)), 'key_unknown');
  });
});

describe('RFC 7523 §3 what is not an assertion at all gets a clear error', () => {
  test.each<[string, JWTPayload]>([
    ['sub is missing', { sub: undefined as never }],
    ['sub is an object', { sub: {} as never }],
    ['iss is missing', { iss: undefined as never }],
    ['iss is a list', { iss: [githubIssuer] as never }],
    ['exp is missing', { exp: undefined as never }],
    ['exp is text', { exp: 'soon' as never }],
    ['iat is text', { iat: 'now' as never }],
    ['nbf is null', { nbf: null as never }],
    ['jti is empty', { jti: '' }],
    ['jti is a number', { jti: 1 as never }],
    ['jti is long', { jti: 'x'.repeat(257) }],
  ])('%s', async (_name, over) => {
    const { status, body } = await ask(await kubernetes.token(over));
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
    expect(body.detail).toMatch(/^The assertion (must have|has) /);
  });

  test.each([
    ['one character', 'x', 'invalid_grant'],
    ['nothing but dots', '..', 'invalid_grant'],
    ['three parts of no JSON', 'a.b.c', 'invalid_grant'],
    ['a JWS in JSON', '{"payload":""}', 'invalid_grant'],
    ['nothing', '', 'invalid_request'],
    ['too many dots', '.'.repeat(20_000), 'invalid_request'],
  ])('text that is not a JWT: %s', async (_name, text, code) => {
    const { status, body } = await ask(text);
    expect([status, body.error]).toEqual([400, code]);
  });

  test('RFC 7521 §4.1 the assertion is missing', async () => {
    const { status, body } = await server.postForm(tokenPath, { grant_type: grantType });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  test('RFC 8725 §3.11 another kind of JWT never stands in for an assertion', async () => {
    for (const typ of ['at+jwt', 'dpop+jwt', 'token-introspection+jwt', 'client-authentication+jwt', 'logout+jwt']) {
      const { body } = await ask(await kubernetes.token({}, { typ }));
      expect(body).toMatchObject({ error: 'invalid_grant', detail: 'The assertion has another typ than JWT.' });
    }
    expect((await ask(await server.rootToken())).body.error).toBe('invalid_grant');
  });

  test('RFC 7515 §4.1.11 a critical extension is not understood', async () => {
    const token = await kubernetes.token();
    const header = { alg: 'RS256', kid: kubernetes.jwk['kid'], crit: ['x'], x: 1 };
    const critical = token.replace(/^[^.]+/, Buffer.from(JSON.stringify(header)).toString('base64url'));
    expect((await ask(critical)).body.error).toBe('invalid_grant');
  });
});

describe('JWT-SVID §3 a workload of a trust domain', () => {
  test('is known by its SPIFFE ID alone, of its own trust domain', async () => {
    expect((await ask(await spire.token({ sub: 'spiffe://example.org/ns/prod/sa/billing' }))).status).toBe(200);
    expectRefusal(await ask(await spire.token({ sub: 'spiffe://other.org/ns/prod/sa/billing' })), 'issuer_wrong');
    const foreign = { iss: spiffeIssuer, sub: 'spiffe://other.org/ns/prod/sa/billing' };
    expectRefusal(await ask(await spire.token(foreign)), 'issuer_wrong');
    expectRefusal(await ask(await spire.token({ sub: 'spiffe://example.org/ns/prod/sa/other' })), 'no_rule_matches');
  });

  test.each(['spiffe://example.org', 'spiffe://example.org/', 'spiffe://EXAMPLE.org/a', 'spiffe://example.org/a?b'])(
    'is not %s, which is no SPIFFE ID of a workload',
    async (sub) => {
      expect((await ask(await spire.token({ sub }))).body.detail).toMatch(/must have an iss, or a SPIFFE ID/);
    },
  );

  test('JWT-SVID §2.3 its typ may be JOSE', async () => {
    const sub = 'spiffe://example.org/ns/jose/sa/billing';
    expect((await ask(await spire.token({ sub }, { typ: 'JOSE' }))).status).toBe(200);
  });

  test('SPIFFE bundle §4.2.2 keys for X.509 do not sign its tokens', async () => {
    const wrongUse = await createSpire(server.url, server.now);
    other.documents.set('/x509-bundle', { keys: [{ ...wrongUse.jwk, use: 'x509-svid' }] });
    const issuer = 'spiffe://x509.example';
    const rules = [{ client_id: clientId, claims: { sub: 'spiffe://x509.example/a' } }];
    await trust(spiffeRecord({ key: 'x509', issuer, jwks_uri: `${other.url}/x509-bundle`, rules }));
    expectRefusal(await ask(await wrongUse.token({ sub: 'spiffe://x509.example/a' })), 'key_unknown');
  });
});

describe('RFC 7523 §3 an assertion is used once', () => {
  test.each([
    ['with a jti', () => kubernetes],
    ['without one', () => spire],
  ])('of fifty equal ones %s in parallel exactly one passes', async (_name, platform) => {
    const assertion = await platform().token({ fifty: true });
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(49);
    expectRefusal(await ask(assertion), 'token_replayed');
  });

  test('the same jti in another text is the same assertion', async () => {
    expect((await ask(await kubernetes.token({ jti: 'the same' }))).status).toBe(200);
    expectRefusal(await ask(await kubernetes.token({ jti: 'the same', extra: 1 })), 'token_replayed');
  });

  test('without a jti, the same content under another signature is the same assertion', async () => {
    const [one, two] = [await spire.token({ resigned: true }), await spire.token({ resigned: true })];
    // ECDSA: one content has many signatures.
    expect(one).not.toBe(two);
    expect((await ask(one)).status).toBe(200);
    expectRefusal(await ask(two), 'token_replayed');
  });

  test('its text is malleable: padding, white space, other bits', async () => {
    const good = await spire.token({ malleable: true });
    for (const bad of [
      `${good}=`,
      `${good} `,
      good.replace('.', '. '),
      `${good}.`,
      `.${good}`,
      good.replace('.', '=.'),
    ]) {
      expect((await ask(bad)).status).toBe(400);
    }
    expect((await ask(good)).status).toBe(200);
  });

  test('a request that is refused for something else does not use it up', async () => {
    const assertion = await kubernetes.token();
    expect((await ask(assertion, { scope: 'client:create' })).body.error).toBe('invalid_scope');
    expect((await ask(assertion, { resource: 'https://nowhere.example' })).body.error).toBe('invalid_target');
    expect((await ask(assertion)).status).toBe(200);
    expectRefusal(await ask(assertion), 'token_replayed');
  });

  test('also after a restart, and after its issuer was deleted and trusted again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'postern-workload-'));
    const audience = 'https://postern.example';
    const first = await startTestServer({ dataDir });
    const cluster = await createKubernetes(audience, first.now);
    const rules = [
      { client_id: await createWorkloadClient(first), claims: { sub: 'system:serviceaccount:payments:*' } },
    ];
    const record = kubernetesRecord({ audience, jwks: { keys: [cluster.jwk] }, rules });
    await trust(record, first);
    const used = await cluster.token();
    const unused = await cluster.token();
    const post = async (on: TestServer, assertion: string) =>
      (await on.postForm(tokenPath, { grant_type: grantType, assertion })).status;
    expect(await post(first, used)).toBe(200);
    await first.close();

    const second = await startTestServer({ dataDir });
    expect(await Promise.all([post(second, used), post(second, unused)])).toEqual([400, 200]);
    const token = await second.rootToken();
    expect((await second.call('DELETE', `${issuerPath}/cluster`, { token })).status).toBe(204);
    await trust({ ...record, key: 'renamed' }, second);
    expect(await post(second, used)).toBe(400);
    expect(await post(second, await cluster.token())).toBe(200);
    await second.close();
    rmSync(dataDir, { recursive: true });
  });

  test('unless its issuer is trusted for more: then as long as it lives', async () => {
    const many = await createKubernetes(server.url, server.now);
    const iss = 'https://many.example';
    await trust(kubernetesRecord({ key: 'many', issuer: iss, jwks: { keys: [many.jwk] }, single_use: false }));
    const assertion = await many.token({ iss });
    expect([(await ask(assertion)).status, (await ask(assertion)).status]).toEqual([200, 200]);
    await trust(kubernetesRecord({ key: 'many', issuer: iss, jwks: { keys: [many.jwk] }, single_use: true }));
    expect([(await ask(assertion)).status, (await ask(assertion)).status]).toEqual([200, 400]);
  });

  test('also when it became too old once, and its issuer is allowed a higher age then', async () => {
    const aged = await createKubernetes(server.url, server.now);
    const record = { key: 'aged', issuer: 'https://aged.example', jwks: { keys: [aged.jwk] } };
    await trust(kubernetesRecord({ ...record, max_age_seconds: 60 }));
    const claims = { iss: record.issuer, exp: Math.floor(server.now() / 1000) + 80_000 };
    const [used, unused] = [await aged.token(claims), await aged.token(claims)];
    expect((await ask(used)).status).toBe(200);
    await server.advance(120);
    expectRefusal(await ask(unused), 'token_expired');
    await trust(kubernetesRecord({ ...record, max_age_seconds: 3_600 }));
    expectRefusal(await ask(used), 'token_replayed');
    expect((await ask(unused)).status).toBe(200);
  });
});

describe('the worked examples of the manual', () => {
  const manual = readFileSync(new URL('../../../docs/workload-identity.md', import.meta.url), 'utf8');
  const records = [...manual.matchAll(/^cat > \w+\.json <<END\n(.*?)^END$/gms)].map(([, json = '']) =>
    JSON.parse(json),
  );

  test.each([
    ['github', githubIssuer, createGithub, [200, 400]],
    ['cluster', kubernetesIssuer, createKubernetes, [200, 200]],
    ['mesh', spiffeIssuer, createSpire, [200, 200]],
  ] as const)('%s: the record lets its workload in', async (key, issuer, createPlatform, statuses) => {
    const example = records.find((record) => record.key === key);
    const fresh = await startTestServer();
    const platform = await createPlatform(fresh.url, fresh.now);
    // The keys are those of the platform under test; by value, none is marked as one of a bundle.
    const jwks = { keys: [{ ...platform.jwk, use: 'sig' }] };
    const [rule] = example.rules;
    rule.client_id = await createWorkloadClient(fresh);
    await trust({ ...example, jwks, jwks_uri: null }, fresh);
    expect(example.issuer).toBe(issuer);
    const assertion = await platform.token();
    for (const status of statuses) {
      expect((await fresh.postForm(tokenPath, { grant_type: grantType, assertion })).status).toBe(status);
    }
    // Each of the claims in the rule counts.
    for (const claim of Object.keys(rule.claims)) {
      const claims = { ...rule.claims, [claim]: `${rule.claims[claim]}-other` };
      await trust({ ...example, jwks, jwks_uri: null, rules: [{ ...rule, claims }] }, fresh);
      const other = await fresh.postForm(tokenPath, { grant_type: grantType, assertion: await platform.token() });
      expect(other.body).toEqual(refusal);
    }
    await fresh.close();
  });
});

describe('which client it is, and what it gets there', () => {
  const iss = 'https://rules.example';
  let platform: Platform;
  let reader: string;
  let writer: string;
  const record = (rules: object[]) => ({ key: 'rules', issuer: iss, jwks: { keys: [platform.jwk] }, rules });

  beforeAll(async () => {
    platform = await createKubernetes(server.url, server.now);
    reader = await createWorkloadClient(server);
    writer = await createWorkloadClient(server, { scopes: ['policy:read', 'policy:create_or_update'] });
  });

  test('where several rules fit, the request must say by client_id which one it means', async () => {
    const sub = 'system:serviceaccount:payments:billing';
    await trust(record([reader, writer].map((client_id) => ({ client_id, claims: { sub } }))));
    expectRefusal(await ask(await platform.token({ iss })), 'rules_ambiguous');
    for (const client of [reader, writer]) {
      const { body } = await ask(await platform.token({ iss }), { client_id: client });
      expect(claimsOf(body.access_token)['client_id']).toBe(client);
    }
    expectRefusal(await ask(await platform.token({ iss }), { client_id: clientId }), 'no_rule_matches');
    expectRefusal(await ask(await platform.token({ iss }), { client_id: 'nobody' }), 'no_rule_matches');
  });

  test('a rule may give fewer scopes than the client holds, and no request gets more', async () => {
    const claims = { sub: 'system:serviceaccount:payments:billing' };
    await trust(record([{ client_id: writer, claims, scopes: ['policy:read'] }]));
    expect((await ask(await platform.token({ iss }))).body.scope).toBe('policy:read');
    const tooMuch = await ask(await platform.token({ iss }), { scope: 'policy:create_or_update' });
    expect([tooMuch.status, tooMuch.body.error]).toEqual([400, 'invalid_scope']);
    // What the client loses, the rule no longer gives.
    const token = await server.rootToken();
    await server.call('PATCH', `/api/v1/oauth/client/${writer}`, {
      token,
      body: { scopes: ['policy:create_or_update'] },
    });
    expect((await ask(await platform.token({ iss }))).body.scope).toBe('');
  });

  test('RFC 8707 §2 it asks for a resource as its client may, by resource, by audience or by default', async () => {
    const token = await server.rootToken();
    const identifier = 'https://api.example';
    await server.call('PUT', '/api/v1/oauth/resource', {
      token,
      body: { key: 'api', identifier, scopes: ['rule:read'] },
    });
    const metadata = { resources: [identifier], access_token_ttl_seconds: 600 };
    const client_id = await createWorkloadClient(server, metadata);
    await trust(record([{ client_id, claims: { sub: 'system:serviceaccount:payments:*' } }]));
    const expectFor = async (form: Record<string, string>) => {
      const { body } = await ask(await platform.token({ iss }), form);
      expect(body).toMatchObject({ scope: 'rule:read', expires_in: 600 });
      expect(claimsOf(body.access_token)['aud']).toBe(identifier);
    };
    await expectFor({ resource: identifier });
    await expectFor({ audience: 'api' });
    const body = { default_resource: identifier };
    expect((await server.call('PATCH', `/api/v1/oauth/client/${client_id}`, { token, body })).status).toBe(200);
    await expectFor({});
  });

  test('RFC 9449 §5 it may have to prove a key, as its client must', async () => {
    const client_id = await createWorkloadClient(server, { dpop_bound_access_tokens: true });
    await trust(record([{ client_id, claims: { sub: 'system:serviceaccount:payments:*' } }]));
    const assertion = await platform.token({ iss });
    expect((await ask(assertion)).body.error).toBe('invalid_dpop_proof');
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const proof = await new SignJWT({ htm: 'POST', htu: server.url + tokenPath, jti: 'workload' })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
      .setIssuedAt(Math.floor(server.now() / 1000))
      .sign(privateKey);
    expect((await ask(assertion, {}, { dpop: proof })).body.token_type).toBe('DPoP');
  });

  test('RFC 7591 §2 only a client that is registered for the grant', async () => {
    const plain = await server.createClient({ scopes: ['policy:read'] });
    await trust(record([{ client_id: plain.clientId, claims: { sub: 'system:serviceaccount:payments:*' } }]));
    const { status, body } = await ask(await platform.token({ iss }));
    expect([status, body.error]).toEqual([400, 'unauthorized_client']);
  });

  test('RFC 7523 §3.1 credentials that come with it are checked', async () => {
    const own = await server.createClient({ scopes: ['policy:read'], grant_types: [grantType] });
    const stranger = await server.createClient({ scopes: ['policy:read'] });
    await trust(record([{ client_id: own.clientId, claims: { sub: 'system:serviceaccount:payments:*' } }]));
    const post = async (client_id: string, client_secret: string) => {
      const { status, body } = await ask(await platform.token({ iss }), { client_id, client_secret });
      return [status, body.error];
    };
    expect(await post(own.clientId, own.clientSecret)).toEqual([200, undefined]);
    expect(await post(own.clientId, stranger.clientSecret)).toEqual([401, 'invalid_client']);
    const basicOf = ({ clientId: id, clientSecret }: typeof own) =>
      `Basic ${Buffer.from(`${id}:${clientSecret}`).toString('base64')}`;
    const byBasic = await ask(await platform.token({ iss }), {}, { authorization: basicOf(stranger) });
    expect([byBasic.status, byBasic.body.error]).toEqual([400, 'invalid_grant']);
    const wrong = basicOf({ ...own, clientSecret: 'wrong' });
    expect((await ask(await platform.token({ iss }), {}, { authorization: wrong })).status).toBe(401);
    expect((await ask(await platform.token({ iss }), {}, { authorization: basicOf(own) })).status).toBe(200);
  });

  test('RFC 7591 §2 a client of the method none has no secret and authenticates nowhere', async () => {
    const id = await createWorkloadClient(server);
    for (const form of [{}, { client_secret: '' }, { client_secret: 'x' }]) {
      const answer = await server.postForm(tokenPath, { grant_type: 'client_credentials', client_id: id, ...form });
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    }
    for (const path of ['/api/v1/oauth/introspect', '/api/v1/oauth/revoke']) {
      expect((await server.postForm(path, { token: 'x', client_id: id })).status).toBe(401);
    }
    const token = await server.rootToken();
    const rotated = await server.call('POST', `/api/v1/oauth/client/${id}/secret`, { token, body: {} });
    expect(rotated.status).toBe(409);
  });

  test.each([[undefined], [['client_credentials']], [['client_credentials', grantType]]])(
    'a client of the method none cannot have the grants %j',
    async (grant_types) => {
      const { status, body } = await server.call('POST', '/api/v1/oauth/client', {
        token: await server.rootToken(),
        body: { token_endpoint_auth_method: 'none', grant_types },
      });
      expect([status, body.error]).toEqual([422, 'invalid_parameter']);
    },
  );

  test('a client that once had a secret cannot use it under the method none', async () => {
    const former = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.rootToken();
    const body = { token_endpoint_auth_method: 'none', grant_types: [grantType] };
    expect((await server.call('PATCH', `/api/v1/oauth/client/${former.clientId}`, { token, body })).status).toBe(200);
    await expect(server.token(former)).rejects.toThrow('401');
  });
});

describe('a token is rejected as soon as what is behind it is revoked', () => {
  const iss = 'https://trust.example';
  let platform: Platform;
  let id: string;
  const rule = (claims: object) => ({ client_id: id, claims });
  const billing = { sub: 'system:serviceaccount:payments:billing' };
  const record = (over: object = {}) => ({
    key: 'trust',
    issuer: iss,
    jwks: { keys: [platform.jwk] },
    rules: [rule(billing), rule({ sub: 'system:serviceaccount:payments:other' })],
    ...over,
  });
  const issue = async () => (await ask(await platform.token({ iss }))).body.access_token as string;
  const stands = async (token: string) =>
    (await server.call('GET', '/api/v1/oauth/resource', { token })).status !== 401;

  beforeAll(async () => {
    platform = await createKubernetes(server.url, server.now);
    id = await createWorkloadClient(server);
    await trust(record());
  });

  test('its rule goes, or changes', async () => {
    const token = await issue();
    expect(await stands(token)).toBe(true);
    await trust(record({ max_age_seconds: 600, single_use: false }));
    await trust(
      record({ rules: [rule(billing), rule({ sub: 'system:serviceaccount:payments:other' }), rule({ sub: 'x' })] }),
    );
    expect(await stands(token)).toBe(true);
    await trust(record({ rules: [rule(billing)] }));
    expect(await stands(token)).toBe(false);
    const next = await issue();
    expect(await stands(next)).toBe(true);
    await trust(record({ rules: [] }));
    expect(await stands(next)).toBe(false);
    expectRefusal(await ask(await platform.token({ iss })), 'no_rule_matches');
  });

  test.each([
    ['its issuer has other keys', async () => ({ jwks: { keys: [(await createKubernetes('x', Date.now)).jwk] } })],
    ['its issuer has another audience', async () => ({ audience: 'https://other.example' })],
    ['its issuer is another', async () => ({ issuer: 'https://renamed.example' })],
  ])('%s', async (_name, change) => {
    await trust(record());
    const token = await issue();
    await trust(record(await change()));
    expect(await stands(token)).toBe(false);
    expect((await ask(await platform.token({ iss }))).status).toBe(400);
  });

  test('its issuer is trusted no longer', async () => {
    await trust(record());
    const token = await issue();
    const root = await server.rootToken();
    expect((await server.call('DELETE', `${issuerPath}/trust`, { token: root })).status).toBe(204);
    expect(await stands(token)).toBe(false);
    expectRefusal(await ask(await platform.token({ iss })), 'issuer_wrong');
  });

  test('its client is disabled, or deleted', async () => {
    await trust(record());
    const token = await issue();
    const root = await server.rootToken();
    const path = `/api/v1/oauth/client/${id}`;
    await server.call('PATCH', path, { token: root, body: { enabled: false } });
    expect(await stands(token)).toBe(false);
    expectRefusal(await ask(await platform.token({ iss })), 'client_disabled');
    await server.call('PATCH', path, { token: root, body: { enabled: true } });
    expect(await stands(await issue())).toBe(true);
    await server.call('DELETE', path, { token: root });
    expectRefusal(await ask(await platform.token({ iss })), 'no_rule_matches');
    // The rule was deleted with its client.
    expect((await server.call('DELETE', `${issuerPath}/trust`, { token: root })).status).toBe(204);
  });
});

describe('the keys of an issuer', () => {
  const discover = async (path: string, document: (issuer: string) => object) => {
    const issuer = other.url + path;
    const platform = await createKubernetes(server.url, server.now);
    other.documents.set(`${path}/.well-known/openid-configuration`, document(issuer));
    other.documents.set(`${path}/keys`, { keys: [platform.jwk] });
    await trust(kubernetesRecord({ key: path.slice(1), issuer, jwks: null }));
    return { issuer, ask: async (signer = platform) => ask(await signer.token({ iss: issuer })) };
  };

  test('OpenID Connect Discovery §4 are found by its issuer, and fetched once', async () => {
    const found = await discover('/found', (issuer) => ({ issuer, jwks_uri: `${issuer}/keys` }));
    const answers = await Promise.all(Array.from({ length: 5 }, () => found.ask()));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(other.hits('/found/.well-known/openid-configuration')).toBe(1);
    expect(other.hits('/found/keys')).toBe(1);
  });

  test('are fetched again when the issuer rotates them, once the cooldown is over', async () => {
    const rotating = await discover('/rotating', (issuer) => ({ issuer, jwks_uri: `${issuer}/keys` }));
    expect((await rotating.ask()).status).toBe(200);
    const next = await createKubernetes(server.url, server.now);
    other.documents.set('/rotating/keys', { keys: [next.jwk] });
    expectRefusal(await rotating.ask(next), 'key_unknown');
    await server.advance(31);
    expect((await rotating.ask(next)).status).toBe(200);
    expectRefusal(await rotating.ask(), 'key_unknown');
    expect(other.hits('/rotating/keys')).toBe(2);
  });

  test('are good for an hour while it is down, and then nobody can tell whether a token is its own', async () => {
    const down = await discover('/down', (issuer) => ({ issuer, jwks_uri: `${issuer}/keys` }));
    expect((await down.ask()).status).toBe(200);
    const next = await createKubernetes(server.url, server.now);
    other.documents.delete('/down/keys');
    await server.advance(301);
    expect([(await down.ask()).status, (await down.ask(next)).status]).toEqual([200, 503]);
    await server.advance(3_600);
    expect((await down.ask()).status).toBe(503);
    other.documents.set('/down/keys', { keys: [next.jwk] });
    await server.advance(5);
    expect((await down.ask(next)).status).toBe(200);
    expectRefusal(await down.ask(), 'key_unknown');
  });

  test.each([
    ['of another issuer', (issuer: string) => ({ issuer: 'https://other.example', jwks_uri: `${issuer}/keys` })],
    ['of nearly the issuer', (issuer: string) => ({ issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` })],
    ['without keys', (issuer: string) => ({ issuer })],
    ['with keys over http', (issuer: string) => ({ issuer, jwks_uri: 'http://127.0.0.1/keys' })],
    ['with keys in the network of Postern', (issuer: string) => ({ issuer, jwks_uri: 'https://169.254.169.254/keys' })],
    ['that is a list', () => []],
  ])('OpenID Connect Discovery §4.3 are not taken from a document %s', async (name, document) => {
    const broken = await discover(`/broken-${name.replaceAll(' ', '-')}`, document);
    const { status, body, headers } = await broken.ask();
    expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '5']);
    expect(server.log.findLast((line) => line.includes('keys_unavailable'))).toContain(`keys at ${broken.issuer}`);
  });

  test('are not fetched from where Postern alone can reach', async () => {
    const guarded = await startTestServer();
    const platform = await createKubernetes(guarded.url, guarded.now);
    const rules = [
      { client_id: await createWorkloadClient(guarded), claims: { sub: 'system:serviceaccount:payments:*' } },
    ];
    other.documents.set('/inside', { keys: [platform.jwk] });
    await trust(kubernetesRecord({ jwks: null, jwks_uri: `${other.url}/inside`, rules }), guarded);
    const { body } = await guarded.postForm(tokenPath, { grant_type: grantType, assertion: await platform.token() });
    expect(body.error).toBe('temporarily_unavailable');
    const line = guarded.log.findLast((entry) => entry.includes('keys_unavailable'));
    expect(line).toContain('is not allowed');
    expect(other.hits('/inside')).toBe(0);
    await guarded.close();
  });
});
