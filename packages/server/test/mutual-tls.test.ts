/** Client authentication by certificate, and tokens bound to it. RFC 8705. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { certificateThumbprint } from '@postern/guard/node';
import {
  type AlternativeName,
  createAuthority,
  createIdentity,
  createServerIdentity,
  type Identity,
  tlsFetch,
} from '@postern/testing/certificates';
import { type Answer, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const scopePath = '/api/v1/oauth/scope';
const metadataPath = '/.well-known/oauth-authorization-server';

let directory: string;
let serverAuthority: Identity;
let clientAuthority: Identity;
let tlsEnv: Record<string, string>;
let billing: Identity;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-tls-'));
  serverAuthority = await createAuthority('Servers');
  clientAuthority = await createAuthority('Clients');
  const serverIdentity = await createServerIdentity(serverAuthority);
  const fileOf = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  tlsEnv = {
    POSTERN_TLS_CERT_FILE: fileOf('server.crt', serverIdentity.cert),
    POSTERN_TLS_KEY_FILE: fileOf('server.key', serverIdentity.key),
    POSTERN_TLS_CLIENT_CA_FILE: fileOf('clients.crt', clientAuthority.cert),
  };
  billing = await createIdentity({
    subject: [{ C: ['DE'] }, { O: ['Example'] }, { CN: ['billing'] }],
    issuer: clientAuthority,
  });
  server = await startTls(tlsEnv);
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const startTls = (env: Record<string, string>) => startTestServer({ env, fetch: tlsFetch(serverAuthority) });

async function register(body: Record<string, unknown>, target = server): Promise<string> {
  const answer = await target.call('POST', '/api/v1/oauth/client', {
    token: await target.rootToken(),
    body: { scopes: ['scope:read'], ...body },
  });
  expect([answer.status, answer.body]).toEqual([200, { client_id: expect.any(String) }]);
  return answer.body.client_id;
}

async function read(pending: Promise<Response>): Promise<Answer> {
  const response = await pending;
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

const post = (path: string, form: Record<string, string>, identity?: Identity, headers = {}, target = server) =>
  read(
    tlsFetch(serverAuthority, identity)(target.url + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    }),
  );

const ask = (clientId: string, identity?: Identity, over: Record<string, string> = {}, headers = {}, target = server) =>
  post(tokenPath, { grant_type: 'client_credentials', client_id: clientId, ...over }, identity, headers, target);

const call = (token: string, identity?: Identity) =>
  read(tlsFetch(serverAuthority, identity)(server.url + scopePath, { headers: { authorization: `Bearer ${token}` } }));

const subjectDn = 'CN=billing,O=Example,C=DE';
const byCa = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: subjectDn };

const jwkOf = async (identity: Identity, withCertificate: boolean): Promise<JWK> => ({
  ...(await exportJWK(identity.keys.publicKey)),
  ...(withCertificate && { x5c: [identity.x509.raw.toString('base64')] }),
});

/** What the operator reads of the last refusal. */
const lastReason = (target = server) =>
  target.log
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === 'request refused')
    .at(-1)?.reason;

const expectRefused = async (answer: Promise<Answer>, reason: string, target = server) => {
  const { status, body } = await answer;
  expect([status, body.error, lastReason(target)]).toEqual([401, 'invalid_client', reason]);
};

