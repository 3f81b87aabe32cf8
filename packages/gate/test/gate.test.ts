/** A gate as gateways ask it, by HTTP and by gRPC, with an issuer whose tokens the tests choose. */
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createDpopNonces } from '@postern/guard/node';
import { createIdentity } from '@postern/testing/certificates';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { base64url, tokenOf } from '../../guard/fixtures/tokens.ts';
import { startIssuer, type TestIssuer } from '../../guard/test/issuer.ts';
import { type GateConfig, type GateFile, type GateServer, readGateFile, serveGate } from '../src/index.ts';

const origin = 'https://api.example.com';

let issuer: TestIssuer;
let server: GateServer;
let port: number;
let rpc: Client & Record<'Check', (message: object, done: (error: Error | null, answer?: CheckAnswer) => void) => void>;
let file: GateFile;
const refusals: string[] = [];
const faults: string[] = [];

const configOf = (value: GateFile): GateConfig => {
  const read = readGateFile(value);
  expect(read).not.toBeInstanceOf(Array);
  return read as GateConfig;
};

beforeAll(async () => {
  issuer = await startIssuer();
  port = await freePort();
  const grpcPort = await freePort();
  file = {
    issuer: issuer.url,
    listen: `127.0.0.1:${port}`,
    grpc: `127.0.0.1:${grpcPort}`,
    client_certificate_header: 'Client-Cert',
    pass_on: { 'X-Client-Id': 'client_id', 'X-Scope': 'scope', 'X-Tenant': 'tenant' },
    apis: [
      {
        audience: origin,
        origins: [origin, 'http://api.internal:8080'],
        rules: [
          { path: '/invoices', methods: ['GET'], scopes: ['policy:read'] },
          { path: '/invoices/{id}', scopes: ['invoice:write'] },
          { path: '/any', scopes: [] },
          { path: '/health', public: true },
          { path: '/orders', scopes: ['policy:read'] },
          { path: '/orders', methods: ['POST'], scopes: ['invoice:write'] },
        ],
      },
      {
        audience: 'urn:files',
        origins: ['https://files.example.com'],
        accept_typ: ['at+jwt', 'JWT'],
        rules: [{ path: '/**', scopes: ['policy:read'] }],
      },
    ],
  };
  server = await serveGate({
    config: configOf(file),
    clientSecret: undefined,
    onFault: (fault) => faults.push(fault.message),
    onRefusal: ({ code, reason }) => refusals.push(`${code} ${reason}`),
  });
  const proto = loadSync(fileURLToPath(new URL('../src/ext-authz.proto', import.meta.url)), {
    keepCase: true,
    arrays: true,
  });
  // biome-ignore lint/suspicious/noExplicitAny: the package is as the file has it
  const { Authorization } = (loadPackageDefinition(proto) as any).envoy.service.auth.v3 as {
    Authorization: ServiceClientConstructor;
  };
  rpc = new Authorization(`127.0.0.1:${grpcPort}`, credentials.createInsecure()) as never;
});
afterAll(async () => {
  rpc.close();
  await server.close();
  await issuer.close();
});

const inAnHour = () => Math.floor(Date.now() / 1000) + 3_600;
const token = (claims: object = {}, header: object = {}) =>
  issuer.token({ iat: inAnHour() - 3_600, exp: inAnHour(), ...claims }, 'one', header);

/** A token that is bound to a key, and proofs by that key. */
function createBoundToken() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const { crv, kty, x, y } = jwk;
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  const bound = token({ cnf: { jkt } });
  const ath = base64url(createHash('sha256').update(bound).digest());
  const proof = (htu: string, claims: object = {}) =>
    tokenOf(
      { typ: 'dpop+jwt', alg: 'ES256', jwk },
      { jti: randomUUID(), htm: 'GET', htu, iat: Math.floor(Date.now() / 1000), ath, ...claims },
      privateKey,
    );
  return { bound, proof };
}

interface Question {
  readonly method?: string;
  readonly host?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | undefined;
}

interface GateAnswer {
  readonly status: number;
  /** Names in lower case; for gRPC those that replace what the caller sent, with empty ones for those that are removed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface CheckAnswer {
  readonly status: { readonly code: number };
  readonly denied_response?: { status: { code: number }; headers: Option[]; body: string };
  readonly ok_response?: { headers: Option[]; headers_to_remove: string[] };
}

interface Option {
  readonly header: { readonly key: string; readonly value: string };
}

/** Sends exactly these headers and this path. */
function send(method: string, path: string, headers: Record<string, string>): Promise<GateAnswer> {
  return new Promise((resolve, reject) => {
    request({ port, method, path, headers, setHost: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, body }),
      );
    })
      .on('error', reject)
      .end();
  });
}

