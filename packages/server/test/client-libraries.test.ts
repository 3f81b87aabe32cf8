/**
 * The libraries that callers and APIs use, unchanged, against a started server: they get a token in every way of
 * authenticating that they offer, and verify it. RFC 6749 §2.3.1 and §4.4, RFC 8414 §3, RFC 9068 §4.
 */
import { OAuth2Client, type OAuth2HttpError } from '@badgateway/oauth2-client';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import type { InvalidClientError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { ClientCredentials } from 'simple-oauth2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Unreserved characters that libraries percent-encode, partly or not at all: root may have them. */
const root = { OAUTH_ROOT_CLIENT_ID: 'root-1._~', OAUTH_ROOT_CLIENT_SECRET: 'h7Kq_2xWm.9bTzVd~4mHs-R6' };

let server: TestServer;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer({
    env: root,
    extend: async (app) => {
      // An MCP server, as far as finding its authorization server goes. RFC 9728 §3.
      app.get('/.well-known/oauth-protected-resource/mcp', async () => ({
        resource: server.url,
        authorization_servers: [server.url],
        scopes_supported: ['scope:read'],
      }));
    },
  });
  client = await server.createClient(['scope:read', 'policy:read']);
});
afterAll(() => server.close());

/** The token is good for the API and holds these scopes. */
async function expectGood(token: string | undefined, scope: string): Promise<void> {
  const answer = await server.call('GET', '/api/v1/oauth/scope', { token });
  expect(answer.status).toBe(200);
  expect(claimsOf(token ?? '')['scope']).toBe(scope);
}

/** Gets a token with this scope. */
type GetToken = (credentials: Credentials, scope: string) => Promise<string | undefined>;

async function byOpenidClient(
  algorithm: 'oidc' | 'oauth2',
  clientAuth: (secret: string) => openid.ClientAuth,
  { clientId, clientSecret }: Credentials,
  scope: string,
) {
  const config = await openid.discovery(new URL(server.url), clientId, undefined, clientAuth(clientSecret), {
    algorithm,
    execute: [openid.allowInsecureRequests],
  });
  return (await openid.clientCredentialsGrant(config, { scope })).access_token;
}

const insecure = { [oauth.allowInsecureRequests]: true };

async function discover(): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(server.url);
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  return oauth.processDiscoveryResponse(issuer, response);
}

async function byOauth4webapi(
  clientAuth: (secret: string) => oauth.ClientAuth,
  { clientId, clientSecret }: Credentials,
  scope: string,
) {
  const authorizationServer = await discover();
  const response = await oauth.clientCredentialsGrantRequest(
    authorizationServer,
    { client_id: clientId },
    clientAuth(clientSecret),
    { scope },
    insecure,
  );
  const answer = await oauth.processClientCredentialsResponse(authorizationServer, { client_id: clientId }, response);
  return answer.access_token;
}

async function bySimpleOauth2(
  options: { authorizationMethod: 'header' | 'body'; credentialsEncodingMode?: 'strict' | 'loose' },
  { clientId, clientSecret }: Credentials,
  scope: string,
) {
  const library = new ClientCredentials({
    client: { id: clientId, secret: clientSecret },
    auth: { tokenHost: server.url, tokenPath: '/api/v1/oauth/token' },
    options,
  });
  return (await library.getToken({ scope })).token['access_token'] as string;
}

async function byBadgateway(
  authenticationMethod: 'client_secret_basic' | 'client_secret_post' | 'client_secret_basic_interop',
  credentials: Credentials,
  scope: string,
) {
  const library = new OAuth2Client({ server: server.url, ...credentials, authenticationMethod });
  return (await library.clientCredentials({ scope: scope.split(' ') })).accessToken;
}

async function byMcpSdk(serverUrl: string, credentials: Credentials, scope: string) {
  const provider = new ClientCredentialsProvider({ ...credentials, scope, expectedIssuer: server.url });
  await auth(provider, { serverUrl });
  return provider.tokens()?.access_token;
}

/** The error code of RFC 6749 §5.2 as each library hands it on. */
const codes = {
  body: (error: oauth.ResponseBodyError) => error.error,
  challenge: (error: oauth.WWWAuthenticateChallengeError) => error.cause[0]?.parameters['error'],
  boom: (error: { data: { payload: { error: string } } }) => error.data.payload.error,
  badgateway: (error: OAuth2HttpError) => error.oauth2Code,
  mcp: (error: InvalidClientError) => error.errorCode,
};

