/** Wrong credentials again and again: only what is wrong is refused. RFC 6749 §2.3.1 and §10.10, RFC 6585 §4. */
import { request } from 'node:http';
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

const tokenPath = '/api/v1/oauth/token';

/** Budgets a minute, as the manual says. */
const ofClientAtAddress = 60;
const ofClient = 600;
const ofAddress = 1_000;

/** A token request with these credentials, from a local address or as a proxy passes it on. */
function ask(
  server: TestServer,
  { clientId, clientSecret }: Credentials,
  { from = '127.0.0.1', headers = {} }: { from?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  return post(server, tokenPath, form, from, headers);
}

function post(
  server: TestServer,
  path: string,
  form: Record<string, string>,
  from: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(server.url + path, {
      method: 'POST',
      localAddress: from,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
    outgoing.once('error', reject);
    outgoing.once('response', async (response) => {
      let text = '';
      for await (const chunk of response) {
        text += chunk;
      }
      const { statusCode = 0 } = response;
      resolve({
        status: statusCode,
        headers: new Headers(response.headers as Record<string, string>),
        body: text === '' ? '' : JSON.parse(text),
      });
    });
    outgoing.end(new URLSearchParams(form).toString());
  });
}

/** The answers to `times` calls, one after the other. */
async function repeat(times: number, call: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let index = 0; index < times; index += 1) {
    answers.push(await call(index));
  }
  return answers;
}

