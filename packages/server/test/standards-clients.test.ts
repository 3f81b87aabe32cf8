/**
 * Client libraries that follow the RFCs to the letter, unchanged, with more than a secret: keys as credentials
 * (RFC 7523 §2.2), bound tokens (RFC 9449), introspection (RFC 7662, RFC 9701), revocation (RFC 7009), resource
 * indicators (RFC 8707). All that they know of the server is its issuer. Secrets are in client-libraries.test.ts.
 */
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const resource = 'https://api.example.com/policies';

let server: TestServer;
/** As the first, but proofs must carry its nonces. */
let strict: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    extend: async (app) => {
      // An MCP server, as far as finding its authorization server goes. RFC 9728 §3.
      app.get('/.well-known/oauth-protected-resource/mcp', async () => ({
        resource: `${server.url}/mcp`,
        authorization_servers: [server.url],
      }));
    },
  });
  strict = await startTestServer({ env: { POSTERN_DPOP_NONCES: 'required' } });
  // The libraries put the time of the process into assertions and proofs; the servers have a clock of their own.
  vi.useFakeTimers({ toFake: ['Date'], now: Math.max(server.now(), strict.now()) });
  await saveResource('policies', resource);
  await saveResource('mcp', `${server.url}/mcp`);
});
afterAll(async () => {
  vi.useRealTimers();
  await server.close();
  await strict.close();
});

async function saveResource(key: string, identifier: string, introspectionClients: string[] = []): Promise<void> {
  const body = { key, identifier, scopes: ['policy:read'], introspection_clients: introspectionClients };
  const answer = await server.call('PUT', '/api/v1/oauth/resource', { token: await server.rootToken(), body });
  expect(answer.status).toBe(200);
}

interface KeyClient {
  readonly clientId: string;
  readonly keys: oauth.CryptoKeyPair;
}

/** A client of `private_key_jwt`, made by root. */
async function createKeyClient(alg: string, metadata: Record<string, unknown> = {}, kid?: string): Promise<KeyClient> {
  const keys = await oauth.generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), ...(kid !== undefined && { kid }) };
  const answer = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: {
      scopes: ['policy:read', 'scope:read'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      ...metadata,
    },
  });
  expect(answer.status).toBe(200);
  return { clientId: answer.body.client_id, keys };
}

/** A client as a program has it that uses one of the libraries. */
interface Caller {
  getToken(parameters?: Record<string, string>): Promise<oauth.TokenEndpointResponse>;
  /** The status of a call of an API, with a proof where the caller has a key for it. */
  callApi(accessToken: string): Promise<number>;
  introspect(token: string): Promise<oauth.IntrospectionResponse>;
  /** The same from a signed answer, its signature verified. */
  introspectSigned(token: string): Promise<oauth.IntrospectionResponse>;
  revoke(token: string): Promise<void>;
}

interface CallerOptions {
  readonly issuer: TestServer;
  readonly clientId: string;
  readonly clientAuth: oauth.ClientAuth;
  /** Its tokens are bound to these. */
  readonly dpopKeys?: oauth.CryptoKeyPair;
}

const insecure = { [oauth.allowInsecureRequests]: true };
const signedAnswers = { introspection_signed_response_alg: 'ES256' };

