/**
 * The libraries by which APIs verify tokens, each set up as its manual says: a token for a registered resource passes,
 * and one that is expired, for somebody else, changed or signed by somebody else does not. RFC 9068 §4, RFC 8414 §3.
 *
 * All of them judge the time by the clock of the process, so the tests move that one.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastifyJwt, { type TokenOrHeader } from '@fastify/jwt';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import express, { type RequestHandler } from 'express';
import { expressjwt } from 'express-jwt';
import { auth } from 'express-oauth2-jwt-bearer';
import Fastify from 'fastify';
import buildGetJwks from 'get-jwks';
import { createRemoteJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { expressJwtSecret } from 'jwks-rsa';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

const algorithms = ['ES256', 'RS256'] as const;
type Algorithm = (typeof algorithms)[number];

/** Registered resources that want their tokens signed with this algorithm. */
const audienceOf = (alg: Algorithm) => `https://api.example.com/${alg}`;
const otherAudienceOf = (alg: Algorithm) => `https://other.example.com/${alg}`;

let server: TestServer;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  const token = await server.rootToken();
  const save = async (key: string, identifier: string, alg: Algorithm) => {
    const body = { key, identifier, scopes: ['policy:read'], signing_alg: alg };
    expect((await server.call('PUT', '/api/v1/oauth/resource', { token, body })).status).toBe(200);
  };
  for (const alg of algorithms) {
    await save(alg, audienceOf(alg), alg);
    await save(`other-${alg}`, otherAudienceOf(alg), alg);
  }
  client = await server.createClient({
    scopes: ['policy:read'],
    resources: [...algorithms.map(audienceOf), ...algorithms.map(otherAudienceOf)],
    access_token_ttl_seconds: 300,
  });
});
afterAll(() => server.close());
afterEach(() => void vi.useRealTimers());

async function tokenFor(resource: string): Promise<string> {
  const { clientId, clientSecret } = client;
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, resource };
  return (await server.postForm('/api/v1/oauth/token', form)).body.access_token;
}

/** The claims of a token that passes. Rejects for one that does not. */
type Verify = (token: string) => Promise<Record<string, unknown>>;

interface Api {
  readonly verify: Verify;
  close(): Promise<void>;
}

/** Calls an API that answers with the claims of the token, or 401. */
async function call(url: string, token: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const text = await response.text();
  if (response.status !== 200) {
    throw new Error(`${response.status} ${text}`);
  }
  return JSON.parse(text);
}

/** An Express API that lets through what the middleware does, and answers with what `claimsIn` finds in the request. */
async function expressApi(middleware: RequestHandler, claimsIn: (request: unknown) => unknown): Promise<Api> {
  const app = express();
  // Errors are logged, except in tests.
  app.set('env', 'test');
  app.get('/', middleware, (request, response) => void response.json(claimsIn(request)));
  const listening = await new Promise<Server>((resolve) => {
    const http = app.listen(0, '127.0.0.1', () => resolve(http));
  });
  return {
    verify: (token) => call(`http://127.0.0.1:${(listening.address() as AddressInfo).port}/`, token),
    close: () =>
      new Promise((resolve) => {
        listening.close(() => resolve());
        listening.closeAllConnections();
      }),
  };
}

async function fastifyApi(issuer: string, audience: string, alg: Algorithm): Promise<Api> {
  const getJwks = buildGetJwks({ providerDiscovery: true, issuersWhitelist: [issuer] });
  const app = Fastify();
  await app.register(fastifyJwt, {
    decode: { complete: true },
    secret: (_request: unknown, token: TokenOrHeader) => {
      const { header, payload } = token as { header: { kid: string; alg: string }; payload: { iss: string } };
      return getJwks.getPublicKey({ kid: header.kid, alg: header.alg, domain: payload.iss });
    },
    verify: { algorithms: [alg], allowedIss: issuer, allowedAud: audience },
  });
  app.get('/', async (request) => request.jwtVerify());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { verify: (token) => call(url, token), close: () => app.close() };
}

const functionApi = (verify: Verify): Api => ({ verify, close: async () => {} });