const wrong = (client: Credentials): Credentials => ({ ...client, clientSecret: 'wrong' });
const countOf = (answers: readonly Answer[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

/** A server with two clients. Each test has a minute of its own. */
async function startWithClients(env: Record<string, string> = {}) {
  const server = await startTestServer({ env });
  const victim = await server.createClient({ scopes: ['policy:read'] });
  const other = await server.createClient({ scopes: ['policy:read'] });
  return { server, victim, other };
}

describe('from one address', () => {
  let server: TestServer;
  let victim: Credentials;
  let other: Credentials;
  beforeAll(async () => {
    ({ server, victim, other } = await startWithClients());
  });
  afterAll(() => server.close());
  beforeEach(() => server.advance(60));

  test('of 1,000 wrong secrets for one client 60 are told that they are wrong; no right secret is refused anywhere', async () => {
    const answers = await repeat(1_000, () => ask(server, wrong(victim)));
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array(ofClientAtAddress).fill(401),
      ...Array(1_000 - ofClientAtAddress).fill(429),
    ]);
    expect((await ask(server, other)).status).toBe(200);
    expect((await ask(server, victim)).status).toBe(200);
    expect((await ask(server, victim, { from: '127.0.0.9' })).status).toBe(200);
    expect((await ask(server, wrong(victim), { from: '127.0.0.9' })).status).toBe(401);
  });

  test('RFC 6749 §5.2, RFC 6585 §4 the answer says what is wrong, and when to come again', async () => {
    const answers = await repeat(ofClientAtAddress + 1, () => ask(server, wrong(victim)));
    const { status, headers, body } = answers.at(-1) as Answer;
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('www-authenticate')).toBeNull();
    expect(body).toEqual({
      error: 'too_many_requests',
      error_description: expect.stringMatching(/^Authentication failed too often; retry in \d+ seconds\.$/),
      detail: body.error_description,
    });
    expect(server.log.at(-2)).toContain('"reason":"failure_budget_spent"');
    expect(server.log.join('')).not.toContain(victim.clientSecret);
  });

  test('RFC 6749 §5.2 a client library hands on the code and the time to wait', async () => {
    await repeat(ofClientAtAddress, () => ask(server, wrong(victim)));
    const as = { issuer: server.url, token_endpoint: server.url + tokenPath };
    const client = { client_id: victim.clientId };
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      client,
      oauth.ClientSecretBasic('wrong'),
      {},
      { [oauth.allowInsecureRequests]: true },
    );
    const refusal = await oauth.processClientCredentialsResponse(as, client, response).catch((error) => error);
    expect(refusal).toBeInstanceOf(oauth.ResponseBodyError);
    expect([refusal.status, refusal.error]).toEqual([429, 'too_many_requests']);
    expect(Number(refusal.response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  test('when the minute is over, a wrong secret is told as one again', async () => {
    await repeat(ofClientAtAddress, () => ask(server, wrong(victim)));
    const { status, headers } = await ask(server, wrong(victim));
    expect(status).toBe(429);
    await server.advance(Number(headers.get('retry-after')));
    expect((await ask(server, wrong(victim))).status).toBe(401);
  });

  test('successes are not counted, and write nothing', async () => {
    const answers = await repeat(ofClientAtAddress * 2, () => ask(server, victim));
    expect(countOf(answers, 200)).toBe(ofClientAtAddress * 2);
    expect(await server.db.selectFrom('period_counters').selectAll().execute()).toEqual([]);
  });

  test('requests that are malformed, or lack a scope, are not counted', async () => {
    const { clientId: client_id, clientSecret: client_secret } = victim;
    await repeat(ofClientAtAddress * 2, () => post(server, tokenPath, { client_id, client_secret }, '127.0.0.1'));
    const form = { grant_type: 'client_credentials', client_id, client_secret, scope: 'no:such' };
    await repeat(ofClientAtAddress * 2, () => post(server, tokenPath, form, '127.0.0.1'));
    await repeat(ofClientAtAddress * 2, () =>
      post(server, tokenPath, { grant_type: 'client_credentials' }, '127.0.0.1'),
    );
    expect((await ask(server, wrong(victim))).status).toBe(401);
  });

  test("Go's client, which tries each wrong secret by Basic and then in the form, is not stopped by a few", async () => {
    const tryTwice = async (credentials: Credentials) => {
      const basic = Buffer.from(`${credentials.clientId}:${credentials.clientSecret}`).toString('base64');
      const form = { grant_type: 'client_credentials' };
      const first = await post(server, tokenPath, form, '127.0.0.1', { authorization: `Basic ${basic}` });
      return first.status === 200 ? first : ask(server, credentials);
    };
    await repeat(ofClientAtAddress / 2 - 1, () => tryTwice(wrong(victim)));
    expect((await tryTwice(victim)).status).toBe(200);
  });

  test('the budget is one for token, introspection and revocation', async () => {
    const { clientId: client_id, clientSecret: client_secret } = victim;
    const secret = { client_id, client_secret: 'wrong', token: 'some' };
    await repeat(20, () => ask(server, wrong(victim)));
    await repeat(20, () => post(server, '/api/v1/oauth/introspect', secret, '127.0.0.1'));
    await repeat(20, () => post(server, '/api/v1/oauth/revoke', secret, '127.0.0.1'));
    for (const path of ['/api/v1/oauth/introspect', '/api/v1/oauth/revoke']) {
      const { status, body } = await post(server, path, secret, '127.0.0.1');
      expect([path, status, body.error]).toEqual([path, 429, 'too_many_requests']);
      expect((await post(server, path, { ...secret, client_secret }, '127.0.0.1')).status).toBe(200);
    }
    expect((await ask(server, wrong(victim))).status).toBe(429);
  });

  test('clients that do not exist are treated in the same way', async () => {
    const nobody = { clientId: 'nobody', clientSecret: 'wrong' };
    const answers = await repeat(ofClientAtAddress + 1, () => ask(server, nobody));
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofClientAtAddress, 1]);
  });

  test('guessing ids too ends with the budget of the address, elsewhere nothing changes', async () => {
    const answers = await repeat(ofAddress + 10, (index) =>
      ask(server, { clientId: `guess${index}`, clientSecret: 'wrong' }),
    );
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofAddress, 10]);
    expect((await ask(server, wrong(other))).status).toBe(429);
    expect((await ask(server, other)).status).toBe(200);
    expect((await ask(server, wrong(other), { from: '127.0.0.9' })).status).toBe(401);
  });

  test('assertions of workloads count for their address', async () => {
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'wrong' };
    const answers = await repeat(ofAddress + 1, () => post(server, tokenPath, form, '127.0.0.1'));
    expect([countOf(answers, 400), countOf(answers, 429)]).toEqual([ofAddress, 1]);
  });

  test('a header tells nothing about the address where no proxy is trusted', async () => {
    const spoofed = (index: number) => ({
      'x-forwarded-for': `198.51.100.${index % 250}`,
      forwarded: `for=198.51.100.${index % 250}`,
      'x-real-ip': `198.51.100.${index % 250}`,
    });
    const answers = await repeat(100, (index) => ask(server, wrong(victim), { headers: spoofed(index) }));
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofClientAtAddress, 100 - ofClientAtAddress]);
    // Nor does a header spend the budget of the address that it names.
    expect((await ask(server, wrong(victim), { from: '127.0.0.9' })).status).toBe(401);
  });
});

