/** The client against a server that is not Postern. RFC 6749 §4.4, RFC 7523 §2.2, RFC 9449 §8. */

import { freePort } from '@postern/testing/free-port';
import { claimsOf } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  createTokenClient,
  privateKeyJwt,
} from '../src/index.ts';
import { countingFetch } from './counting-fetch.ts';

const resource = 'https://api.example.com';
const secret = 'a-secret-that-needs+encoding%:/';

let issuer: string;
let server: { close(): unknown };
let methods: Record<string, ClientAuthentication>;

beforeAll(async () => {
  const port = await freePort();
  issuer = `http://localhost:${port}`;
  const own = await generateKeyPair('ES256');
  const theirs = await generateKeyPair('ES256', { extractable: true });
  methods = {
    client_secret_basic: clientSecretBasic('client_secret_basic', secret),
    client_secret_post: clientSecretPost('client_secret_post', secret),
    private_key_jwt: privateKeyJwt({ clientId: 'private_key_jwt', key: own.privateKey }),
  };
  const jwks = { keys: [await exportJWK(own.publicKey)] };
  const provider = new Provider(issuer, {
    clients: Object.keys(methods).map((method) => ({
      client_id: method,
      token_endpoint_auth_method: method,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      ...(method === 'private_key_jwt' ? { jwks } : { client_secret: secret }),
    })),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['read', 'write'],
    jwks: { keys: [{ ...(await exportJWK(theirs.privateKey)), alg: 'ES256', use: 'sig' }] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'read write',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  server = provider.listen(port, 'localhost');
});
afterAll(() => server.close());

describe('oidc-provider', () => {
  test.each(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])('takes %s', async (method) => {
    const authentication = methods[method] as ClientAuthentication;
    const client = createTokenClient({ issuer, authentication, scope: 'read', resource });
    const { accessToken, scope, tokenType } = await client.getToken();
    expect([scope, tokenType]).toEqual(['read', 'Bearer']);
    expect(claimsOf(accessToken)).toMatchObject({ iss: issuer, aud: resource, client_id: method });
  });

  test('binds tokens to a key, with the nonce that it wants', async () => {
    const authentication = methods['client_secret_post'] as ClientAuthentication;
    const { fetch, calls } = countingFetch();
    const client = createTokenClient({ issuer, authentication, scope: 'write', resource, dpop: true, fetch });
    const { accessToken, tokenType } = await client.getToken();
    expect([tokenType, claimsOf(accessToken)['cnf']]).toEqual(['DPoP', { jkt: expect.any(String) }]);
    expect(calls('/token')).toBe(2);
  });

  test('explains what is wrong', async () => {
    const authentication = methods['client_secret_post'] as ClientAuthentication;
    const client = createTokenClient({ issuer, authentication, scope: 'read', resource: 'nonsense' });
    await expect(client.getToken()).rejects.toMatchObject({ code: 'invalid_target', status: 400 });
  });
});
