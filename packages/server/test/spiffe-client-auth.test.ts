/** Client authentication by SVIDs. draft-ietf-oauth-spiffe-client-auth-02. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  authorityJwk,
  createAuthority,
  createServerIdentity,
  createSpiffeAuthority,
  createX509Svid,
  Extension,
  type Identity,
  type IdentityOptions,
  KeyUsageFlags,
  tlsFetch,
  withChain,
} from '@postern/testing/certificates';
import { allowLocalFetches, type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import { createSpire, type Platform } from '@postern/testing/platform-tokens';
import { type Answer, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const svidType = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const workload = 'spiffe://example.org/ns/payments/sa/billing';

let directory: string;
let server: TestServer;
let documents: DocumentServer;
let serverAuthority: Identity;
let authority: Identity;
let spire: Platform;
let bundle: { keys: Record<string, unknown>[]; spiffe_refresh_hint: number };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-spiffe-'));
  documents = await startHttpsServer();
  serverAuthority = await createAuthority('Servers');
  authority = await createSpiffeAuthority();
  const identity = await createServerIdentity(serverAuthority);
  const fileOf = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  server = await startTestServer({
    env: {
      ...allowLocalFetches,
      POSTERN_TLS_CERT_FILE: fileOf('server.crt', identity.cert),
      POSTERN_TLS_KEY_FILE: fileOf('server.key', identity.key),
      // Some roots that no SVID may lead to.
      POSTERN_TLS_CLIENT_CA_FILE: fileOf('clients.crt', (await createAuthority('Clients')).cert),
    },
    fetch: tlsFetch(serverAuthority),
  });
  spire = await createSpire(server.url, server.now);
  bundle = { keys: [await authorityJwk(authority), spire.jwk], spiffe_refresh_hint: 60 };
  documents.documents.set('/bundle', bundle);
});
afterAll(async () => {
  await server.close();
  await documents.close();
  rmSync(directory, { recursive: true });
});

const save = async (body: object): Promise<Answer> =>
  server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: { scopes: ['policy:read'], spiffe_id: workload, ...body },
  });
async function register(body: object): Promise<string> {
  const answer = await save(body);
  expect([answer.status, answer.body]).toEqual([200, { client_id: expect.any(String) }]);
  return answer.body.client_id;
}
const atEndpoint = () => ({ spiffe_bundle_endpoint: `${documents.url}/bundle` });

const lastReason = () => JSON.parse(server.log.findLast((line) => line.includes('request refused')) ?? '{}').reason;
async function expectRefused(pending: Promise<Answer>, reason: string, text?: RegExp): Promise<void> {
  const { status, body } = await pending;
  expect([status, body.error, lastReason()]).toEqual([401, 'invalid_client', reason]);
  if (text !== undefined) {
    expect(body.error_description).toMatch(text);
  }
}

describe('§3.1 client authentication with JWT-SVIDs', () => {
  /** Of the same second, two would otherwise be the same. */
  const mint = (claims: object = {}, header: Record<string, unknown> = {}) =>
    spire.token({ nonce: randomUUID(), ...claims }, header);
  const byJwt = { token_endpoint_auth_method: 'spiffe_jwt' };
  const ask = (clientId: string | undefined, svid: string, over: Record<string, string> = {}) =>
    server.postForm(tokenPath, {
      grant_type: 'client_credentials',
      client_assertion_type: svidType,
      client_assertion: svid,
      ...(clientId !== undefined && { client_id: clientId }),
      ...over,
    });

  test('a JWT-SVID of SPIRE authenticates its client, by the keys of the bundle endpoint', async () => {
    const clientId = await register({ ...byJwt, ...atEndpoint() });
    const { status, body } = await ask(clientId, await mint());
    expect([status, body.scope]).toEqual([200, 'policy:read']);
    expect(claimsOf(body.access_token)).toMatchObject({ sub: clientId, client_id: clientId });
  });

  test('so it does by a bundle that was put in by hand, and at introspection and revocation', async () => {
    const clientId = await register({ ...byJwt, spiffe_bundle: { keys: [spire.jwk] } });
    const { body } = await ask(clientId, await mint());
    for (const path of ['introspect', 'revoke']) {
      const form = { token: body.access_token, client_id: clientId, client_assertion_type: svidType };
      const answer = await server.postForm(`/api/v1/oauth/${path}`, {
        ...form,
        client_assertion: await mint({ nonce: path }),
      });
      expect(answer.status).toBe(200);
    }
  });

  test('a client whose id is its SPIFFE ID need not name it', async () => {
    const id = 'spiffe://example.org/my-oauth-client';
    expect(await register({ ...byJwt, ...atEndpoint(), client_id: id, spiffe_id: id })).toBe(id);
    expect((await ask(undefined, await mint({ sub: id }))).status).toBe(200);
    await expectRefused(ask(undefined, await mint({ sub: `${id}/other` })), 'client_unknown');
  });

  test('§5.1 an ID that ends with /* matches all below it, segment by segment', async () => {
    const clientId = await register({ ...byJwt, ...atEndpoint(), spiffe_id: 'spiffe://example.org/client/*' });
    for (const sub of ['spiffe://example.org/client/123', 'spiffe://example.org/client/1/2']) {
      expect((await ask(clientId, await mint({ sub }))).status).toBe(200);
    }
    for (const sub of [
      'spiffe://example.org/client123',
      'spiffe://example.org/client',
      'spiffe://example.org/other/1',
    ]) {
      await expectRefused(ask(clientId, await mint({ sub })), 'spiffe_id_wrong');
    }
    await expectRefused(ask(clientId, await mint({ sub: 'spiffe://evil.org/client/1' })), 'trust_domain_wrong');
    await expectRefused(ask(clientId, await mint({ sub: 'spiffe://example.org/client/../x' })), 'assertion_malformed');
  });

  test.each<[string, object, object, string, RegExp?]>([
    ['of another workload', { sub: `${workload}2` }, {}, 'spiffe_id_wrong'],
    ['of a part of the path', { sub: 'spiffe://example.org/ns/payments/sa' }, {}, 'spiffe_id_wrong'],
    ['of another trust domain', { sub: 'spiffe://example.com/ns/payments/sa/billing' }, {}, 'trust_domain_wrong'],
    ['without a SPIFFE ID', { sub: 'https://example.org/x' }, {}, 'assertion_malformed', /SPIFFE ID as its sub/],
    ['without a path', { sub: 'spiffe://example.org' }, {}, 'assertion_malformed', /SPIFFE ID as its sub/],
    ['without an exp', { exp: undefined }, {}, 'assertion_malformed', /number as its exp/],
    ['for another audience', { aud: ['https://other.example'] }, {}, 'audience_wrong', /as its only aud/],
    [
      'for this audience and another',
      { aud: ['https://other.example', 'SELF'] },
      {},
      'audience_wrong',
      /as its only aud/,
    ],
    ['without an audience', { aud: undefined }, {}, 'audience_wrong', /as its only aud/],
    ['for the token endpoint', { aud: 'SELF/api/v1/oauth/token' }, {}, 'audience_wrong', /as its only aud/],
    ['of the type of an access token', {}, { typ: 'at+jwt' }, 'token_type_wrong'],
    ['of the type of a WIT-SVID', {}, { typ: 'wit+jwt' }, 'token_type_wrong'],
    ['of an unknown key', {}, { kid: 'other' }, 'key_unknown'],
  ])('a JWT-SVID %s is refused', async (_name, claims, header, reason, text) => {
    const clientId = await register({ ...byJwt, spiffe_bundle: { keys: [spire.jwk] } });
    const own = JSON.parse(JSON.stringify(claims).replaceAll('SELF', server.url));
    const cleared = Object.fromEntries(Object.keys(claims).map((name) => [name, own[name]]));
    await expectRefused(ask(clientId, await mint(cleared, header as Record<string, unknown>)), reason, text);
  });

  test('one that has expired, is not valid yet or lives too long is refused', async () => {
    const clientId = await register({ ...byJwt, ...atEndpoint() });
    const now = Math.floor(server.now() / 1000);
    await expectRefused(ask(clientId, await mint({ exp: now - 31 })), 'token_expired', /has expired/);
    await expectRefused(ask(clientId, await mint({ iat: now + 60 })), 'token_not_yet_valid', /not valid yet/);
    await expectRefused(ask(clientId, await mint({ exp: now + 7_200 })), 'lifetime_too_long', /3600 seconds/);
  });

  test('one that was signed by another trust domain for the same ID is refused, and by a key for X.509-SVIDs too', async () => {
    const clientId = await register({ ...byJwt, ...atEndpoint() });
    const evil = await createSpire(server.url, server.now);
    await expectRefused(ask(clientId, await evil.token()), 'key_unknown');
    await expectRefused(ask(clientId, await evil.token({}, { kid: spire.jwk['kid'] as string })), 'signature_wrong');
    const other = await register({
      ...byJwt,
      spiffe_bundle: { keys: [spire.jwk, { ...evil.jwk, use: 'x509-svid', x5c: ['MIIB'] }] },
    });
    await expectRefused(ask(other, await evil.token()), 'key_unknown');
  });

  test('§6.2.4 an iss in it is not looked at: no keys are found by it', async () => {
    const clientId = await register({ ...byJwt, ...atEndpoint() });
    expect((await ask(clientId, await mint({ iss: `${documents.url}/evil` }))).status).toBe(200);
    expect(documents.hits('/evil/.well-known/openid-configuration')).toBe(0);
  });

  test('it counts once, also if the request is refused after that; with spiffe_jwt_reuse_allowed until it expires', async () => {
    const once = await register({ ...byJwt, ...atEndpoint() });
    const svid = await mint();
    const tooMuch = await ask(once, svid, { scope: 'client:read' });
    expect([tooMuch.status, tooMuch.body.error]).toEqual([400, 'invalid_scope']);
    expect((await ask(once, svid)).status).toBe(200);
    await expectRefused(ask(once, svid), 'token_replayed');
    const again = await register({ ...byJwt, ...atEndpoint(), spiffe_jwt_reuse_allowed: true });
    expect([(await ask(again, svid)).status, (await ask(again, svid)).status]).toEqual([200, 200]);
    await server.advance(331);
    await expectRefused(ask(again, svid), 'token_expired');
  });

  test('only for a client of this method, and only with this type of assertion', async () => {
    const clientId = await register({ ...byJwt, ...atEndpoint() });
    const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    await expectRefused(ask(clientId, await mint(), { client_assertion_type: bearer }), 'assertion_malformed');
    const wrong = await ask(clientId, await mint(), { client_assertion_type: 'other' });
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_request']);
    const { clientId: withSecret } = await server.createClient(['policy:read']);
    await expectRefused(ask(withSecret, await mint()), 'method_not_registered');
    await expectRefused(ask('nobody', await mint()), 'client_unknown');
    const disabled = await register({ ...byJwt, ...atEndpoint(), enabled: false });
    await expectRefused(ask(disabled, await mint()), 'client_disabled');
  });

  test('§6.1 a key that the bundle endpoint adds counts at once, and one that it removes no longer than a refresh hint', async () => {
    const rotated = await createSpire(server.url, server.now);
    documents.documents.set('/rotating', { ...bundle, keys: [spire.jwk] });
    const clientId = await register({ ...byJwt, spiffe_bundle_endpoint: `${documents.url}/rotating` });
    expect((await ask(clientId, await mint())).status).toBe(200);
    documents.documents.set('/rotating', { ...bundle, keys: [rotated.jwk] });
    await server.advance(31);
    expect((await ask(clientId, await rotated.token())).status).toBe(200);
    await server.advance(61);
    await expectRefused(ask(clientId, await mint()), 'key_unknown');
  });

  test('while the bundle cannot be fetched, nobody can tell: 503, and not a failed authentication', async () => {
    const clientId = await register({ ...byJwt, spiffe_bundle_endpoint: `${documents.url}/missing` });
    const { status, headers, body } = await ask(clientId, await mint());
    expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(headers.get('retry-after')).not.toBeNull();
  });
});