const metadataOf = async (issuer: string) =>
  (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json() as Promise<{ jwks_uri: string }>;

type StartApi = (issuer: string, audience: string, alg: Algorithm) => Promise<Api>;

const libraries: [name: string, start: StartApi][] = [
  [
    'express-oauth2-jwt-bearer by discovery, in its strict mode',
    (issuerBaseURL, audience, tokenSigningAlg) =>
      expressApi(
        auth({ issuerBaseURL, audience, tokenSigningAlg, strict: true }),
        (request) => (request as { auth: { payload: unknown } }).auth.payload,
      ),
  ],
  [
    'express-jwt with jwks-rsa by the URL of the keys',
    async (issuer, audience, alg) => {
      const { jwks_uri } = await metadataOf(issuer);
      return expressApi(
        expressjwt({
          secret: expressJwtSecret({ jwksUri: jwks_uri, cache: true, rateLimit: true }),
          issuer,
          audience,
          algorithms: [alg],
        }),
        (request) => (request as { auth: unknown }).auth,
      );
    },
  ],
  ['@fastify/jwt with get-jwks by discovery', fastifyApi],
  [
    // Its own fetch knows https only; a fetcher of one's own is how its manual says to fetch by other means.
    'aws-jwt-verify by the path of the keys that it expects',
    async (issuer, audience) => {
      const fetcher = { fetch: async (uri: string) => (await fetch(uri)).arrayBuffer() };
      const verifier = JwtVerifier.create({ issuer, audience }, { jwksCache: new SimpleJwksCache({ fetcher }) });
      return functionApi(async (token) => ({ ...(await verifier.verify(token)) }));
    },
  ],
  [
    'jose by the URL of the keys',
    async (issuer, audience, alg) => {
      const keys = createRemoteJWKSet(new URL((await metadataOf(issuer)).jwks_uri));
      const options = { issuer, audience, algorithms: [alg], typ: 'at+jwt' };
      return functionApi(async (token) => (await jwtVerify(token, keys, options)).payload);
    },
  ],
];

describe.each(algorithms)('a token signed with %s', (alg) => {
  describe.each(libraries)('at %s', (_, start) => {
    let api: Api;
    let good: string;

    beforeAll(async () => {
      api = await start(server.url, audienceOf(alg), alg);
      good = await tokenFor(audienceOf(alg));
    });
    afterAll(() => api.close());

    /** It is refused, and what is refused is the token. */
    const expectRefused = async (token: string, why: RegExp) => {
      await expect(api.verify(token)).rejects.toThrow(why);
      // The library still works: the one before was refused for what it is.
      expect(await api.verify(good)).toMatchObject({ client_id: client.clientId });
    };

    test('RFC 9068 §4 passes, with its claims', async () => {
      expect(await api.verify(good)).toEqual(claimsOf(good));
      expect(claimsOf(good)).toMatchObject({ iss: server.url, aud: audienceOf(alg), scope: 'policy:read' });
    });

    test('RFC 7519 §4.1.4 does not pass when it has expired', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: server.now() + 240_000 });
      expect(await api.verify(good)).toMatchObject({ client_id: client.clientId });
      vi.setSystemTime(server.now() + 360_000);
      await expect(api.verify(good)).rejects.toThrow(/exp/i);
    });

    test('RFC 7519 §4.1.3 does not pass for another audience', async () => {
      await expectRefused(await tokenFor(otherAudienceOf(alg)), /aud/i);
    });

    test('RFC 7515 §5.2 does not pass with other claims or another signature', async () => {
      const [header = '', payload = '', signature = ''] = good.split('.');
      const claims = { ...claimsOf(good), scope: 'policy:delete' };
      const changed = Buffer.from(JSON.stringify(claims)).toString('base64url');
      const first = signature.startsWith('A') ? 'B' : 'A';
      await expectRefused(`${header}.${changed}.${signature}`, /signature/i);
      await expectRefused(`${header}.${payload}.${first}${signature.slice(1)}`, /signature/i);
      const unsecured = Buffer.from('{"typ":"at+jwt","alg":"none"}').toString('base64url');
      for (const unsigned of [`${header}.${payload}.`, `${unsecured}.${payload}.`]) {
        // get-jwks says it has no such key, and leaves it to the API to make a 401 of that.
        await expectRefused(unsigned, /signature|algorithm|invalid|unauthorized|kid|no matching jwk/i);
      }
    });

    test('RFC 7515 §5.2 does not pass when somebody else signed it under the same key id', async () => {
      const jwks: JSONWebKeySet = (await server.call('GET', '/.well-known/jwks.json')).body;
      const kid = jwks.keys.find((key) => key.alg === alg)?.kid;
      const { privateKey, publicKey } = await generateKeyPair(alg);
      const header = { typ: 'at+jwt', alg, kid: kid ?? '', jwk: await exportJWK(publicKey) };
      const forged = await new SignJWT(claimsOf(good)).setProtectedHeader(header).sign(privateKey);
      await expectRefused(forged, /signature/i);
    });
  });
});
