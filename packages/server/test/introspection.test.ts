/** Token introspection over HTTP, in JSON and as a signed JWT. RFC 7662, RFC 9701. */

import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const path = '/api/v1/oauth/introspect';
const jwtType = 'application/token-introspection+jwt';
const billing = 'https://billing.example.com';

let server: TestServer;
let root: string;
let owner: Credentials;
let other: Credentials;
let billingApi: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  owner = await server.createClient({ scopes: ['policy:read', 'scope:read'], resources: [] });
  other = await server.createClient(['policy:read']);
  billingApi = await server.createClient([]);
  await asRoot('PUT', '/api/v1/oauth/resource', {
    key: 'billing',
    identifier: billing,
    scopes: ['policy:read'],
    introspection_clients: [billingApi.clientId],
  });
  await asRoot('PATCH', `/api/v1/oauth/client/${owner.clientId}`, { resources: [billing] });
});
afterAll(() => server.close());

async function asRoot(method: string, url: string, body?: unknown) {
  const answer = await server.call(method, url, { token: root, body });
  expect(answer.status).toBeLessThan(300);
}
const formOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });
const introspect = (token: string, by: Credentials = owner, headers: Record<string, string> = {}) =>
  server.postForm(path, { ...formOf(by), token }, headers);
async function tokenFor(resource: string, client = owner): Promise<string> {
  const form = { ...formOf(client), grant_type: 'client_credentials', resource };
  return (await server.postForm('/api/v1/oauth/token', form)).body.access_token;
}
const inactive = { status: 200, body: { active: false } };

