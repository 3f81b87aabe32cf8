/** The client against Postern: every way to authenticate, bound tokens, exchange. RFC 6749 §2.3, RFC 7523 §2, RFC 8693, RFC 9449. */

import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubernetes, createSpire, kubernetesIssuer } from '@postern/testing/platform-tokens';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  createTokenClient,
  jwtSvid,
  privateKeyJwt,
  type TokenClientOptions,
  TokenError,
  workloadToken,
} from '../src/index.ts';
import { countingFetch } from './counting-fetch.ts';

const scopePath = '/api/v1/oauth/scope';

let server: TestServer;
let credentials: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  credentials = await server.createClient({ scopes: ['scope:read', 'policy:read'] });
});
afterAll(() => server.close());

const secret = (of = credentials) => clientSecretBasic(of.clientId, of.clientSecret);

const clientOf = (authentication: ClientAuthentication, over: Partial<TokenClientOptions> = {}) =>
  createTokenClient({ issuer: server.url, authentication, now: server.now, ...over });

describe('RFC 6749 §2.3 authentication', () => {
  test.each([
    ['client_secret_basic', clientSecretBasic],
    ['client_secret_post', clientSecretPost],
  ])('%s', async (_name, method) => {
    const client = clientOf(method(credentials.clientId, credentials.clientSecret), { scope: 'scope:read' });
    const token = await client.getToken();
    expect(token).toMatchObject({ tokenType: 'Bearer', scope: 'scope:read' });
    expect(claimsOf(token.accessToken)).toMatchObject({ client_id: credentials.clientId, scope: 'scope:read' });
    // A day off the clock would show; the second that an answer takes does not.
    expect(Math.abs(token.expiresAt - Number(claimsOf(token.accessToken)['exp']))).toBeLessThanOrEqual(1);
    expect((await client.fetch(server.url + scopePath)).status).toBe(200);
  });

  test('a wrong secret is reported with the error of the server, without retries, and the error does not contain the secret', async () => {
    const { fetch, calls } = countingFetch();
    const client = clientOf(clientSecretBasic(credentials.clientId, 'wrong-secret-of-ours'), { fetch });
    const error = await client.getToken().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(TokenError);
    expect(error).toMatchObject({ code: 'invalid_client', status: 401 });
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('wrong-secret-of-ours');
    expect(calls('/token')).toBe(1);
  });

  test.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)(
    'RFC 7523 §2.2 private_key_jwt with %s, as JWK, PEM and CryptoKey',
    async (alg) => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const { clientId } = await server.createClient({
        scopes: ['scope:read'],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(publicKey)), alg, kid: 'first' }] },
      });
      const jwk = { ...(await exportJWK(privateKey)), alg, kid: 'first' };
      for (const key of [jwk, await exportPKCS8(privateKey), privateKey]) {
        const client = clientOf(privateKeyJwt({ clientId, key, alg }));
        expect((await client.fetch(server.url + scopePath)).status).toBe(200);
      }
    },
  );

  test('private_key_jwt with a key that Web Crypto generated and exported', async () => {
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const { clientId } = await server.createClient({
      scopes: ['scope:read'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [await crypto.subtle.exportKey('jwk', keys.publicKey)] },
    });
    expect(await clientOf(privateKeyJwt({ clientId, key: keys.privateKey })).getToken()).toBeDefined();
  });

  test('RFC 7523 §2.1 a workload token instead of a secret, read for every request', async () => {
    const cluster = await createKubernetes(server.url, server.now);
    const { clientId } = await server.createClient({
      scopes: ['scope:read'],
      grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      token_endpoint_auth_method: 'none',
    });
    await server.call('PUT', '/api/v1/oauth/issuer', {
      token: await server.rootToken(),
      body: {
        key: 'cluster',
        issuer: kubernetesIssuer,
        jwks: { keys: [cluster.jwk] },
        rules: [{ client_id: clientId, claims: { '/kubernetes.io/namespace': 'payments' } }],
      },
    });
    let reads = 0;
    const client = clientOf(
      workloadToken(async () => {
        reads += 1;
        return `${await cluster.token()}\n`;
      }),
    );
    expect(claimsOf((await client.getToken()).accessToken)['client_id']).toBe(clientId);
    await client.getToken({ scope: 'scope:read' });
    expect(reads).toBe(2);
    await expect(client.exchangeToken({ subjectToken: 'x' })).rejects.toThrow(TypeError);
  });
});