const full = ({ method = 'GET', host = 'api.example.com', target = '/invoices', headers = {}, token }: Question) => ({
  method,
  host,
  target,
  headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
});

const ways: Readonly<Record<string, (question: Question) => Promise<GateAnswer>>> = {
  'forward-auth': (question) => {
    const { method, host, target, headers } = full(question);
    const about = { 'x-forwarded-method': method, 'x-forwarded-host': host, 'x-forwarded-uri': target };
    return send('GET', '/forward-auth', { host: 'gate', ...headers, ...about });
  },
  'auth-request': (question) => {
    const { method, host, target, headers } = full(question);
    const about = { 'x-original-method': method, 'x-original-host': host, 'x-original-uri': target };
    return send('GET', '/auth-request', { host: 'gate', ...headers, ...about });
  },
  'ext-authz by HTTP': (question) => {
    const { method, host, target, headers } = full(question);
    return send(method, `/ext-authz${target}`, { host, ...headers });
  },
  'ext-authz by gRPC': async (question) => {
    const { method, host, target, headers } = full(question);
    const http = { method, host, path: target, headers: { ':path': target, ...headers } };
    const { ok_response, denied_response } = await new Promise<CheckAnswer>((resolve, reject) => {
      rpc.Check({ attributes: { request: { http } } }, (error, answer) => (answer ? resolve(answer) : reject(error)));
    });
    const set = (ok_response ?? denied_response)?.headers.map(({ header }) => [header.key.toLowerCase(), header.value]);
    const removed = ok_response?.headers_to_remove.map((name) => [name.toLowerCase(), '']);
    return {
      status: denied_response?.status.code ?? 200,
      headers: Object.fromEntries([...(set ?? []), ...(removed ?? [])]),
      body: denied_response?.body ?? '',
    };
  },
};