describe('§3.2 client authentication using X.509-SVIDs', () => {
  const byCertificate = { token_endpoint_auth_method: 'spiffe_x509' };
  const read = async (pending: Promise<Response>): Promise<Answer> => {
    const response = await pending;
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const ask = (clientId: string, svid?: Identity) =>
    read(
      tlsFetch(serverAuthority, svid)(server.url + tokenPath, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }),
      }),
    );

  test('an X.509-SVID of an authority in the bundle authenticates its client, and can bind its tokens', async () => {
    const clientId = await register({
      ...byCertificate,
      ...atEndpoint(),
      tls_client_certificate_bound_access_tokens: true,
    });
    const { status, body } = await ask(clientId, await createX509Svid(authority, workload));
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({ sub: clientId, cnf: { 'x5t#S256': expect.any(String) } });
  });

  test('so it does through an intermediate authority that it sends, by a bundle by hand, and for all below an ID', async () => {
    const intermediate = await createSpiffeAuthority({
      subject: [{ CN: ['intermediate'] }],
      issuer: authority,
      pathLength: 0,
    });
    const clientId = await register({
      ...byCertificate,
      spiffe_bundle: { keys: [await authorityJwk(authority)] },
      spiffe_id: 'spiffe://example.org/ns/payments/*',
    });
    const svid = await createX509Svid(intermediate, workload);
    expect((await ask(clientId, withChain(svid, intermediate))).status).toBe(200);
    await expectRefused(ask(clientId, svid), 'svid_unverified');
  });

  test('1: a path to other roots, by a fake of the same name, or by one that may not issue, is refused', async () => {
    const clientId = await register({ ...byCertificate, ...atEndpoint() });
    const of = (issuer: Identity, ...chain: Identity[]) =>
      createX509Svid(issuer, workload).then((svid) => ask(clientId, withChain(svid, ...chain)));
    await expectRefused(of(await createSpiffeAuthority()), 'svid_unverified');
    const fake = await createSpiffeAuthority();
    await expectRefused(of(fake, authority), 'svid_unverified');
    const leaf = await createX509Svid(authority, workload);
    await expectRefused(of(leaf, leaf), 'svid_unverified');
    const below = (over: Partial<IdentityOptions>) =>
      createSpiffeAuthority({ subject: [{ CN: ['intermediate'] }], issuer: authority, ...over });
    const hour = 3_600_000;
    const expired = await below({ notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour });
    await expectRefused(of(expired, expired), 'svid_unverified');
    const mute = await below({ keyUsages: KeyUsageFlags.digitalSignature });
    await expectRefused(of(mute, mute), 'svid_unverified');
    const constrained = await below({ extensions: [new Extension('2.5.29.30', false, new Uint8Array([48, 0]))] });
    await expectRefused(of(constrained, constrained), 'svid_unverified');
    const critical = await below({ extensions: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))] });
    await expectRefused(of(critical, critical), 'svid_unverified');
    const short = await below({ pathLength: 0 });
    const deeper = await createSpiffeAuthority({ subject: [{ CN: ['deeper'] }], issuer: short });
    await expectRefused(of(deeper, deeper, short), 'svid_unverified');
  });

  test('2: it must have exactly one URI, which is a SPIFFE ID', async () => {
    const clientId = await register({ ...byCertificate, ...atEndpoint() });
    const uris = (...values: string[]) =>
      createX509Svid(authority, workload, { san: values.map((value) => ({ type: 'url', value })) });
    await expectRefused(ask(clientId, await uris(workload, 'https://example.org/x')), 'svid_malformed');
    await expectRefused(ask(clientId, await uris(workload, workload)), 'svid_malformed');
    await expectRefused(ask(clientId, await uris('https://example.org/x')), 'svid_malformed');
    await expectRefused(ask(clientId, await uris('spiffe://example.org')), 'svid_malformed');
    const dns = await createX509Svid(authority, workload, { san: [{ type: 'dns', value: 'example.org' }] });
    await expectRefused(ask(clientId, dns), 'svid_malformed');
  });

  test.each<[string, Partial<IdentityOptions>]>([
    ['3: an authority', { isAuthority: true }],
    ['4: without the key usage digitalSignature', { keyUsages: KeyUsageFlags.keyEncipherment }],
    ['4: that may sign certificates', { keyUsages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign }],
    ['that is for servers alone', { forServers: true }],
  ])('%s is refused', async (_name, over) => {
    const clientId = await register({ ...byCertificate, ...atEndpoint() });
    await expectRefused(ask(clientId, await createX509Svid(authority, workload, over)), 'svid_malformed');
  });

  test('5: one of another workload, of another trust domain, or that has expired is refused', async () => {
    const clientId = await register({ ...byCertificate, ...atEndpoint() });
    await expectRefused(ask(clientId, await createX509Svid(authority, `${workload}2`)), 'spiffe_id_wrong');
    const foreign = 'spiffe://example.com/ns/payments/sa/billing';
    await expectRefused(ask(clientId, await createX509Svid(authority, foreign)), 'trust_domain_wrong');
    const past = { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 };
    await expectRefused(ask(clientId, await createX509Svid(authority, workload, past)), 'certificate_expired');
    await expectRefused(ask(clientId), 'credentials_missing');
  });
});