describe('draft-ietf-oauth-spiffe-client-auth-02 §3.1 a JWT-SVID in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-svid-'));
  const path = join(folder, 'svid.jwt');
  afterAll(() => rmSync(folder, { recursive: true }));

  test('authenticates, is read for each request, and works again once the agent has replaced it', async () => {
    const spire = await createSpire(server.url, server.now);
    const { clientId } = await server.createClient({
      scopes: ['scope:read'],
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      token_endpoint_auth_method: 'spiffe_jwt',
      spiffe_id: 'spiffe://example.org/ns/payments/sa/billing',
      spiffe_bundle: { keys: [spire.jwk] },
    });
    let count = 0;
    const renew = async () => {
      count += 1;
      await writeFile(path, `${await spire.token({ jti: `svid ${count}` })}\n`);
    };
    const client = clientOf(jwtSvid(clientId, () => readFile(path, 'utf8')));
    await expect(client.getToken()).rejects.toThrow(/ENOENT/);
    await renew();
    const { accessToken } = await client.getToken();
    expect(claimsOf(accessToken)['client_id']).toBe(clientId);
    await expect(client.getToken({ scope: 'scope:read' })).rejects.toMatchObject({ code: 'invalid_client' });
    await renew();
    expect(await client.getToken({ scope: 'scope:read' })).toBeDefined();
    await renew();
    expect(await client.exchangeToken({ subjectToken: accessToken })).toBeDefined();
  });
});

describe('tokens are kept', () => {
  test('fifty callers at once make one request, and later ones none', async () => {
    const { fetch, calls } = countingFetch();
    const client = clientOf(secret(), { fetch });
    const tokens = await Promise.all(Array.from({ length: 50 }, () => client.getToken()));
    expect(new Set(tokens.map(({ accessToken }) => accessToken)).size).toBe(1);
    await client.getToken();
    expect([calls('/token'), calls('/.well-known/oauth-authorization-server')]).toEqual([1, 1]);
  });

  test('there is one token for each scope', async () => {
    const { fetch, calls } = countingFetch();
    const client = clientOf(secret(), { fetch });
    const wanted = ['scope:read', 'policy:read', 'scope:read'];
    const tokens = await Promise.all(wanted.map((scope) => client.getToken({ scope })));
    expect(tokens.map(({ scope }) => scope)).toEqual(wanted);
    expect(calls('/token')).toBe(2);
  });

  test('RFC 8707 §2 there is one token for each resource', async () => {
    const identifier = 'https://api.example.com';
    await server.call('PUT', '/api/v1/oauth/resource', {
      token: await server.rootToken(),
      body: { key: 'api', identifier, scopes: ['policy:read'] },
    });
    const caller = await server.createClient({ scopes: ['policy:read'], resources: [identifier] });
    const client = clientOf(secret(caller), { resource: identifier });
    const audiences = [await client.getToken(), await client.getToken({ resource: server.url })];
    expect(audiences.map(({ accessToken }) => claimsOf(accessToken)['aud'])).toEqual([identifier, server.url]);
  });

  test('RFC 9396 §2 authorization details are sent with the request', async () => {
    const client = clientOf(secret(), { authorizationDetails: [{ type: 'payment' }] });
    await expect(client.getToken()).rejects.toMatchObject({ code: 'invalid_authorization_details' });
  });
});

describe('RFC 6750 §3.1 a refused token', () => {
  test('is replaced once, for all callers that used it', async () => {
    const caller = await server.createClient({ scopes: ['scope:read'] });
    const { fetch, calls } = countingFetch();
    const client = clientOf(secret(caller), { fetch });
    const first = await client.getToken();
    await server.call('POST', `/api/v1/oauth/client/${caller.clientId}/revoke`, { token: await server.rootToken() });
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.fetch(server.url + scopePath)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await client.getToken()).accessToken).not.toBe(first.accessToken);
    expect(calls('/token')).toBe(2);
  });

  test('of a deleted client leads to the error of the token endpoint', async () => {
    const caller = await server.createClient({ scopes: ['scope:read'] });
    const client = clientOf(secret(caller));
    await client.getToken();
    await server.call('DELETE', `/api/v1/oauth/client/${caller.clientId}`, { token: await server.rootToken() });
    await expect(client.fetch(server.url + scopePath)).rejects.toMatchObject({ code: 'invalid_client' });
  });

  test('that lacks a scope is not replaced: the caller gets the answer', async () => {
    const answer = await clientOf(secret()).fetch(`${server.url}/api/v1/oauth/client`);
    expect([answer.status, await answer.json()]).toEqual([
      403,
      expect.objectContaining({ error: 'insufficient_scope' }),
    ]);
  });
});