describe('whoever has the right credential is let in, however many wrong ones came from the same address', () => {
  let server: TestServer;
  let rootToken: string;
  beforeAll(async () => {
    server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
    rootToken = await server.rootToken();
  });
  afterAll(() => server.close());

  test('a signed assertion, among a hundred with a wrong signature at once', async () => {
    const [right, stranger] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    const created = await server.call('POST', '/api/v1/oauth/client', {
      token: rootToken,
      body: {
        scopes: ['policy:read'],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [await exportJWK(right.publicKey)] },
      },
    });
    const { client_id: clientId } = created.body;
    let jti = 0;
    const sign = ({ privateKey }: typeof right) => {
      const seconds = Math.floor(server.now() / 1000);
      jti += 1;
      const claims = { iss: clientId, sub: clientId, aud: server.url, jti: String(jti), exp: seconds + 60 };
      return new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    };
    const askBy = async (keys: typeof right) =>
      post(
        server,
        tokenPath,
        {
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await sign(keys),
        },
        '127.0.0.1',
      );
    await repeat(ofClientAtAddress, () => askBy(stranger));
    const [last, ...others] = await Promise.all([askBy(right), ...Array.from({ length: 100 }, () => askBy(stranger))]);
    expect(last?.status).toBe(200);
    expect(countOf(others, 429)).toBe(100);
  });

  describe('which has spent its budget', () => {
    const register = (token: string) => server.call('POST', '/api/v1/oauth/register', { token, body: {} });
    let client: Credentials;
    let initialToken: string;
    let registered: { readonly client_id: string; readonly registration_access_token: string };
    const read = (token: string) => server.call('GET', `/api/v1/oauth/register/${registered.client_id}`, { token });

    // Once for all that follows, in the same minute: that of root, that of the registered client, and all that is left, by ids that do not exist.
    beforeAll(async () => {
      await server.advance(60);
      client = await server.createClient({ scopes: ['policy:read'] });
      const { body } = await server.call('POST', '/api/v1/oauth/initial-access-token', {
        token: rootToken,
        body: { scopes: ['policy:read'], max_uses: 2 },
      });
      initialToken = body.initial_access_token;
      registered = (await register(initialToken)).body;
      await repeat(ofClientAtAddress, () => ask(server, wrong(server.root)));
      await repeat(ofClientAtAddress, () => read('wrong'));
      await repeat(ofAddress, (index) => ask(server, { clientId: `guess${index}`, clientSecret: 'wrong' }));
    });

    test('the secret of root and of clients, in memory or not', async () => {
      expect((await ask(server, wrong(server.root))).status).toBe(429);
      expect((await ask(server, server.root)).status).toBe(200);
      expect((await ask(server, client)).status).toBe(200);
      expect((await ask(server, client)).status).toBe(200);
      const { clientId: client_id, clientSecret: client_secret } = server.root;
      const form = { client_id, client_secret, token: rootToken };
      expect((await post(server, '/api/v1/oauth/introspect', form, '127.0.0.1')).body.active).toBe(true);
      expect((await post(server, '/api/v1/oauth/revoke', { ...form, token: 'some' }, '127.0.0.1')).status).toBe(200);
    });

    test('initial and registration access tokens', async () => {
      expect((await read('wrong')).status).toBe(429);
      expect((await read(registered.registration_access_token)).status).toBe(200);
      expect((await register('wrong')).status).toBe(429);
      expect((await register(initialToken)).status).toBe(201);
    });

    test('a bearer token at the management API, which has no budget', async () => {
      const call = (token: string) => server.call('GET', '/api/v1/oauth/scope', { token });
      const answers = await repeat(ofAddress / 10, () => call('wrong'));
      expect(countOf(answers, 401)).toBe(ofAddress / 10);
      expect((await call(rootToken)).status).toBe(200);
    });
  });
});