describe.each(Object.entries(ways))('%s', (way, ask) => {
  test('a token with the scope passes, and the API learns who calls', async () => {
    const { status, headers } = await ask({ target: '/invoices?page=2', token: token({ tenant: 'Grüße 100%' }) });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'x-client-id': 'client',
      'x-scope': 'policy:read rule:read',
      'x-tenant': 'Gr%C3%BC%C3%9Fe%20100%25',
    });
  });

  test('every header that is passed on is answered, so that the gateway replaces what the caller sent', async () => {
    const spoofed = { 'x-client-id': 'root', 'x-tenant': 'other' };
    expect((await ask({ token: token(), headers: spoofed })).headers).toMatchObject({
      'x-client-id': 'client',
      'x-tenant': '',
    });
    expect(await ask({ target: '/health', headers: spoofed })).toMatchObject({
      status: 200,
      headers: { 'x-client-id': '', 'x-scope': '', 'x-tenant': '' },
    });
  });

  test('refusals have the status, the challenge and the body of an API', async () => {
    const missing = await ask({});
    expect([missing.status, missing.headers['www-authenticate']]).toEqual([
      401,
      expect.stringMatching(/^Bearer realm="Postern"/),
    ]);
    const [header, claims] = token().split('.');
    const forged = [header, claims, token({ scope: '' }).split('.')[2]].join('.');
    const invalid = await ask({ token: forged });
    expect([invalid.status, JSON.parse(invalid.body).error]).toEqual([401, 'invalid_token']);
    const unscoped = await ask({ target: '/invoices/7', token: token() });
    expect(unscoped).toMatchObject({ status: 403, headers: { 'content-type': 'application/json' } });
    expect(unscoped.headers['www-authenticate']).toContain('scope="invoice:write"');
    expect(JSON.parse(unscoped.body).error).toBe('insufficient_scope');
  });

  test.each<[string, Question]>([
    ['path', { target: '/unknown' }],
    ['method', { method: 'DELETE' }],
    ['host', { host: 'other.example.com' }],
    ['port', { host: 'api.example.com:8080' }],
  ])('an unknown %s is refused', async (_part, question) => {
    expect(await ask({ ...question, token: token() })).toMatchObject({ status: 403 });
    expect(refusals.at(-1)).toBe('access_denied gate_rule_missing');
  });

  test('a path that APIs read in several ways is refused', async () => {
    for (const target of ['/health/../invoices/7', '/health/%2e%2e/invoices/7', '/health%00', '//invoices']) {
      expect((await ask({ target, token: token() })).status, target).toBe(403);
      expect(refusals.at(-1)).toBe('access_denied path_ambiguous');
    }
    expect((await ask({ target: '/HEALTH', token: token() })).status).toBe(403);
  });

  test('a method that some APIs read as another one does not pass by the rule for all others', async () => {
    expect((await ask({ target: '/orders', token: token() })).status).toBe(200);
    expect((await ask({ target: '/orders', method: 'POST', token: token() })).status).toBe(403);
    for (const method of way === 'ext-authz by HTTP' ? [] : ['post', 'Post', '']) {
      expect((await ask({ target: '/orders', method, token: token() })).status, method).toBe(403);
      expect(refusals.at(-1)).toBe('access_denied gate_rule_missing');
    }
  });

  test('a parameter that some APIs take for the method of a POST is refused', async () => {
    const post = { method: 'POST', token: token({ scope: 'policy:read invoice:write' }) };
    expect((await ask({ ...post, target: '/orders?a=_method&method=x' })).status).toBe(200);
    for (const query of ['_method=DELETE', 'a=b&%5Fmethod=DELETE', '%20.METHOD=DELETE']) {
      expect((await ask({ ...post, target: `/orders?${query}` })).status, query).toBe(403);
      expect(refusals.at(-1)).toBe('access_denied path_ambiguous');
    }
  });

  test('a host may be written with the port of its scheme, and has rules of its own', async () => {
    expect((await ask({ host: 'API.example.com:443', token: token() })).status).toBe(200);
    expect((await ask({ host: 'api.internal:8080', token: token() })).status).toBe(200);
    expect((await ask({ host: 'files.example.com', token: token() })).status).toBe(401);
    expect((await ask({ host: 'files.example.com', token: token({ aud: 'urn:files' }) })).status).toBe(200);
  });

  test('tokens of the type JWT pass only to an API that accepts them', async () => {
    const plain = { typ: 'JWT' };
    expect((await ask({ token: token({}, plain) })).status).toBe(401);
    expect((await ask({ host: 'files.example.com', token: token({ aud: 'urn:files' }, plain) })).status).toBe(200);
  });

  test('headers that would tell the API another caller, path or method are refused', async () => {
    for (const headers of [
      { x_client_id: 'root' },
      { 'x-client_id': 'root' },
      { 'x-original-url': '/admin' },
      { 'x-rewrite-url': '/admin' },
      { 'x-http-method-override': 'DELETE' },
      { 'x_http-method_override': 'DELETE' },
    ] as Record<string, string>[]) {
      expect((await ask({ token: token(), headers })).status, JSON.stringify(headers)).toBe(403);
      expect(refusals.at(-1)).toBe('access_denied header_not_allowed');
    }
  });

  test('a token that is bound to a certificate passes with it alone', async () => {
    const { cert } = await createIdentity({ subject: [{ CN: ['caller'] }] });
    const der = Buffer.from(cert.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
    const bound = token({ cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') } });
    const headers = { 'client-cert': `:${der.toString('base64')}:` };
    expect((await ask({ token: bound, headers })).status).toBe(200);
    expect((await ask({ token: bound })).status).toBe(401);
  });

  test('a token that is bound to a key passes with a proof for the URL of the caller, once', async () => {
    const { bound, proof } = createBoundToken();
    const withProof = (dpop: string, host = 'api.example.com') =>
      ask({ host, headers: { authorization: `DPoP ${bound}`, dpop }, target: '/invoices?a=b' });
    const used = proof(`${origin}/invoices`);
    expect((await withProof(used)).status).toBe(200);
    expect((await withProof(used)).status).toBe(401);
    expect((await withProof(proof('https://other.example.com/invoices'))).status).toBe(401);
    expect((await withProof(proof('http://api.internal:8080/invoices'), 'api.internal:8080')).status).toBe(200);
    expect((await ask({ token: bound })).status).toBe(401);
  });

  test('RFC 9449 §9 if proofs need a nonce, one passes with that of the refusal, and not with that of another gate', async () => {
    const nonces = { dpopNonceKey: randomBytes(32) };
    await server.use({ config: configOf(file), clientSecret: undefined, ...nonces });
    try {
      const { bound, proof } = createBoundToken();
      const withProof = (claims: object) =>
        ask({ headers: { authorization: `DPoP ${bound}`, dpop: proof(`${origin}/invoices`, claims) } });
      const refused = await withProof({});
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('error="use_dpop_nonce"'),
      ]);
      expect((await withProof({ nonce: refused.headers['dpop-nonce'] })).status).toBe(200);
      const other = createDpopNonces(randomBytes(32)).current();
      expect((await withProof({ nonce: other })).status).toBe(401);
      expect((await withProof({ nonce: createDpopNonces(nonces.dpopNonceKey).current() })).status).toBe(200);
    } finally {
      await server.use({ config: configOf(file), clientSecret: undefined });
    }
  });
});