describe('RFC 8705 §2.1 tls_client_auth', () => {
  test('a certificate of the CA with the registered name authenticates its client', async () => {
    const clientId = await register(byCa);
    const { status, body } = await ask(clientId, billing);
    expect([status, body.token_type, body.scope]).toEqual([200, 'Bearer', 'scope:read']);
    expect(claimsOf(body.access_token)).toMatchObject({ sub: clientId });
    expect(claimsOf(body.access_token)).not.toHaveProperty('cnf');
  });

  test('a stock client works against it unchanged', async () => {
    const clientId = await register(byCa);
    const options = { [oauth.customFetch]: tlsFetch(serverAuthority, billing) as never };
    const issuer = new URL(server.url);
    const as = await oauth
      .discoveryRequest(issuer, { algorithm: 'oauth2', ...options })
      .then((response) => oauth.processDiscoveryResponse(issuer, response));
    const client = { client_id: clientId };
    const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), {}, options);
    expect((await oauth.processClientCredentialsResponse(as, client, answer)).token_type).toBe('bearer');
  });

  test('§2 the client MUST include its client_id', async () => {
    await expectRefused(post(tokenPath, { grant_type: 'client_credentials' }, billing), 'credentials_missing');
  });

  test('it does not without a certificate, and not with another one', async () => {
    const clientId = await register(byCa);
    const issue = (over: object) => createIdentity({ subject: billing.name, issuer: clientAuthority, ...over });
    const hour = 3_600_000;
    await expectRefused(ask(clientId), 'credentials_missing');
    const other = await issue({ subject: [{ C: ['DE'] }, { O: ['Example'] }, { CN: ['shipping'] }] });
    await expectRefused(ask(clientId, other), 'certificate_wrong');
    await expectRefused(
      ask(clientId, await issue({ issuer: await createAuthority('Clients') })),
      'certificate_unverified',
    );
    await expectRefused(ask(clientId, await issue({ issuer: undefined })), 'certificate_unverified');
    await expectRefused(ask(clientId, await issue({ issuer: billing })), 'certificate_unverified');
    await expectRefused(ask(clientId, await issue({ forServers: true })), 'certificate_unverified');
    const past = { notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour };
    await expectRefused(ask(clientId, await issue(past)), 'certificate_expired');
    const coming = { notBefore: Date.now() + hour, notAfter: Date.now() + 2 * hour };
    await expectRefused(ask(clientId, await issue(coming)), 'certificate_expired');
  });

  test('it does not for a client that is unknown or disabled', async () => {
    const clientId = await register({ ...byCa, enabled: false });
    await expectRefused(ask(clientId, billing), 'client_disabled');
    await expectRefused(ask('nobody', billing), 'client_unknown');
  });

  describe('§2.1.2 the name is the one that is registered, and nothing like it', () => {
    const names: [string, AlternativeName['type'], string, string[], string[]][] = [
      [
        'tls_client_auth_san_dns',
        'dns',
        'a.example.com',
        ['a.example.com', 'A.Example.com'],
        ['example.com', '*.example.com', 'b.a.example.com'],
      ],
      [
        'tls_client_auth_san_uri',
        'url',
        'spiffe://example.com/a',
        ['spiffe://example.com/a'],
        ['spiffe://example.com/A', 'spiffe://example.com/a/'],
      ],
      ['tls_client_auth_san_ip', 'ip', '10.0.0.1', ['10.0.0.1'], ['10.0.0.2', '::ffff:10.0.0.1']],
      ['tls_client_auth_san_ip', 'ip', '2001:db8::1', ['2001:DB8:0:0::1', '2001:db8::1'], ['2001:db8::2']],
      [
        'tls_client_auth_san_email',
        'email',
        'ops@example.com',
        ['ops@example.com', 'ops@EXAMPLE.com'],
        ['Ops@example.com', 'example.com'],
      ],
    ];
    test.each(names)('%s %s %s', async (member, type, value, same, others) => {
      const subject = [{ CN: [value] }];
      const identity = await createIdentity({
        subject,
        issuer: clientAuthority,
        san: [
          { type: 'dns', value: 'unrelated.example' },
          { type, value },
        ],
      });
      const method = { token_endpoint_auth_method: 'tls_client_auth' };
      for (const name of same) {
        expect([name, (await ask(await register({ ...method, [member]: name }), identity)).status]).toEqual([
          name,
          200,
        ]);
      }
      for (const name of others) {
        await expectRefused(ask(await register({ ...method, [member]: name }), identity), 'certificate_wrong');
      }
      // The same text as a common name, or as a name of another kind, is not it.
      const elsewhere = await createIdentity({
        subject,
        issuer: clientAuthority,
        san: [{ type: 'dns', value: 'x.example' }],
      });
      await expectRefused(ask(await register({ ...method, [member]: value }), elsewhere), 'certificate_wrong');
    });

    test('a certificate with a name of every kind is not taken by one of another kind', async () => {
      const identity = await createIdentity({
        subject: [{ CN: ['x'] }],
        issuer: clientAuthority,
        san: [{ type: 'url', value: 'a.example.com' }],
      });
      const clientId = await register({
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_dns: 'a.example.com',
      });
      await expectRefused(ask(clientId, identity), 'certificate_wrong');
    });

    test.each([
      ['no name', {}, 'exactly one of'],
      ['two names', { tls_client_auth_subject_dn: 'CN=a', tls_client_auth_san_dns: 'a' }, 'exactly one of'],
      ['a subject that is no name', { tls_client_auth_subject_dn: 'billing' }, 'RFC 4514'],
      ['an attribute that nobody knows', { tls_client_auth_subject_dn: 'FOO=billing' }, 'RFC 4514'],
      ['an address that is none', { tls_client_auth_san_ip: '10.0.0.256' }, 'IPv4 or IPv6'],
      ['a network for an address', { tls_client_auth_san_ip: '10.0.0.0/8' }, 'IPv4 or IPv6'],
    ])('a client with %s cannot be made', async (_name, over, detail) => {
      const answer = await server.call('POST', '/api/v1/oauth/client', {
        token: await server.rootToken(),
        body: { token_endpoint_auth_method: 'tls_client_auth', ...over },
      });
      expect([answer.status, answer.body.detail]).toEqual([422, expect.stringContaining(detail)]);
    });
  });
});