describe('registration', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  });
  afterAll(() => server.close());
  beforeEach(() => server.advance(60));

  test('initial access tokens that are wrong count for their address', async () => {
    const register = () => server.call('POST', '/api/v1/oauth/register', { token: 'wrong', body: {} });
    const answers = await repeat(ofAddress + 1, register);
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofAddress, 1]);
    expect(answers.at(-1)?.body.error).toBe('too_many_requests');
  });

  test.each(['GET', 'PUT', 'DELETE'])('registration access tokens count for the client, by %s', async (method) => {
    const path = '/api/v1/oauth/register/some';
    const body = method === 'PUT' ? { client_id: 'some' } : undefined;
    const answers = await repeat(ofClientAtAddress + 1, () => server.call(method, path, { token: 'wrong', body }));
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofClientAtAddress, 1]);
    expect((await server.call(method, '/api/v1/oauth/register/other', { token: 'wrong', body })).status).toBe(401);
  });
});

describe('behind a trusted proxy', () => {
  let server: TestServer;
  let victim: Credentials;
  const by = (...addresses: string[]) => ({ headers: { 'x-forwarded-for': addresses.join(', ') } });
  beforeAll(async () => {
    ({ server, victim } = await startWithClients({ POSTERN_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' }));
  });
  afterAll(() => server.close());
  beforeEach(() => server.advance(60));

  test('the address is the last one that no trusted proxy has, whatever the caller put before it', async () => {
    const answers = await repeat(100, (index) =>
      ask(server, wrong(victim), by(`203.0.113.${index}`, '198.51.100.1', '10.1.2.3')),
    );
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofClientAtAddress, 100 - ofClientAtAddress]);
    expect((await ask(server, wrong(victim), by('203.0.113.1'))).status).toBe(401);
    expect((await ask(server, wrong(victim), by('198.51.100.2'))).status).toBe(401);
    expect((await ask(server, wrong(victim), by('198.51.100.1'))).status).toBe(429);
    expect((await ask(server, victim, by('198.51.100.1'))).status).toBe(200);
  });

  test('another port is not another address', async () => {
    const answers = await repeat(100, (index) => ask(server, wrong(victim), by(`198.51.100.1:${40_000 + index}`)));
    expect(countOf(answers, 401)).toBe(ofClientAtAddress);
  });

  test('IPv6 addresses of one /64 are one caller, those of the next are another', async () => {
    const answers = await repeat(100, (index) =>
      ask(server, wrong(victim), by(`2001:db8:0:1:${index.toString(16)}::1`)),
    );
    expect([countOf(answers, 401), countOf(answers, 429)]).toEqual([ofClientAtAddress, 100 - ofClientAtAddress]);
    expect((await ask(server, wrong(victim), by('2001:db8:0:2::1'))).status).toBe(401);
    expect((await ask(server, victim, by('2001:db8:0:1::1'))).status).toBe(200);
  });

  test('a client attacked from many addresses works everywhere, and where it failed a second failure is refused', async () => {
    const attackers = Array.from({ length: 100 }, (_, index) => `198.51.100.${index}`);
    for (const address of attackers) {
      await repeat(ofClient / attackers.length, () => ask(server, wrong(victim), by(address)));
    }
    expect((await ask(server, wrong(victim), by('198.51.100.1'))).status).toBe(429);
    expect((await ask(server, wrong(victim), by('203.0.113.1'))).status).toBe(401);
    expect((await ask(server, wrong(victim), by('203.0.113.1'))).status).toBe(429);
    expect((await ask(server, victim, by('203.0.113.1'))).status).toBe(200);
    expect((await ask(server, victim, by('203.0.113.2'))).status).toBe(200);
  });
});

describe('forwarded headers from an address that is not trusted', () => {
  const start = async (env: Record<string, string>) => {
    const server = await startTestServer({ env });
    const call = async (headers: Record<string, string>) =>
      (await fetch(`${server.url}/health/ready`, { headers })).json() as Promise<object>;
    const ignored = async () =>
      Number(/^postern_forwarded_headers_ignored_total (\d+)$/m.exec(await server.app.metrics.metrics())?.[1]);
    const warnings = () => server.log.filter((line) => line.includes('POSTERN_TRUSTED_PROXIES')).length;
    return { server, call, ignored, warnings };
  };

  test.each(['X-Forwarded-For', 'Forwarded'])(
    '%s is counted, told to its caller, and logged once an hour',
    async (name) => {
      const { server, call, ignored, warnings } = await start({ POSTERN_TRUSTED_PROXIES: '10.0.0.0/8' });
      expect(await call({})).not.toHaveProperty('forwarded_headers_ignored');
      expect([await ignored(), warnings()]).toEqual([0, 0]);
      for (const _ of Array(3)) {
        expect(await call({ [name]: 'for=198.51.100.1' })).toHaveProperty('forwarded_headers_ignored', true);
      }
      expect([await ignored(), warnings()]).toEqual([3, 1]);
      expect(server.log.join('')).toContain('"peer":"127.0.0.1"');
      expect(server.log.join('')).not.toContain('198.51.100.1');
      await server.advance(3_601);
      await call({ [name]: 'for=198.51.100.1' });
      expect([await ignored(), warnings()]).toEqual([4, 2]);
      await server.close();
    },
  );

  test('those of a trusted proxy are not', async () => {
    const { server, call, ignored, warnings } = await start({ POSTERN_TRUSTED_PROXIES: '127.0.0.1' });
    expect(await call({ 'x-forwarded-for': '198.51.100.1' })).not.toHaveProperty('forwarded_headers_ignored');
    expect([await ignored(), warnings()]).toEqual([0, 0]);
    await server.close();
  });
});

describe('two nodes on one database', () => {
  let first: TestServer;
  let second: TestServer;
  let victim: Credentials;
  let other: Credentials;
  beforeAll(async () => {
    ({ server: first, victim, other } = await startWithClients());
    second = await startTestServer({ dataDir: first.dataDir, env: { POSTERN_ISSUER: first.url } });
    await second.advance((first.now() - second.now()) / 1000);
  });
  afterAll(async () => {
    await second.close();
    await first.close();
  });

  test('share the count, and write it together: few writes, however many failures', async () => {
    await repeat(ofClientAtAddress - 1, () => ask(first, wrong(victim)));
    const rows = () => first.db.selectFrom('period_counters').selectAll().execute();
    await vi.waitFor(async () => {
      const counts = (await rows()).map(({ count }) => count);
      expect(counts).toEqual([ofClientAtAddress - 1, ofClientAtAddress - 1, ofClientAtAddress - 1]);
    });

    // The second node knows of them when it has written its own.
    expect((await ask(second, wrong(victim))).status).toBe(401);
    await vi.waitFor(async () => expect((await ask(second, wrong(victim))).status).toBe(429));
    expect((await ask(second, victim)).status).toBe(200);
    expect((await ask(second, other)).status).toBe(200);

    // The second node may write its last count after a first cleaning.
    await vi.waitFor(async () => {
      await first.advance(60);
      expect(await rows()).toEqual([]);
    });
    expect((await ask(first, victim)).status).toBe(200);
  });
});