describe('RFC 9449 tokens bound to a key', () => {
  let demanding: TestServer;
  beforeAll(async () => {
    demanding = await startTestServer({ env: { POSTERN_DPOP_NONCES: 'required' } });
  });
  afterAll(() => demanding.close());

  test.each([true, 'ES256', 'Ed25519', 'PS256'])(
    '§8 and §9 with the nonces that server and API want, key: %s',
    async (alg) => {
      const { clientId, clientSecret } = await demanding.createClient({
        scopes: ['scope:read'],
        dpop_bound_access_tokens: true,
      });
      const { fetch, calls } = countingFetch();
      const client = createTokenClient({
        issuer: demanding.url,
        authentication: clientSecretBasic(clientId, clientSecret),
        dpop: typeof alg === 'string' ? await generateKeyPair(alg) : alg,
        now: demanding.now,
        fetch,
      });
      const url = `${demanding.url}${scopePath}?view=full`;
      expect((await client.fetch(url)).status).toBe(200);
      expect((await client.getToken()).tokenType).toBe('DPoP');
      expect((await client.fetch(url)).status).toBe(200);
      // A first try without a nonce at the token endpoint; the API is of the same origin.
      expect([calls('/token'), calls(scopePath)]).toEqual([2, 2]);
      await demanding.advance(3_600);
      expect((await client.fetch(url)).status).toBe(200);
      expect(calls(scopePath)).toBe(4);
    },
  );

  test('many first calls at once all get the nonce', async () => {
    const { clientId, clientSecret } = await demanding.createClient({ scopes: ['scope:read', 'policy:read'] });
    const authentication = clientSecretBasic(clientId, clientSecret);
    const client = createTokenClient({ issuer: demanding.url, authentication, dpop: true, now: demanding.now });
    const scopes = ['scope:read', 'policy:read', 'scope:read policy:read'];
    const tokens = await Promise.all(scopes.map((scope) => client.getToken({ scope })));
    expect(tokens.map(({ tokenType }) => tokenType)).toEqual(Array(3).fill('DPoP'));
    await demanding.advance(3_600);
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.fetch(demanding.url + scopePath)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  test('the generated key cannot be exported', async () => {
    const { clientId, clientSecret } = await server.createClient({ scopes: ['scope:read'] });
    const bound = clientOf(clientSecretBasic(clientId, clientSecret), { dpop: true });
    const other = clientOf(clientSecretBasic(clientId, clientSecret), { dpop: true });
    const [one, two] = await Promise.all([bound.getToken(), other.getToken()]);
    expect(claimsOf(one.accessToken)['cnf']).not.toEqual(claimsOf(two.accessToken)['cnf']);
    const stolen = await fetch(server.url + scopePath, { headers: { authorization: `DPoP ${one.accessToken}` } });
    expect(stolen.status).toBe(401);
  });
});

describe('RFC 8693 token exchange', () => {
  test('gives a narrower token for an active one', async () => {
    const caller = await server.createClient({
      scopes: ['scope:read', 'policy:read'],
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    });
    const client = clientOf(secret(caller));
    const { accessToken } = await client.getToken();
    const narrower = await client.exchangeToken({ subjectToken: accessToken, scope: 'scope:read' });
    expect(narrower).toMatchObject({ tokenType: 'Bearer', scope: 'scope:read' });
    expect((await client.getToken()).accessToken).toBe(accessToken);
    const acting = await client.exchangeToken({ subjectToken: accessToken, actorToken: accessToken });
    expect(claimsOf(acting.accessToken)['act']).toEqual({ sub: caller.clientId });
    await expect(client.exchangeToken({ subjectToken: 'nonsense' })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