describe('RFC 7662 §2.1 the request', () => {
  test('must be authenticated', async () => {
    const token = await server.token(owner);
    for (const form of [{ token }, { token, client_id: owner.clientId, client_secret: 'wrong' }]) {
      const answer = await server.postForm(path, form);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    const bearer = await server.postForm(path, { token }, { authorization: `Bearer ${root}` });
    expect([bearer.status, bearer.body.error]).toEqual([401, 'invalid_client']);
  });

  test('must name a token, in a form', async () => {
    const missing = await server.postForm(path, formOf(owner));
    expect([missing.status, missing.body.error]).toEqual([400, 'invalid_request']);
    const json = await server.call('POST', path, { body: { token: 'x' } });
    expect([json.status, json.body.error]).toEqual([400, 'invalid_request']);
    expect((await server.call('GET', `${path}?token=x`)).status).toBe(405);
  });

  test('may hint at the type of the token, rightly or not', async () => {
    const token = await server.token(owner);
    for (const token_type_hint of ['access_token', 'refresh_token', 'other']) {
      const { body } = await server.postForm(path, { ...formOf(owner), token, token_type_hint });
      expect(body.active).toBe(true);
    }
  });
});

describe('RFC 7662 §2.2 the response', () => {
  test('says all of an active token that the token says', async () => {
    const token = await server.token(owner, 'policy:read');
    const { status, headers, body } = await introspect(token);
    const { iat, exp, jti } = claimsOf(token);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toEqual({
      active: true,
      iss: server.url,
      sub: owner.clientId,
      aud: server.url,
      client_id: owner.clientId,
      scope: 'policy:read',
      token_type: 'Bearer',
      iat,
      exp,
      jti,
    });
  });

  test('a strict client accepts it', async () => {
    const as = { issuer: server.url, introspection_endpoint: server.url + path };
    const client = { client_id: owner.clientId };
    const response = await oauth.introspectionRequest(
      as,
      client,
      oauth.ClientSecretPost(owner.clientSecret),
      await server.token(owner),
      { [oauth.allowInsecureRequests]: true },
    );
    expect((await oauth.processIntrospectionResponse(as, client, response)).active).toBe(true);
  });

  test.each<[string, () => Promise<string>]>([
    ['garbage', async () => 'x'],
    ['an unknown JWT', async () => 'e30.e30.AAAA'],
    ['a token with another signature', async () => `${(await server.token(owner)).slice(0, -8)}AAAAAAAA`],
    ['a very long text', async () => 'a'.repeat(16_000)],
    [
      'a revoked token',
      async () => {
        const token = await server.token(owner);
        await server.postForm('/api/v1/oauth/revoke', { ...formOf(owner), token });
        return token;
      },
    ],
    [
      'a token of a client that is disabled',
      async () => {
        const client = await server.createClient(['policy:read']);
        const token = await server.token(client);
        await asRoot('PATCH', `/api/v1/oauth/client/${client.clientId}`, { enabled: false });
        return token;
      },
    ],
    [
      'a token whose client lost a scope',
      async () => {
        const client = await server.createClient(['policy:read', 'rule:read']);
        const token = await server.token(client);
        await asRoot('PUT', `/api/v1/oauth/client/${client.clientId}/scope`, ['policy:read']);
        return token;
      },
    ],
  ])('§2.2 %s is not active, and nothing more is said, also to root', async (_, make) => {
    const token = await make();
    for (const by of [owner, server.root]) {
      expect(await introspect(token, by)).toMatchObject(inactive);
      expect((await introspect(token, by)).body).toEqual(inactive.body);
    }
  });

  test('§4 an expired token is not active, to the second', async () => {
    const short = await server.createClient({ scopes: ['policy:read'], access_token_ttl_seconds: 60 });
    const token = await server.token(short);
    const left = (claimsOf(token)['exp'] as number) - server.now() / 1000;
    await server.advance(left - 0.5);
    expect((await introspect(token, short)).body.active).toBe(true);
    await server.advance(0.5);
    expect((await introspect(token, short)).body).toEqual(inactive.body);
    root = await server.rootToken();
  });
});

describe('RFC 7662 §4 who learns what', () => {
  test('a client sees its own tokens, root all, another none', async () => {
    const token = await server.token(owner);
    expect((await introspect(token, owner)).body.active).toBe(true);
    expect((await introspect(token, server.root)).body.active).toBe(true);
    expect((await introspect(token, other)).body).toEqual(inactive.body);
    expect((await introspect(token, billingApi)).body).toEqual(inactive.body);
  });

  test('a resource sees the tokens for itself only', async () => {
    const token = await tokenFor(billing);
    expect((await introspect(token, billingApi)).body).toMatchObject({
      active: true,
      aud: billing,
      scope: 'policy:read',
    });
    expect((await introspect(token, other)).body).toEqual(inactive.body);
    expect((await introspect(await tokenFor(server.url), billingApi)).body).toEqual(inactive.body);
  });
});

describe('RFC 9701 the response as a JWT', () => {
  const verify = (jwt: string, audience: string) =>
    jwtVerify(jwt, createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`)), {
      issuer: server.url,
      audience,
      typ: 'token-introspection+jwt',
      currentDate: new Date(server.now()),
    });

  test('§5 is signed for the caller, and holds what the JSON says', async () => {
    const token = await tokenFor(billing);
    const plain = (await introspect(token, billingApi)).body;
    const { status, headers, body } = await introspect(token, billingApi, { accept: jwtType });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(jwtType);
    expect(headers.get('cache-control')).toBe('no-store');
    const { payload, protectedHeader } = await verify(body, billingApi.clientId);
    expect(protectedHeader.typ).toBe('token-introspection+jwt');
    expect(payload).toEqual({
      iss: server.url,
      aud: billingApi.clientId,
      iat: Math.floor(server.now() / 1000),
      token_introspection: plain,
    });
  });

  test('§5 says of a token that is not active only that', async () => {
    for (const token of ['x', await server.token(owner)]) {
      const { body } = await introspect(token, other, { accept: jwtType });
      expect((await verify(body, other.clientId)).payload['token_introspection']).toEqual({ active: false });
    }
  });

  test('§8.1 is no access token', async () => {
    const { body } = await introspect(await server.token(owner), owner, { accept: jwtType });
    expect((await server.call('GET', '/api/v1/oauth/scope', { token: body })).status).toBe(401);
    expect((await introspect(body)).body).toEqual(inactive.body);
  });

  test('§4 is for who asks for it; refusals stay JSON', async () => {
    const token = await server.token(owner);
    const json = await introspect(token, owner, { accept: 'application/json' });
    expect(json.headers.get('content-type')).toMatch(/^application\/json/);
    const refused = await server.postForm(path, { token }, { accept: jwtType });
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
  });
});