async function oauth4webapiCaller({ issuer, clientId, clientAuth, dpopKeys }: CallerOptions): Promise<Caller> {
  const issuerUrl = new URL(issuer.url);
  const discovered = await oauth.discoveryRequest(issuerUrl, { algorithm: 'oauth2', ...insecure });
  const as = await oauth.processDiscoveryResponse(issuerUrl, discovered);
  const client: oauth.Client = { client_id: clientId, ...signedAnswers };
  const options = { ...insecure, ...(dpopKeys !== undefined && { DPoP: oauth.DPoP(client, dpopKeys) }) };

  /** The library leaves it to the program to ask again with the nonce that came with the refusal. */
  const withNonce = async <T>(attempt: () => Promise<T>): Promise<T> => {
    try {
      return await attempt();
    } catch (error) {
      if (oauth.isDPoPNonceError(error)) {
        return attempt();
      }
      throw error;
    }
  };
  const introspect = async (token: string, requestJwtResponse: boolean) => {
    const how = { ...insecure, requestJwtResponse };
    const response = await oauth.introspectionRequest(as, client, clientAuth, token, how);
    const answer = await oauth.processIntrospectionResponse(as, client, response);
    if (requestJwtResponse) {
      await oauth.validateApplicationLevelSignature(as, response, insecure);
    }
    return answer;
  };
  return {
    getToken: (parameters = {}) =>
      withNonce(async () => {
        const response = await oauth.clientCredentialsGrantRequest(as, client, clientAuth, parameters, options);
        return oauth.processClientCredentialsResponse(as, client, response);
      }),
    callApi: (accessToken) =>
      withNonce(async () => {
        const url = new URL('/api/v1/oauth/scope', issuer.url);
        return (await oauth.protectedResourceRequest(accessToken, 'GET', url, undefined, undefined, options)).status;
      }),
    introspect: (token) => introspect(token, false),
    introspectSigned: (token) => introspect(token, true),
    async revoke(token) {
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, clientAuth, token, insecure));
    },
  };
}

async function openidClientCaller({ issuer, clientId, clientAuth, dpopKeys }: CallerOptions): Promise<Caller> {
  const connect = (metadata: Partial<openid.ClientMetadata>) =>
    openid.discovery(new URL(issuer.url), clientId, metadata, clientAuth, {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
    });
  const config = await connect({});
  const signing = await connect(signedAnswers);
  const options = dpopKeys === undefined ? {} : { DPoP: openid.getDPoPHandle(config, dpopKeys) };
  return {
    getToken: (parameters) => openid.clientCredentialsGrant(config, parameters, options),
    callApi: async (accessToken) => {
      const url = new URL('/api/v1/oauth/scope', issuer.url);
      return (await openid.fetchProtectedResource(config, accessToken, url, 'GET', null, undefined, options)).status;
    },
    introspect: (token) => openid.tokenIntrospection(config, token),
    introspectSigned: (token) => openid.tokenIntrospection(signing, token),
    revoke: (token) => openid.tokenRevocation(config, token),
  };
}

interface Library {
  readonly name: string;
  readonly methods: Pick<typeof oauth, 'ClientSecretBasic' | 'ClientSecretPost' | 'PrivateKeyJwt'>;
  readonly connect: (options: CallerOptions) => Promise<Caller>;
}

const libraries: Library[] = [
  { name: 'oauth4webapi', methods: oauth, connect: oauth4webapiCaller },
  { name: 'openid-client', methods: openid, connect: openidClientCaller },
];