describe('RFC 8705 §2.2 self_signed_tls_client_auth', () => {
  const method = { token_endpoint_auth_method: 'self_signed_tls_client_auth' };
  let own: Identity;
  beforeAll(async () => {
    own = await createIdentity({ subject: [{ CN: ['self'] }] });
  });

  test('§2.2.2 a certificate that is registered in x5c authenticates its client, whoever issued it', async () => {
    for (const identity of [own, billing]) {
      const clientId = await register({ ...method, jwks: { keys: [await jwkOf(identity, true)] } });
      expect((await ask(clientId, identity)).status).toBe(200);
    }
  });

  test('a key that is registered without a certificate stands for every certificate of it', async () => {
    const clientId = await register({
      ...method,
      jwks: { keys: [await jwkOf(billing, false), await jwkOf(own, false)] },
    });
    expect((await ask(clientId, own)).status).toBe(200);
    const renewed = await createIdentity({ subject: own.name, keys: own.keys });
    expect((await ask(clientId, renewed)).status).toBe(200);
  });

  test('no other certificate does: of the same name, of the same key, or of the CA', async () => {
    const clientId = await register({ ...method, jwks: { keys: [await jwkOf(own, true)] } });
    await expectRefused(ask(clientId), 'credentials_missing');
    await expectRefused(ask(clientId, await createIdentity({ subject: own.name })), 'certificate_wrong');
    await expectRefused(
      ask(clientId, await createIdentity({ subject: own.name, keys: own.keys })),
      'certificate_wrong',
    );
    await expectRefused(ask(clientId, billing), 'certificate_wrong');
  });

  test('nor does one that has expired, though it is registered', async () => {
    const hour = 3_600_000;
    const old = await createIdentity({
      subject: [{ CN: ['old'] }],
      notBefore: Date.now() - 2 * hour,
      notAfter: Date.now() - hour,
    });
    const clientId = await register({ ...method, jwks: { keys: [await jwkOf(old, true)] } });
    await expectRefused(ask(clientId, old), 'certificate_expired');
  });

  test('RFC 7517 §4.7 a certificate in x5c MUST be one of its key; and without keys there is no such client', async () => {
    const mixed = { ...(await jwkOf(own, true)), x5c: (await jwkOf(billing, true)).x5c };
    for (const over of [{ jwks: { keys: [mixed] } }, { jwks: { keys: [{ ...mixed, x5c: ['AAAA'] }] } }, {}]) {
      const answer = await server.call('POST', '/api/v1/oauth/client', {
        token: await server.rootToken(),
        body: { ...method, ...over },
      });
      expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(/^jwks: /)]);
    }
  });
});