const libraries: [string, GetToken, keyof typeof codes][] = [
  [
    'openid-client, client_secret_basic',
    (...how) => byOpenidClient('oauth2', openid.ClientSecretBasic, ...how),
    'challenge',
  ],
  ['openid-client, client_secret_post', (...how) => byOpenidClient('oauth2', openid.ClientSecretPost, ...how), 'body'],
  ['openid-client, by OpenID discovery', (...how) => byOpenidClient('oidc', openid.ClientSecretPost, ...how), 'body'],
  ['oauth4webapi, client_secret_basic', (...how) => byOauth4webapi(oauth.ClientSecretBasic, ...how), 'challenge'],
  ['oauth4webapi, client_secret_post', (...how) => byOauth4webapi(oauth.ClientSecretPost, ...how), 'body'],
  ['simple-oauth2, header', (...how) => bySimpleOauth2({ authorizationMethod: 'header' }, ...how), 'boom'],
  [
    'simple-oauth2, header with loose encoding',
    (...how) => bySimpleOauth2({ authorizationMethod: 'header', credentialsEncodingMode: 'loose' }, ...how),
    'boom',
  ],
  ['simple-oauth2, body', (...how) => bySimpleOauth2({ authorizationMethod: 'body' }, ...how), 'boom'],
  ['@badgateway/oauth2-client, basic', (...how) => byBadgateway('client_secret_basic', ...how), 'badgateway'],
  [
    '@badgateway/oauth2-client, basic interop',
    (...how) => byBadgateway('client_secret_basic_interop', ...how),
    'badgateway',
  ],
  ['@badgateway/oauth2-client, post', (...how) => byBadgateway('client_secret_post', ...how), 'badgateway'],
  ['MCP SDK, by the metadata of the authorization server alone', (...how) => byMcpSdk(server.url, ...how), 'mcp'],
  ['MCP SDK, by the metadata of a protected resource', (...how) => byMcpSdk(`${server.url}/mcp`, ...how), 'mcp'],
];

describe.each(libraries)('%s', (_, getToken, kind) => {
  test('§4.4 gets a token', async () => {
    await expectGood(await getToken(client, 'scope:read'), 'scope:read');
  });

  test('§2.3.1 gets one for a client whose id and secret it may percent-encode', async () => {
    await expectGood(await getToken(server.root, 'scope:read'), 'scope:read');
  });

  test('§5.2 finds out that its secret is wrong', async () => {
    const wrong = { ...client, clientSecret: client.clientSecret.slice(1) };
    const error: unknown = await getToken(wrong, 'scope:read').catch((thrown: unknown) => thrown);
    const codeOf = codes[kind] as (error: unknown) => string | undefined;
    expect(error).toBeInstanceOf(Error);
    expect(codeOf(error)).toBe('invalid_client');
  });
});

describe('RFC 9068 §4 at an API', () => {
  const verifiers: [string, (token: string, audience?: string) => Promise<Record<string, unknown>>][] = [
    [
      'oauth4webapi validateJwtAccessToken',
      async (token, audience = server.url) => {
        const request = new Request('https://api.example.com/', { headers: { authorization: `Bearer ${token}` } });
        return { ...(await oauth.validateJwtAccessToken(await discover(), request, audience, insecure)) };
      },
    ],
    [
      'jose jwtVerify with the published keys',
      async (token, audience = server.url) => {
        const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
        return (await jwtVerify(token, keys, { issuer: server.url, audience, typ: 'at+jwt' })).payload;
      },
    ],
  ];

  describe.each(verifiers)('%s', (_, verify) => {
    test('accepts a token', async () => {
      const token = await server.token(client, 'policy:read');
      expect(await verify(token)).toMatchObject({
        iss: server.url,
        sub: client.clientId,
        client_id: client.clientId,
        scope: 'policy:read',
      });
    });

    test('accepts that of a client without scopes, and that of root', async () => {
      expect(await verify(await server.token(await server.createClient({})))).toMatchObject({ scope: '' });
      expect(await verify(await server.rootToken())).toMatchObject({ sub: root.OAUTH_ROOT_CLIENT_ID });
    });

    test('refuses an expired one', async () => {
      const short = await server.createClient({ access_token_ttl_seconds: 60 });
      // The library has a clock of its own, so the token is made an hour ago.
      server.advance(-3_600);
      const token = await server.token(short);
      server.advance(3_600);
      await expect(verify(token)).rejects.toThrow(/exp/i);
    });

    test('refuses a tampered one', async () => {
      const [header, payload = '', signature] = (await server.token(client)).split('.');
      const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), scope: 'client:create' };
      const forged = Buffer.from(JSON.stringify(claims)).toString('base64url');
      await expect(verify(`${header}.${forged}.${signature}`)).rejects.toThrow(/signature/i);
      await expect(
        verify(`${header}.${payload}.${signature?.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`),
      ).rejects.toThrow(/signature/i);
    });

    test('refuses it for another audience', async () => {
      await expect(verify(await server.token(client), 'https://other.example.com')).rejects.toThrow(/aud/i);
    });
  });
});