describe.each(libraries)('$name', ({ methods, connect }) => {
  const connectKeyClient = ({ clientId, keys }: KeyClient) =>
    connect({ issuer: server, clientId, clientAuth: methods.PrivateKeyJwt(keys.privateKey) });

  describe('RFC 7523 §2.2 private_key_jwt', () => {
    test.each(['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'Ed25519'])('with %s gets tokens', async (alg) => {
      const client = await createKeyClient(alg);
      const caller = await connectKeyClient(client);
      for (const scope of ['scope:read', 'policy:read scope:read']) {
        const { access_token, ...answer } = await caller.getToken({ scope });
        expect(answer).toMatchObject({ scope, token_type: 'bearer', expires_in: 691_200 });
        expect(await caller.callApi(access_token)).toBe(200);
      }
    });

    test('names its key where there are several', async () => {
      const { clientId, keys } = await createKeyClient('ES256', {}, 'mine');
      const other = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'other' };
      const mine = { ...(await exportJWK(keys.publicKey)), kid: 'mine' };
      const token = await server.rootToken();
      const body = { jwks: { keys: [other, mine] } };
      expect((await server.call('PATCH', `/api/v1/oauth/client/${clientId}`, { token, body })).status).toBe(200);
      const clientAuth = methods.PrivateKeyJwt({ key: keys.privateKey, kid: 'mine' });
      const caller = await connect({ issuer: server, clientId, clientAuth });
      expect((await caller.getToken()).scope).toBe('policy:read scope:read');
    });

    test('§3.2 with a key that is not the one of the client gets invalid_client', async () => {
      const { clientId } = await createKeyClient('ES256');
      const caller = await connectKeyClient({ clientId, keys: await oauth.generateKeyPair('ES256') });
      await expect(caller.getToken()).rejects.toMatchObject({ error: 'invalid_client', status: 401 });
    });
  });

  describe.each([
    ['without nonces', () => server],
    ['§8 with nonces of the server', () => strict],
  ])('RFC 9449 DPoP %s', (_, issuerOf) => {
    test.each(['ES256', 'PS256', 'RS256', 'Ed25519'])('§5 and §7 with %s', async (alg) => {
      const issuer = issuerOf();
      const { clientId, clientSecret } = await issuer.createClient({
        scopes: ['scope:read'],
        dpop_bound_access_tokens: true,
      });
      const dpopKeys = await oauth.generateKeyPair(alg);
      const clientAuth = methods.ClientSecretBasic(clientSecret);
      const caller = await connect({ issuer, clientId, clientAuth, dpopKeys });
      const jkt = await calculateJwkThumbprint(await exportJWK(dpopKeys.publicKey));
      // Twice: the second time it has a nonce already.
      for (const { access_token, token_type } of [await caller.getToken(), await caller.getToken()]) {
        expect([token_type, claimsOf(access_token)['cnf']]).toEqual(['dpop', { jkt }]);
        expect(await caller.callApi(access_token)).toBe(200);
        expect((await issuer.call('GET', '/api/v1/oauth/scope', { token: access_token })).status).toBe(401);
      }
    });
  });

  describe.each([
    ['client_secret_basic', (secret: string) => methods.ClientSecretBasic(secret)],
    ['client_secret_post', (secret: string) => methods.ClientSecretPost(secret)],
    ['private_key_jwt', undefined],
  ] as const)('by %s', (_, bySecret) => {
    const connectClient = async () => {
      if (bySecret === undefined) {
        return connectKeyClient(await createKeyClient('ES256'));
      }
      const { clientId, clientSecret } = await server.createClient({ scopes: ['policy:read', 'scope:read'] });
      return connect({ issuer: server, clientId, clientAuth: bySecret(clientSecret) });
    };

    test('RFC 7662 §2.2 and RFC 9701 §5 introspects a token, RFC 7009 §2 revokes it', async () => {
      const caller = await connectClient();
      const { access_token } = await caller.getToken({ scope: 'scope:read' });
      const { iss, sub, client_id, aud, exp, iat, jti } = claimsOf(access_token);
      const good = { active: true, token_type: 'Bearer', scope: 'scope:read', iss, sub, client_id, aud, exp, iat, jti };
      expect(await caller.introspect(access_token)).toEqual(good);
      expect(await caller.introspectSigned(access_token)).toEqual(good);
      expect(await caller.callApi(access_token)).toBe(200);

      await caller.revoke(access_token);
      expect(await caller.introspect(access_token)).toEqual({ active: false });
      expect(await caller.introspectSigned(access_token)).toEqual({ active: false });
      expect((await server.call('GET', '/api/v1/oauth/scope', { token: access_token })).status).toBe(401);
      // RFC 7009 §2.2: what is no good any more, and what never was, is no error.
      await caller.revoke(access_token);
      await caller.revoke('never-was');
    });
  });

  describe('RFC 8707 resource indicators', () => {
    test('§2.2 a token is for the resource that it was asked for, with the scopes that mean something there', async () => {
      const caller = await connectKeyClient(await createKeyClient('ES256', { resources: [resource] }));
      const { access_token, scope } = await caller.getToken({ resource });
      expect([claimsOf(access_token)['aud'], scope]).toEqual([resource, 'policy:read']);
      expect((await server.call('GET', '/api/v1/oauth/scope', { token: access_token })).status).toBe(401);
      await expect(caller.getToken({ resource, scope: 'scope:read' })).rejects.toMatchObject({
        error: 'invalid_scope',
      });
    });

    test('§2 a resource that does not exist, or is not for the client, gets invalid_target', async () => {
      const caller = await connectKeyClient(await createKeyClient('ES256'));
      for (const wrong of [resource, 'https://nowhere.example.com']) {
        await expect(caller.getToken({ resource: wrong })).rejects.toMatchObject({
          error: 'invalid_target',
          status: 400,
        });
      }
    });

    test('RFC 7662 §4 the client of the resource introspects tokens for it, and no others', async () => {
      const api = await createKeyClient('ES256');
      const identifier = `https://${api.clientId}.example.com`.toLowerCase();
      await saveResource(api.clientId, identifier, [api.clientId]);
      const apiCaller = await connectKeyClient(api);
      const client = await createKeyClient('ES256', { resources: [identifier, resource] });
      const caller = await connectKeyClient(client);
      const its = await caller.getToken({ resource: identifier });
      expect(await apiCaller.introspectSigned(its.access_token)).toMatchObject({
        active: true,
        aud: identifier,
        client_id: client.clientId,
      });
      const other = await caller.getToken({ resource });
      expect(await apiCaller.introspectSigned(other.access_token)).toEqual({ active: false });
      await expect(apiCaller.revoke(its.access_token)).rejects.toMatchObject({ error: 'unauthorized_client' });
    });
  });
});