describe('§5.1 client metadata', () => {
  test.each<[string, object, RegExp]>([
    ['no SPIFFE ID', { spiffe_id: null }, /^spiffe_id: spiffe_jwt needs/],
    ['an ID without a path', { spiffe_id: 'spiffe://example.org' }, /^spiffe_id: must be a SPIFFE ID/],
    ['an ID that is no SPIFFE ID', { spiffe_id: 'https://example.org/x' }, /^spiffe_id: must be a SPIFFE ID/],
    ['a * in the middle', { spiffe_id: 'spiffe://example.org/*/x' }, /^spiffe_id: must be a SPIFFE ID/],
    ['a * in a segment', { spiffe_id: 'spiffe://example.org/x*' }, /^spiffe_id: must be a SPIFFE ID/],
    ['a * as the trust domain', { spiffe_id: 'spiffe://*/x' }, /^spiffe_id: must be a SPIFFE ID/],
    ['a placeholder', { spiffe_id: 'spiffe://example.org/your-organization' }, /^spiffe_id: .*placeholder/],
    ['no bundle', { spiffe_bundle_endpoint: null }, /^spiffe_bundle_endpoint: spiffe_jwt needs/],
    ['two bundles', { spiffe_bundle: { keys: [{ kty: 'EC', use: 'jwt-svid' }] } }, /not by both/],
    [
      'an endpoint by http',
      { spiffe_bundle_endpoint: 'http://example.org/bundle' },
      /^spiffe_bundle_endpoint: must be an https URL/,
    ],
    [
      'a bundle without keys for JWT-SVIDs',
      { spiffe_bundle_endpoint: null, spiffe_bundle: { keys: [{ kty: 'EC', use: 'sig' }] } },
      /^spiffe_bundle: spiffe_jwt needs a key with the use jwt-svid/,
    ],
    [
      'a private key',
      { spiffe_bundle_endpoint: null, spiffe_bundle: { keys: [{ kty: 'EC', use: 'jwt-svid', d: 'x' }] } },
      /spiffe_bundle/,
    ],
  ])('%s is refused', async (_name, body, detail) => {
    const answer = await save({ token_endpoint_auth_method: 'spiffe_jwt', ...atEndpoint(), ...body });
    expect([answer.status, JSON.stringify(answer.body.detail ?? answer.body)]).toEqual([
      422,
      expect.stringMatching(new RegExp(detail.source.replace('^', '^"?'))),
    ]);
  });

  test('§4 the methods are in the metadata of the server', async () => {
    const { body } = await server.call('GET', '/.well-known/oauth-authorization-server');
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      expect(body[`${endpoint}_endpoint_auth_methods_supported`]).toEqual(
        expect.arrayContaining(['spiffe_jwt', 'spiffe_x509']),
      );
    }
  });

  test('a client that registers itself may have them', async () => {
    const fresh = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
    const initial = await fresh.call('POST', '/api/v1/oauth/initial-access-token', {
      token: await fresh.rootToken(),
      body: { scopes: ['policy:read'], max_uses: 1 },
    });
    const { status, body } = await fresh.call('POST', '/api/v1/oauth/register', {
      token: initial.body.initial_access_token,
      body: {
        token_endpoint_auth_method: 'spiffe_jwt',
        spiffe_id: workload,
        spiffe_bundle_endpoint: 'https://spire.example.org/bundle',
      },
    });
    expect([status, body.spiffe_id, body.client_secret]).toEqual([201, workload, undefined]);
    await fresh.close();
  });
});