describe('a client is registered for its method, and no other works', () => {
  test('a client of certificates has no secret, and one of secrets is not known by a certificate', async () => {
    const clientId = await register(byCa);
    expect((await ask(clientId, billing, { client_secret: 'x' })).status).toBe(401);
    const basic = { authorization: `Basic ${Buffer.from(`${clientId}:x`).toString('base64')}` };
    expect((await ask(clientId, billing, {}, basic)).status).toBe(401);
    const secret = await server.createClient({ tls_client_auth_subject_dn: subjectDn });
    await expectRefused(ask(secret.clientId, billing), 'method_not_registered');
    expect((await ask(secret.clientId, billing, { client_secret: secret.clientSecret })).status).toBe(200);
    await expectRefused(ask(server.root.clientId, billing), 'method_not_registered');
  });

  test('a registered key does not authenticate a client registered for a CA, and vice versa', async () => {
    const own = await createIdentity({ subject: billing.name });
    const jwks = { keys: [await jwkOf(own, true)] };
    await expectRefused(ask(await register({ ...byCa, jwks }), own), 'certificate_unverified');
    const selfSigned = { ...byCa, token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks };
    await expectRefused(ask(await register(selfSigned), billing), 'certificate_wrong');
  });

  test('RFC 6749 §2.3 a secret and an assertion are two methods, with a certificate as without', async () => {
    const answer = await ask(await register(byCa), billing, { client_secret: 'x', client_assertion: 'y' });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('RFC 8705 §3 certificate-bound access tokens', () => {
  const bound = { ...byCa, tls_client_certificate_bound_access_tokens: true };
  let clientId: string;
  let token: string;
  beforeAll(async () => {
    clientId = await register(bound);
    const { status, body } = await ask(clientId, billing);
    expect([status, body.token_type]).toEqual([200, 'Bearer']);
    token = body.access_token;
  });

  test('§3.1 the token holds the thumbprint of the certificate, and nothing else in cnf', async () => {
    expect(claimsOf(token)['cnf']).toEqual({ 'x5t#S256': certificateThumbprint(billing.x509.raw) });
  });

  test('§3 it passes with its certificate and MUST be rejected with 401 invalid_token otherwise', async () => {
    expect((await call(token, billing)).status).toBe(200);
    const renewed = await createIdentity({ subject: billing.name, issuer: clientAuthority, keys: billing.keys });
    for (const [identity, reason] of [
      [undefined, 'certificate_missing'],
      [renewed, 'certificate_wrong'],
    ] as const) {
      const { status, headers, body } = await call(token, identity);
      expect([status, body.error, lastReason()]).toEqual([401, 'invalid_token', reason]);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
    }
    // Nor as a DPoP token.
    const asDpop = await read(
      tlsFetch(serverAuthority, billing)(server.url + scopePath, { headers: { authorization: `DPoP ${token}` } }),
    );
    expect(asDpop.status).toBe(401);
  });

  test('a certificate that came along does not get in the way of a plain token', async () => {
    const plain = await server.rootToken();
    expect((await call(plain, billing)).status).toBe(200);
  });

  test('§3.2 introspection shows the binding, also to a caller that authenticates by certificate', async () => {
    const { status, body } = await post('/api/v1/oauth/introspect', { client_id: clientId, token }, billing);
    expect([status, body.active, body.token_type]).toEqual([200, true, 'Bearer']);
    expect(body.cnf).toEqual({ 'x5t#S256': certificateThumbprint(billing.x509.raw) });
  });

  test('RFC 7009 §2.1 a caller that authenticates by certificate can revoke its token', async () => {
    const { access_token } = (await ask(clientId, billing)).body;
    await expectRefused(
      post('/api/v1/oauth/revoke', { client_id: clientId, token: access_token }),
      'credentials_missing',
    );
    expect((await post('/api/v1/oauth/revoke', { client_id: clientId, token: access_token }, billing)).status).toBe(
      200,
    );
    expect((await call(access_token, billing)).status).toBe(401);
  });

  test('a client that authenticates otherwise has its tokens bound too, and none without a certificate', async () => {
    const keyPair = await generateKeyPair('ES256');
    const id = await register({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [await exportJWK(keyPair.publicKey)] },
      tls_client_certificate_bound_access_tokens: true,
    });
    const assertion = async () => ({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT({ iss: id, sub: id, aud: server.url, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256' })
        .setExpirationTime('1m')
        .sign(keyPair.privateKey),
    });
    const own = await createIdentity({ subject: [{ CN: ['own'] }] });
    const { status, body } = await ask(id, own, await assertion());
    expect([status, claimsOf(body.access_token)['cnf']]).toEqual([
      200,
      { 'x5t#S256': certificateThumbprint(own.x509.raw) },
    ]);
    const without = await ask(id, undefined, await assertion());
    expect([without.status, without.body.error, lastReason()]).toEqual([400, 'invalid_request', 'certificate_missing']);
  });

  test('one token has one binding: a proof goes first, unless the client must be bound to its certificate', async () => {
    const keyPair = await generateKeyPair('ES256');
    const proof = async () => ({
      dpop: await new SignJWT({
        jti: crypto.randomUUID(),
        htm: 'POST',
        htu: server.url + tokenPath,
        iat: Math.floor(server.now() / 1000),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(keyPair.publicKey) })
        .sign(keyPair.privateKey),
    });
    const free = await ask(await register(byCa), billing, {}, await proof());
    expect([free.status, free.body.token_type]).toEqual([200, 'DPoP']);
    expect(claimsOf(free.body.access_token)['cnf']).toEqual({ jkt: expect.any(String) });
    const refused = await ask(clientId, billing, {}, await proof());
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_request']);
    const both = await server.call('PATCH', `/api/v1/oauth/client/${clientId}`, {
      token: await server.rootToken(),
      body: { dpop_bound_access_tokens: true },
    });
    expect([both.status, both.body.detail]).toEqual([422, expect.stringMatching(/^tls_client_certificate_bound/)]);
  });

  test('a certificate that expires takes its tokens along', async () => {
    const target = await startTls(tlsEnv);
    try {
      const id = await register(bound, target);
      const { access_token } = (await ask(id, billing, {}, {}, target)).body;
      const at = () =>
        read(
          tlsFetch(serverAuthority, billing)(target.url + scopePath, {
            headers: { authorization: `Bearer ${access_token}` },
          }),
        );
      expect((await at()).status).toBe(200);
      await target.advance(2 * 86_400);
      expect((await at()).status).toBe(401);
      await expectRefused(ask(id, billing, {}, {}, target), 'certificate_expired', target);
    } finally {
      await target.close();
    }
  });
});

/** A plain-HTTP call from an address of this machine. */
function from(
  localAddress: string,
  url: string,
  method: string,
  headers: Record<string, string>,
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers, localAddress, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: new Headers(), body: text === '' ? '' : JSON.parse(text) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('behind a proxy that ends TLS', () => {
  const proxy = '127.0.0.2';
  const stranger = '127.0.0.3';
  const trust = { POSTERN_TRUSTED_PROXIES: proxy, POSTERN_CLIENT_CERTIFICATE_HEADER: 'Client-Cert' };
  let behind: TestServer;
  let clientId: string;
  beforeAll(async () => {
    behind = await startTestServer({ env: trust });
    clientId = await register({ ...byCa, tls_client_certificate_bound_access_tokens: true }, behind);
  });
  afterAll(() => behind.close());

  const rfc9440 = (identity: Identity) => `:${identity.x509.raw.toString('base64')}:`;
  const askFrom = (address: string, headers: Record<string, string>) =>
    from(
      address,
      behind.url + tokenPath,
      'POST',
      { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      `grant_type=client_credentials&client_id=${clientId}`,
    );
  const callFrom = (address: string, token: string, headers: Record<string, string>) =>
    from(address, behind.url + scopePath, 'GET', { authorization: `Bearer ${token}`, ...headers });

  test('RFC 9440 §2.2 the certificate in its header counts, at the token endpoint and at APIs', async () => {
    const header = { 'client-cert': rfc9440(billing) };
    const { status, body } = await askFrom(proxy, header);
    expect([status, claimsOf(body.access_token)['cnf']]).toEqual([
      200,
      { 'x5t#S256': certificateThumbprint(billing.x509.raw) },
    ]);
    expect((await callFrom(proxy, body.access_token, header)).status).toBe(200);
    expect((await callFrom(proxy, body.access_token, {})).status).toBe(401);
  });

  test('the forms of other proxies mean the same', async () => {
    const escaped = encodeURIComponent(billing.cert);
    for (const header of [escaped, `Hash=${'0'.repeat(64)};Subject="CN=\\"a\\";Cert=b";Cert="${escaped}"`]) {
      expect((await askFrom(proxy, { 'client-cert': header })).status).toBe(200);
    }
    expect((await askFrom(proxy, { 'client-cert': billing.x509.raw.toString('base64') })).status).toBe(200);
  });

  test('RFC 9440 §4 the same header from any other peer changes nothing', async () => {
    const header = { 'client-cert': rfc9440(billing) };
    const forwarded = { 'x-forwarded-for': proxy, forwarded: `for=${proxy}` };
    await expectRefused(askFrom(stranger, header), 'credentials_missing', behind);
    await expectRefused(askFrom(stranger, { ...header, ...forwarded }), 'credentials_missing', behind);
    await expectRefused(askFrom(stranger, { 'client-cert': 'rubbish' }), 'credentials_missing', behind);
    const { access_token } = (await askFrom(proxy, header)).body;
    const spoofed = await callFrom(stranger, access_token, { ...header, ...forwarded });
    expect([spoofed.status, spoofed.body.error]).toEqual([401, 'invalid_token']);
  });

  test('a header that is not one certificate is refused, and an empty one says that there is none', async () => {
    const good = rfc9440(billing);
    for (const header of ['rubbish', `${good}, ${good}`, '::', good.slice(0, -20)]) {
      const { status, body } = await askFrom(proxy, { 'client-cert': header });
      expect([header.slice(0, 20), status, body.error]).toEqual([header.slice(0, 20), 400, 'invalid_request']);
    }
    await expectRefused(askFrom(proxy, { 'client-cert': '' }), 'credentials_missing', behind);
    await expectRefused(askFrom(proxy, {}), 'credentials_missing', behind);
  });

  test('a certificate of another client or out of its time is refused here too', async () => {
    const other = await createIdentity({ subject: [{ CN: ['other'] }], issuer: clientAuthority });
    await expectRefused(askFrom(proxy, { 'client-cert': rfc9440(other) }), 'certificate_wrong', behind);
    const old = await createIdentity({
      subject: billing.name,
      notBefore: Date.now() - 7_200_000,
      notAfter: Date.now() - 3_600_000,
    });
    await expectRefused(askFrom(proxy, { 'client-cert': rfc9440(old) }), 'certificate_expired', behind);
  });

  test("on a proxy's own TLS connection the proxy's certificate is nobody's", async () => {
    const target = await startTls({ ...tlsEnv, ...trust });
    try {
      const id = await register(byCa, target);
      const askAs = (address: string, headers: Record<string, string>) =>
        read(
          tlsFetch(
            serverAuthority,
            billing,
            address,
          )(target.url + tokenPath, {
            method: 'POST',
            headers,
            body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id }),
          }),
        );
      await expectRefused(askAs(proxy, {}), 'credentials_missing', target);
      expect((await askAs(proxy, { 'client-cert': rfc9440(billing) })).status).toBe(200);
      const other = await createIdentity({ subject: [{ CN: ['other'] }] });
      expect((await askAs(stranger, { 'client-cert': rfc9440(other) })).status).toBe(200);
    } finally {
      await target.close();
    }
  });
});

describe('RFC 8705 §3.3 and RFC 8414 §2 metadata says what can work', () => {
  const read8705 = async (env: Record<string, string>) => {
    const target = await startTls(env);
    try {
      const { body } = await target.call('GET', metadataPath);
      const methods = body.token_endpoint_auth_methods_supported;
      const authenticating = methods.filter((method: string) => method !== 'none');
      expect(body.introspection_endpoint_auth_methods_supported).toEqual(authenticating);
      expect(body.revocation_endpoint_auth_methods_supported).toEqual(authenticating);
      expect([body.issuer, body.token_endpoint]).toEqual([target.url, target.url + tokenPath]);
      const certificates = methods.filter((method: string) => method.includes('tls_'));
      return [certificates, body.tls_client_certificate_bound_access_tokens];
    } finally {
      await target.close();
    }
  };

  test('with TLS, with and without a CA for clients', async () => {
    expect(await read8705(tlsEnv)).toEqual([['tls_client_auth', 'self_signed_tls_client_auth'], true]);
    const { POSTERN_TLS_CLIENT_CA_FILE: _, ...withoutCa } = tlsEnv;
    expect(await read8705(withoutCa)).toEqual([['self_signed_tls_client_auth'], true]);
  });

  test('without a CA for clients, those of the web do not stand in for it', async () => {
    const { POSTERN_TLS_CLIENT_CA_FILE: _, ...withoutCa } = tlsEnv;
    const web = getCACertificates('default');
    setDefaultCACertificates([clientAuthority.cert]);
    const target = await startTls(withoutCa);
    try {
      await expectRefused(ask(await register(byCa, target), billing, {}, {}, target), 'certificate_unverified', target);
    } finally {
      await target.close();
      setDefaultCACertificates(web);
    }
  });

  test('over plain HTTP, with and without a header of a proxy', async () => {
    const at = async (env: Record<string, string>) => {
      const target = await startTestServer({ env });
      const { body } = await target.call('GET', metadataPath);
      await target.close();
      return [
        body.token_endpoint_auth_methods_supported.filter((method: string) => method.includes('tls_')),
        body.tls_client_certificate_bound_access_tokens,
      ];
    };
    expect(await at({})).toEqual([[], false]);
    expect(await at({ POSTERN_TRUSTED_PROXIES: '10.0.0.1', POSTERN_CLIENT_CERTIFICATE_HEADER: 'Client-Cert' })).toEqual(
      [['tls_client_auth', 'self_signed_tls_client_auth'], true],
    );
  });
});
