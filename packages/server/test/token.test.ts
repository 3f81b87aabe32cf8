/** The token endpoint over HTTP. RFC 6749 §3.2, §4.4, §5; RFC 9068 §2. */

import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.createClient({ scopes: ['policy:read', 'rule:read'] });
});
afterAll(() => server.close());

const tokenPath = '/api/v1/oauth/token';
const basic = ({ clientId, clientSecret }: Credentials) =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
const form = (over: Record<string, string> = {}) => ({
  grant_type: 'client_credentials',
  client_id: client.clientId,
  client_secret: client.clientSecret,
  ...over,
});

describe('RFC 6749 §4.4 client credentials', () => {
  test('§5.1 answers with token, type, lifetime and scope, not to be stored', async () => {
    const { status, headers, body } = await server.postForm(tokenPath, form());
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 691_200,
      scope: 'policy:read rule:read',
    });
  });

  test('RFC 9068 §2 the token is a JWT with the claims of the profile', async () => {
    const token = await server.token(client, 'rule:read');
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    expect(header).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: expect.any(String) });
    const claims = claimsOf(token);
    expect(claims).toEqual({
      iss: server.url,
      sub: client.clientId,
      client_id: client.clientId,
      aud: server.url,
      iat: expect.any(Number),
      exp: (claims['iat'] as number) + 691_200,
      jti: expect.any(String),
      scope: 'rule:read',
      gen: 0,
    });
  });

  test('two tokens never have the same jti', async () => {
    const [first, second] = await Promise.all([server.token(client), server.token(client)]);
    expect(claimsOf(first)['jti']).not.toBe(claimsOf(second)['jti']);
  });

  test('§3.3 a scope that the client does not hold is invalid_scope, never dropped', async () => {
    const { status, body } = await server.postForm(tokenPath, form({ scope: 'policy:read storage:read' }));
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'invalid_scope', error_description: expect.stringContaining('storage:read') });
    expect(body.detail).toBe(body.error_description);
  });

  test('§3.2 an unknown parameter and one without a value are ignored', async () => {
    const { status, body } = await server.postForm(tokenPath, form({ scope: '', color: 'green' }));
    expect(status).toBe(200);
    expect(body.scope).toBe('policy:read rule:read');
  });

  test('§5.2 an unknown grant type is unsupported_grant_type', async () => {
    const { status, body } = await server.postForm(tokenPath, form({ grant_type: 'password' }));
    expect([status, body.error]).toEqual([400, 'unsupported_grant_type']);
  });

  test('a client without scopes gets a token that says so', async () => {
    const { body } = await server.postForm(tokenPath, {
      ...form(),
      ...(({ clientId, clientSecret }) => ({ client_id: clientId, client_secret: clientSecret }))(
        await server.createClient({}),
      ),
    });
    expect(body.scope).toBe('');
  });

  test('a client with a lifetime of its own gets tokens of that lifetime', async () => {
    const short = await server.createClient({ scopes: ['policy:read'], access_token_ttl_seconds: 90 });
    const { exp, iat } = claimsOf(await server.token(short));
    expect((exp as number) - (iat as number)).toBe(90);
  });
});

describe('RFC 6749 §2.3 client authentication', () => {
  const secretFree = () => ({ grant_type: 'client_credentials' });

  test('§2.3.1 HTTP Basic, plain and percent-encoded, means the same', async () => {
    const encoded = [...client.clientSecret].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
    for (const secret of [client.clientSecret, encoded]) {
      const authorization = basic({ ...client, clientSecret: secret });
      const { status } = await server.postForm(tokenPath, secretFree(), { authorization });
      expect(status).toBe(200);
    }
  });

  test('§2.3 a client_id in the form is fine beside Basic when it is the same', async () => {
    const authorization = basic(client);
    const same = await server.postForm(tokenPath, { ...secretFree(), client_id: client.clientId }, { authorization });
    expect(same.status).toBe(200);
    const other = await server.postForm(tokenPath, { ...secretFree(), client_id: 'other' }, { authorization });
    expect([other.status, other.body.error]).toEqual([400, 'invalid_request']);
  });

  test('§2.3 two methods at once are invalid_request', async () => {
    const { status, body } = await server.postForm(tokenPath, form(), { authorization: basic(client) });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  test('§5.2 by Basic, a failure is 401 with a Basic challenge that carries the code', async () => {
    const { status, headers, body } = await server.postForm(tokenPath, secretFree(), {
      authorization: basic({ ...client, clientSecret: 'wrong' }),
    });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect(headers.get('www-authenticate')).toMatch(/^Basic realm="Postern".*error="invalid_client"/);
  });

  test('§5.2 in the form, a failure is 401 without a challenge', async () => {
    const { status, headers, body } = await server.postForm(tokenPath, form({ client_secret: 'wrong' }));
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect(headers.get('www-authenticate')).toBeNull();
  });

  test('unknown client, wrong secret and disabled client get one and the same answer', async () => {
    const disabled = await server.createClient({});
    await server.call('PATCH', `/api/v1/oauth/client/${disabled.clientId}`, {
      token: await server.rootToken(),
      body: { enabled: false },
    });
    const answers = await Promise.all(
      [
        form({ client_id: 'nobody' }),
        form({ client_secret: 'wrong' }),
        form({ client_id: disabled.clientId, client_secret: disabled.clientSecret }),
      ].map((fields) => server.postForm(tokenPath, fields)),
    );
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    const reasons = server.log.map((line) => JSON.parse(line).reason).filter((reason) => reason !== undefined);
    expect(reasons.slice(-3).toSorted()).toEqual(['client_disabled', 'client_unknown', 'secret_wrong']);
  });

  test('no credentials at all are invalid_client', async () => {
    const { status, body } = await server.postForm(tokenPath, secretFree());
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });
});

describe('the root client', () => {
  test('holds every scope, and its use is logged as a warning', async () => {
    const token = await server.rootToken();
    const scopes = await server.call('GET', '/api/v1/oauth/scope', { token });
    expect((claimsOf(token)['scope'] as string).split(' ')).toEqual(scopes.body);
    const warning = server.log
      .map((line) => JSON.parse(line))
      .findLast((entry) => entry.level === 40 && 'jti' in entry);
    expect(warning).toMatchObject({ client_id: server.root.clientId, jti: claimsOf(token)['jti'] });
  });

  test('is not listed, not found and not changeable', async () => {
    const token = await server.rootToken();
    const { body } = await server.call('GET', '/api/v1/oauth/client?size=100', { token });
    expect(body.items.map((item: { client_id: string }) => item.client_id)).not.toContain(server.root.clientId);
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const options = method === 'GET' || method === 'DELETE' ? { token } : { token, body: { name: 'x' } };
      const answer = await server.call(method, `/api/v1/oauth/client/${server.root.clientId}`, options);
      expect(answer.status).toBe(404);
    }
  });
});

test('no secret and no token reaches the log', async () => {
  const token = await server.token(client);
  await server.call('GET', `/api/v1/oauth/scope?access_token=${token}`, { token });
  await server.postForm(`${tokenPath}?client_secret=${client.clientSecret}`, form());
  const log = server.log.join('');
  for (const secret of [client.clientSecret, server.root.clientSecret, token]) {
    expect(log).not.toContain(secret);
  }
});
