/** The documents by which clients and APIs find their way. RFC 8414, RFC 9728, RFC 7517. */

import { auth, discoverOAuthServerInfo } from '@modelcontextprotocol/sdk/client/auth.js';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { OpenIdProviderDiscoveryMetadataSchema } from '@modelcontextprotocol/sdk/shared/auth.js';
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
});
afterAll(() => server.close());

const get = async (path: string, at = server) => {
  const answer = await at.call('GET', path);
  expect([path, answer.status]).toEqual([path, 200]);
  return answer;
};
const metadataPath = '/.well-known/oauth-authorization-server';
const openidPath = '/.well-known/openid-configuration';
const resourcePath = '/.well-known/oauth-protected-resource';

describe('RFC 8414 §2 authorization server metadata', () => {
  test('issuer is the issuer, to the letter, and every URL is below it', async () => {
    const { body } = await get(metadataPath);
    expect(body.issuer).toBe(server.url);
    expect(claimsOf(await server.rootToken())['iss']).toBe(body.issuer);
    const urls = Object.entries(body).filter(([name]) => /_(endpoint|uri|documentation)$/.test(name));
    expect(urls.map(([name]) => name).toSorted()).toEqual([
      'authorization_endpoint',
      'introspection_endpoint',
      'jwks_uri',
      'registration_endpoint',
      'revocation_endpoint',
      'revocation_feed_jwks_uri',
      'service_documentation',
      'token_endpoint',
    ]);
    for (const [, url] of urls) {
      expect(url).toMatch(new RegExp(`^${RegExp.escape(server.url)}/[^?#]+$`));
    }
  });

  test('every endpoint that it names is there', async () => {
    const { body } = await get(metadataPath);
    for (const name of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'registration_endpoint']) {
      const { status } = await fetch(body[name], { method: 'POST' });
      expect([name, [400, 401].includes(status)]).toEqual([name, true]);
    }
    const authorization = await fetch(`${body.authorization_endpoint}?response_type=code&client_id=x`);
    expect([authorization.status, await authorization.json()]).toMatchObject([
      400,
      { error: 'unsupported_response_type' },
    ]);
    expect((await fetch(body.jwks_uri)).status).toBe(200);
    expect((await fetch(body.revocation_feed_jwks_uri)).status).toBe(200);
  });

  test('has what is REQUIRED, and no empty list', async () => {
    const { body } = await get(metadataPath);
    expect(body.response_types_supported).toEqual([]);
    for (const [name, value] of Object.entries(body)) {
      if (Array.isArray(value) && name !== 'response_types_supported') {
        expect([name, value.length > 0, new Set(value).size]).toEqual([name, true, value.length]);
        expect(value.every((entry) => typeof entry === 'string')).toBe(true);
      }
    }
  });

  test('§3.2 has no empty list, in either document, except the one that is REQUIRED', async () => {
    for (const path of [metadataPath, openidPath]) {
      const { body } = await get(path);
      const empty = Object.entries(body).filter(([, value]) => Array.isArray(value) && value.length === 0);
      expect([path, empty]).toEqual([path, [['response_types_supported', []]]]);
    }
  });

  test.each(['token', 'introspection', 'revocation'])(
    '%s: methods by JWT come with algorithms, never none',
    async (name) => {
      const { body } = await get(metadataPath);
      expect(body[`${name}_endpoint_auth_methods_supported`]).toContain('private_key_jwt');
      const algorithms = body[`${name}_endpoint_auth_signing_alg_values_supported`];
      expect(algorithms).toContain('ES256');
      expect(algorithms).not.toContain('none');
    },
  );

  test('§3.2 is JSON, may be cached, and may be read by web pages', async () => {
    for (const path of [
      metadataPath,
      openidPath,
      resourcePath,
      '/.well-known/jwks.json',
      '/.well-known/revocation-feed-jwks.json',
    ]) {
      const { headers } = await get(path);
      expect(headers.get('content-type')).toMatch(/^application\/json/);
      expect(headers.get('cache-control')).toBe('public, max-age=300');
      expect(headers.get('access-control-allow-origin')).toBe('*');
    }
    expect((await server.call('GET', '/api/v1/oauth/scope')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('§3.3 a strict client accepts it', async () => {
    const issuer = new URL(server.url);
    const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', [oauth.allowInsecureRequests]: true });
    expect((await oauth.processDiscoveryResponse(issuer, response)).issuer).toBe(server.url);
  });
});

describe('OpenID Connect Discovery §3 provider metadata', () => {
  /** OpenID Connect Discovery §3, all of them. */
  const required = [
    'issuer',
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'response_types_supported',
    'subject_types_supported',
    'id_token_signing_alg_values_supported',
  ];

  test('has every REQUIRED member, and differs from the OAuth document by two', async () => {
    const [{ body: oauthBody }, { body }] = [await get(metadataPath), await get(openidPath)];
    expect(required.filter((name) => body[name] === undefined)).toEqual([]);
    const { subject_types_supported, id_token_signing_alg_values_supported, ...rest } = body;
    expect(rest).toEqual(oauthBody);
    expect(subject_types_supported).toEqual(['public']);
    // §3: RS256 MUST be included.
    expect(id_token_signing_alg_values_supported).toContain('RS256');
  });

  test('names the algorithm of every access token, also of those for a resource that requires another', async () => {
    const { id_token_signing_alg_values_supported: algorithms } = (await get(openidPath)).body;
    const resource = 'https://rs.example.com';
    const token = await server.rootToken();
    const body = { key: 'rs', identifier: resource, scopes: ['scope:read'], signing_alg: 'PS256' };
    expect((await server.call('PUT', '/api/v1/oauth/resource', { token, body })).status).toBe(200);
    const { clientId, clientSecret } = server.root;
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, resource };
    const answer = await server.postForm('/api/v1/oauth/token', form);
    for (const one of [token, answer.body.access_token]) {
      expect(algorithms).toContain(decodeProtectedHeader(one).alg);
    }
  });

  test('strict parsers accept it, and openid-client gets a token by it', async () => {
    const { body } = await get(openidPath);
    expect(OpenIdProviderDiscoveryMetadataSchema.parse(body)).toMatchObject({ issuer: server.url });
    const { clientId, clientSecret } = await server.createClient(['scope:read']);
    const config = await openid.discovery(new URL(server.url), clientId, clientSecret, undefined, {
      algorithm: 'oidc',
      execute: [openid.allowInsecureRequests],
    });
    expect(config.serverMetadata().subject_types_supported).toEqual(['public']);
    expect(await openid.clientCredentialsGrant(config)).toMatchObject({ token_type: 'bearer', scope: 'scope:read' });
  });
});

describe('RFC 8414 §3.1 an issuer with a path', () => {
  let tenant: TestServer;
  const issuer = 'https://auth.example.com/tenants/one';
  beforeAll(async () => {
    tenant = await startTestServer({ env: { POSTERN_ISSUER: issuer } });
  });
  afterAll(() => tenant.close());

  test.each([
    metadataPath,
    `${metadataPath}/tenants/one`,
    `/tenants/one${metadataPath}`,
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration/tenants/one',
    '/tenants/one/.well-known/openid-configuration',
  ])('has its metadata at %s', async (path) => {
    expect((await get(path, tenant)).body).toMatchObject({
      issuer,
      token_endpoint: `${issuer}/api/v1/oauth/token`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
    });
  });

  test.each([resourcePath, `${resourcePath}/tenants/one`])('RFC 9728 §3.1 and its resource at %s', async (path) => {
    expect((await get(path, tenant)).body).toMatchObject({ resource: issuer, authorization_servers: [issuer] });
  });

  test('RFC 9728 §5.1 and its challenge names where, with the path inserted', async () => {
    const answer = await tenant.call('GET', '/api/v1/oauth/scope');
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="Postern", resource_metadata="https://auth.example.com${resourcePath}/tenants/one"`,
    );
  });

  test('another path is another issuer, which is not here', async () => {
    for (const path of [`${metadataPath}/tenants/two`, `${metadataPath}/tenants`, `${resourcePath}/tenants/one/x`]) {
      expect((await tenant.call('GET', path)).status).toBe(404);
    }
    expect((await server.call('GET', `${metadataPath}/tenants/one`)).status).toBe(404);
  });
});

describe('RFC 9728 protected resource metadata', () => {
  test('§2 says who the resource is and whose tokens it takes', async () => {
    expect((await get(resourcePath)).body).toEqual({
      resource: server.url,
      authorization_servers: [server.url],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      resource_name: 'Postern',
      resource_documentation: `${server.url}/api`,
    });
  });

  test('§3.3 a strict client accepts it', async () => {
    const resource = new URL(server.url);
    const response = await oauth.resourceDiscoveryRequest(resource, { [oauth.allowInsecureRequests]: true });
    expect((await oauth.processResourceDiscoveryResponse(resource, response)).resource).toBe(server.url);
  });

  test('§5.1 every challenge names it', async () => {
    const parameter = `resource_metadata="${server.url}${resourcePath}"`;
    const challengeOf = async (headers: Record<string, string>) =>
      (await fetch(`${server.url}/api/v1/oauth/scope`, { headers })).headers.get('www-authenticate');
    const lacking = await server.token(await server.createClient(['policy:read']));
    expect(await challengeOf({})).toBe(`Bearer realm="Postern", ${parameter}`);
    expect(await challengeOf({ authorization: 'Bearer x' })).toMatch(/^Bearer .*error="invalid_token"/);
    for (const authorization of ['Bearer x', `Bearer ${lacking}`, 'DPoP x']) {
      expect(await challengeOf({ authorization })).toContain(parameter);
    }
  });

  test('the MCP SDK finds its way from the API to the token endpoint, and a client asks for its own scopes', async () => {
    const info = await discoverOAuthServerInfo(`${server.url}/api/v1/policy`);
    expect(info).toMatchObject({
      authorizationServerUrl: server.url,
      resourceMetadata: { resource: server.url },
      authorizationServerMetadata: { issuer: server.url },
    });
    const { clientId, clientSecret } = await server.createClient(['scope:read', 'policy:read']);
    const provider = new ClientCredentialsProvider({ clientId, clientSecret, scope: 'scope:read' });
    expect(await auth(provider, { serverUrl: server.url })).toBe('AUTHORIZED');
    expect(provider.tokens()).toMatchObject({ token_type: 'Bearer', scope: 'scope:read' });
  });
});