describe('MCP SDK', () => {
  const keyProvider = async (scope: string, alg: string) => {
    const { clientId, keys } = await createKeyClient(alg, { resources: [`${server.url}/mcp`] });
    const privateKey = await exportPKCS8(keys.privateKey);
    return new PrivateKeyJwtProvider({ clientId, privateKey, algorithm: alg, scope, expectedIssuer: server.url });
  };

  test.each(['ES256', 'RS256', 'PS256'])(
    'PrivateKeyJwtProvider with %s gets a token by metadata alone',
    async (alg) => {
      const provider = await keyProvider('scope:read', alg);
      expect(await auth(provider, { serverUrl: server.url })).toBe('AUTHORIZED');
      const { access_token, ...answer } = provider.tokens() ?? { access_token: '' };
      expect(answer).toMatchObject({ token_type: 'Bearer', scope: 'scope:read' });
      expect((await server.call('GET', '/api/v1/oauth/scope', { token: access_token })).status).toBe(200);
    },
  );

  test.each<[string, () => Promise<PrivateKeyJwtProvider | ClientCredentialsProvider>]>([
    ['PrivateKeyJwtProvider', () => keyProvider('policy:read', 'ES256')],
    [
      'ClientCredentialsProvider',
      async () => {
        const body = { scopes: ['policy:read', 'scope:read'], resources: [`${server.url}/mcp`] };
        const credentials = await server.createClient(body);
        return new ClientCredentialsProvider({ ...credentials, scope: 'policy:read', expectedIssuer: server.url });
      },
    ],
  ])('RFC 9728 §3 %s gets one for the MCP server that named its authorization server', async (_, createProvider) => {
    const provider = await createProvider();
    expect(await auth(provider, { serverUrl: `${server.url}/mcp` })).toBe('AUTHORIZED');
    const token = provider.tokens()?.access_token ?? '';
    expect(claimsOf(token)).toMatchObject({ aud: `${server.url}/mcp`, scope: 'policy:read' });
  });
});