describe('HTTP', () => {
  test('the description of a request is read from the headers of its way of asking alone', async () => {
    const spoof = { 'x-forwarded-method': 'GET', 'x-forwarded-host': 'api.example.com', 'x-forwarded-uri': '/health' };
    const about = { 'x-original-method': 'GET', 'x-original-host': 'api.example.com', 'x-original-uri': '/invoices' };
    expect((await send('GET', '/auth-request', { ...spoof, ...about })).status).toBe(401);
    expect((await send('GET', '/ext-authz/invoices', { host: 'api.example.com', ...spoof })).status).toBe(401);
    expect((await send('GET', '/forward-auth', { ...spoof, ...about })).status).toBe(200);
    expect((await send('GET', '/forward-auth', {})).status).toBe(403);
  });

  test('two headers of one name describe no request, and two tokens are none', async () => {
    const raw = (lines: string[]) =>
      new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(
            `${['GET /forward-auth HTTP/1.1', 'Host: gate', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`,
          );
        });
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text));
      });
    const about = ['X-Forwarded-Method: GET', 'X-Forwarded-Host: api.example.com'];
    const bearer = `Authorization: Bearer ${token()}`;
    expect(await raw([...about, 'X-Forwarded-Uri: /invoices', bearer])).toMatch(/^HTTP\/1.1 200/);
    expect(await raw([...about, 'X-Forwarded-Uri: /health', 'X-Forwarded-Uri: /invoices/7', bearer])).toMatch(
      /^HTTP\/1.1 403/,
    );
    expect(await raw([...about, 'X-Forwarded-Uri: /invoices', bearer, bearer])).toMatch(/^HTTP\/1.1 401/);
    const spoofed = 'Connection: X-Client-Id';
    expect(await raw([...about, 'X-Forwarded-Uri: /health', spoofed])).toMatch(/^HTTP\/1.1 403/);
  });

  test('health, metrics and the metadata of the APIs are served', async () => {
    await vi.waitFor(async () => expect((await send('GET', '/health/ready', {})).status).toBe(200), 5_000);
    expect((await send('GET', '/health', {})).status).toBe(200);
    expect((await send('GET', '/metrics', {})).body).toContain('postern_gate_decisions_total{outcome="passed"}');
    const metadata = await send('GET', '/.well-known/oauth-protected-resource', {});
    expect(JSON.parse(metadata.body).resource).toBe(origin);
    expect((await send('GET', '/forward-authority', {})).status).toBe(404);
  });
});

test('another configuration holds for the next request, and keeps what the guards know', async () => {
  const [api] = file.apis;
  const ask = ways['forward-auth'] as (question: Question) => Promise<GateAnswer>;
  const keyRequests = () => issuer.hits('/jwks');
  const before = keyRequests();
  await server.use({
    config: configOf({ ...file, apis: [{ ...api, rules: [{ path: '/new', scopes: ['policy:read'] }] } as never] }),
    clientSecret: undefined,
  });
  expect((await ask({ target: '/new', token: token() })).status).toBe(200);
  expect((await ask({ token: token() })).status).toBe(403);
  await server.use({ config: configOf({ ...file, gateways: ['192.0.2.1'] }), clientSecret: undefined });
  expect((await ask({ token: token() })).status).toBe(403);
  await expect(ways['ext-authz by gRPC']?.({ token: token() })).rejects.toThrow('PERMISSION_DENIED');
  await server.use({ config: configOf(file), clientSecret: undefined });
  expect((await ask({ token: token() })).status).toBe(200);
  expect(keyRequests() - before).toBeLessThanOrEqual(2);
});

test('what cannot be decided is 503, and does not pass', async () => {
  const gone = await startIssuer();
  const bearer = gone.token({ iat: inAnHour() - 3_600, exp: inAnHour() });
  await gone.close();
  const elsewhere = await freePort();
  const other = await serveGate({
    config: configOf({ issuer: gone.url, listen: `127.0.0.1:${elsewhere}`, apis: file.apis }),
    clientSecret: undefined,
    onFault: () => {},
    onRefusal: () => {},
  });
  const ask = (authorization: string) =>
    fetch(`http://127.0.0.1:${elsewhere}/forward-auth`, {
      headers: {
        authorization,
        'x-forwarded-method': 'GET',
        'x-forwarded-host': 'api.example.com',
        'x-forwarded-uri': '/invoices',
      },
    });
  const answer = await ask(`Bearer ${bearer}`);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect((await fetch(`http://127.0.0.1:${elsewhere}/health/ready`)).status).toBe(503);
  await other.close();
});
