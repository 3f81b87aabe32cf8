/**
 * Every kind of JWT at every place that takes one: only what is meant for a place passes there. RFC 8725 §3.11 and
 * §3.12. What the server does not sign with its own hand is made with the real keys all the same, so that nothing but
 * type and claims stands between the kinds. A new kind is one line in `kinds`, a new place one in jwt-places.ts.
 */
import { randomUUID } from 'node:crypto';
import { feedPageEvent, feedSignatureHeader, feedSignatureType } from '@postern/protocol';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFeedKeys } from '../src/revocation/feed-keys.ts';
import {
  feedDigest,
  feedPath,
  jwtBearer,
  jwtTokenType,
  type PlaceName,
  places,
  type StolenKey,
  secretOf,
  stealSigningKey,
  tokenExchange,
  tokenPath,
} from './jwt-places.ts';

/** Trusted for workloads; its keys are those of the client and of the server, so that no key tells the kinds apart. */
const workloadIssuer = 'https://platform.example.com';
const workload = 'repo:octo-org/octo-repo';
const person = 'alice';

/** The id of a client that authenticates by JWT-SVIDs, which are signed with these keys too. */
const spiffeId = 'spiffe://example.org/ns/payments/sa/billing';

let server: TestServer;
/** Authenticates by assertions. */
let keyClientId: string;
/** Does so with the same key, and may use the jwt-bearer grant. */
let signerId: string;
let clientKeys: Awaited<ReturnType<typeof generateKeyPair>>;
/** Authenticates by a secret, where the JWT in question is not the credential. */
let secretClient: Credentials;
let serverKey: StolenKey;

beforeAll(async () => {
  server = await startTestServer();
  secretClient = await server.createClient({
    scopes: ['scope:read'],
    grant_types: ['client_credentials', jwtBearer, tokenExchange],
    // Whatever an administrator says of a client, its tokens stay of their kind.
    fixed_claims: { tenant: 'acme', 'https://example.com/events': { kind: 'logout' } },
  });
  clientKeys = await generateKeyPair('ES256');
  const createKeyClient = async (grant_types: string[]): Promise<string> => {
    const { body } = await server.call('POST', '/api/v1/oauth/client', {
      token: await server.rootToken(),
      body: {
        scopes: ['scope:read'],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [await exportJWK(clientKeys.publicKey)] },
        grant_types,
      },
    });
    return body.client_id;
  };
  keyClientId = await createKeyClient(['client_credentials']);
  signerId = await createKeyClient(['client_credentials', jwtBearer]);
  serverKey = await stealSigningKey(server);
  const marked = [
    { ...(await exportJWK(clientKeys.publicKey)), kid: 'one' },
    { ...serverKey.publicJwk, kid: serverKey.kid },
  ];
  const svidClient = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: {
      client_id: spiffeId,
      scopes: ['scope:read'],
      token_endpoint_auth_method: 'spiffe_jwt',
      spiffe_id: spiffeId,
      spiffe_bundle: { keys: marked.map((key) => ({ ...key, use: 'jwt-svid' })) },
    },
  });
  expect(svidClient.body).toEqual({ client_id: spiffeId });
  const resource = { key: 'api', identifier: otherApi, scopes: ['scope:read'], access_token_typ: 'JWT' };
  await server.call('PUT', '/api/v1/oauth/resource', { token: await server.rootToken(), body: resource });
  await server.call('PATCH', `/api/v1/oauth/client/${secretClient.clientId}`, {
    token: await server.rootToken(),
    body: { resources: [otherApi] },
  });
  const trusted = await server.call('PUT', '/api/v1/oauth/issuer', {
    token: await server.rootToken(),
    body: {
      key: 'platform',
      issuer: workloadIssuer,
      jwks: { keys: [await exportJWK(clientKeys.publicKey), { ...serverKey.publicJwk, kid: serverKey.kid }] },
      rules: [
        { client_id: secretClient.clientId, claims: { sub: workload } },
        { client_id: secretClient.clientId, claims: { sub: person }, people: true },
      ],
    },
  });
  expect(trusted.body).toMatchObject({ issuer: workloadIssuer });
});
afterAll(() => server.close());

const nowSeconds = () => Math.floor(server.now() / 1000);

/** What an assertion and a proof of the client's say, both at once, so that no missing claim tells them apart. */
const clientClaims = (): JWTPayload => ({
  iss: keyClientId,
  sub: keyClientId,
  aud: server.url,
  jti: randomUUID(),
  iat: nowSeconds(),
  exp: nowSeconds() + 60,
  htm: 'POST',
  htu: server.url + tokenPath,
});

/** What a client says that may authenticate by an assertion, and use it as a grant. */
const signerClaims = (): JWTPayload => ({ ...clientClaims(), iss: signerId, sub: signerId });

/** What the platform of a workload says of it. */
const workloadClaims = (): JWTPayload => ({ ...clientClaims(), iss: workloadIssuer, sub: workload });

/** What the issuer of a person says when it lets the client act for them. */
const idJagClaims = (): JWTPayload => ({ ...workloadClaims(), sub: person, client_id: secretClient.clientId });

/** What an agent of SPIFFE says of the workload that is a client, and, as `iss`, more than it has to. */
const svidClaims = (): JWTPayload => {
  const { iss: _, ...claims } = clientClaims();
  return { ...claims, sub: spiffeId, aud: [server.url] };
};
const svidClaimsWithIssuer = (): JWTPayload => ({ ...svidClaims(), iss: spiffeId });

/** What an access token says of the client that may exchange it. */
const tokenClaims = (): JWTPayload => ({
  iss: server.url,
  sub: secretClient.clientId,
  client_id: secretClient.clientId,
  aud: server.url,
  jti: randomUUID(),
  iat: nowSeconds(),
  exp: nowSeconds() + 60,
  scope: 'scope:read',
  gen: 0,
  sha256: feedDigest,
});

async function byClient(typ: string | undefined, claims: JWTPayload, header: object = {}): Promise<string> {
  const protectedHeader = { alg: 'ES256', ...(typ !== undefined && { typ }), ...header };
  return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(clientKeys.privateKey);
}

async function byServer(typ: string | undefined, claims: JWTPayload, header: object = {}): Promise<string> {
  const protectedHeader = { alg: 'ES256', kid: serverKey.kid, ...(typ !== undefined && { typ }), ...header };
  return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(serverKey.privateKey);
}

/** By the key of the revocation feed, which verifies no token. */
async function byFeedKey(typ: string, claims: JWTPayload): Promise<string> {
  const { kid, alg, privateKey } = createFeedKeys(server.masterKey, server.now).signing();
  return new SignJWT(claims).setProtectedHeader({ typ, alg, kid }).sign(privateKey);
}

async function feedSignature(): Promise<string> {
  const { headers } = await server.call('GET', feedPath, { token: await server.rootToken() });
  return headers.get(feedSignatureHeader) ?? '';
}

/** A SET that the server signed for the client, as a receiver gets it. */
async function securityEventToken(body: object = {}): Promise<string> {
  const root = await server.rootToken();
  const credentials = await server.createClient({ scopes: ['ssf.read', 'ssf.manage', 'revocation:read'] });
  const token = await server.token(credentials);
  const { body: stream } = await server.call('POST', '/api/v1/ssf/stream', { token, body });
  await server.createClient({ scopes: ['scope:read'] });
  const polled = await server.call('POST', `/api/v1/ssf/poll/${stream.stream_id}`, { token, body: {} });
  await server.call('DELETE', `/api/v1/oauth/client/${credentials.clientId}`, { token: root });
  const [set] = Object.values(polled.body.sets);
  return String(set);
}

const clientJwk = async () => ({ jwk: await exportJWK(clientKeys.publicKey) });

async function introspectionAnswer(): Promise<string> {
  const form = { token: await server.token(secretClient), ...secretOf(secretClient) };
  const headers = { accept: 'application/token-introspection+jwt' };
  return (await server.postForm('/api/v1/oauth/introspect', form, headers)).body;
}

async function issuedIdJag(): Promise<string> {
  const audience = otherApi;
  const credentials = secretOf(secretClient);
  const token = await server.postForm(tokenPath, { grant_type: 'client_credentials', audience, ...credentials });
  const answer = await server.postForm(tokenPath, {
    grant_type: tokenExchange,
    requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
    subject_token: token.body.access_token,
    subject_token_type: jwtTokenType,
    audience,
    ...credentials,
  });
  expect(answer.body.token_type).toBe('N_A');
  return answer.body.access_token;
}

const tokenPlaces: PlaceName[] = [
  'Authorization: Bearer',
  'subject_token of token exchange',
  'subject_token of token exchange, as a JWT',
  'actor_token of token exchange',
  'token at introspection',
  'token at revocation',
];

const workloadPlaces: PlaceName[] = [
  'assertion of the jwt-bearer grant',
  'assertion of the jwt-bearer grant, with the credentials of the client',
  'subject_token of token exchange, as a JWT',
  'subject_token of token exchange, as an ID token',
];

/** Where Postern takes a token that is for another API: not as one for its own. */
const foreignTokenPlaces = tokenPlaces.filter((name) => name !== 'Authorization: Bearer');
const otherApi = 'https://api.example.com';

/** Each is created for every place, and passes at these; where something else is missing than the right kind, that is said. */
const kinds: [
  kind: string,
  make: () => Promise<string>,
  passesAt: PlaceName[],
  refusals?: Partial<Record<PlaceName, string>>,
][] = [
  ['an access token', () => server.token(secretClient), tokenPlaces],
  ['an access token, made by hand', () => byServer('at+jwt', tokenClaims()), tokenPlaces],
  ['an introspection answer', introspectionAnswer, []],
  ['an introspection answer that says what a token says', () => byServer('token-introspection+jwt', tokenClaims()), []],
  // It is of another answer than the one that it is tried with.
  ['a signature of the revocation feed', feedSignature, []],
  [
    'a signature of the feed that says what a token says',
    () => byFeedKey(feedSignatureType, tokenClaims()),
    ['answer of the revocation feed, at a guard'],
  ],
  ['an access token by the key of the feed', () => byFeedKey('at+jwt', tokenClaims()), []],
  ['a plain JWT by the key of the feed that says what a token says', () => byFeedKey('JWT', tokenClaims()), []],
  ['a signature of the feed by the key of tokens', () => byServer(feedSignatureType, tokenClaims()), []],
  ['a JWT of the server without a type that says what a token says', () => byServer(undefined, tokenClaims()), []],
  ['a plain JWT of the server that says what a token says', () => byServer('JWT', tokenClaims()), []],
  [
    'an access token of the type JWT for another API',
    () => byServer('JWT', { ...tokenClaims(), aud: otherApi }),
    foreignTokenPlaces,
  ],
  [
    'a plain JWT of the server for another API and for Postern',
    () => byServer('JWT', { ...tokenClaims(), aud: [otherApi, server.url] }),
    [],
  ],
  ['a plain JWT of the server that says what the client would', () => byServer('JWT', clientClaims()), []],
  ['a client assertion', () => byClient('JWT', clientClaims()), ['client_assertion']],
  ['a client assertion without a type', () => byClient(undefined, clientClaims()), ['client_assertion']],
  [
    'a client assertion with the type of its own',
    () => byClient('client-authentication+jwt', clientClaims()),
    ['client_assertion'],
  ],
  [
    'a client assertion that brings its key',
    async () => byClient('JWT', clientClaims(), await clientJwk()),
    ['client_assertion'],
  ],
  [
    'an assertion of a client that may use it as a grant too',
    () => byClient('JWT', signerClaims()),
    ['client_assertion', 'assertion of the jwt-bearer grant'],
  ],
  [
    'an assertion of such a client, with the type of its own',
    () => byClient('client-authentication+jwt', signerClaims()),
    ['client_assertion'],
  ],
  ['an access token by such a client', () => byClient('at+jwt', signerClaims()), []],
  [
    'a proof that says what such a client would',
    async () => byClient('dpop+jwt', signerClaims(), await clientJwk()),
    ['DPoP at the token endpoint'],
  ],
  ['a JWT of the server that says what such a client would', () => byServer('JWT', signerClaims()), []],
  ['a token of a workload', () => byClient('JWT', workloadClaims()), workloadPlaces],
  ['a token of a workload without a type', () => byClient(undefined, workloadClaims()), workloadPlaces],
  [
    'a token of a workload with the type of a client assertion',
    () => byClient('client-authentication+jwt', workloadClaims()),
    [],
  ],
  ['a token of a workload with the type of an access token', () => byServer('at+jwt', workloadClaims()), []],
  [
    'an introspection answer that says what a workload would',
    () => byServer('token-introspection+jwt', workloadClaims()),
    [],
  ],
  [
    'a proof that says what a workload would',
    async () => byClient('dpop+jwt', workloadClaims(), await clientJwk()),
    ['DPoP at the token endpoint'],
  ],
  [
    'an ID-JAG',
    () => byClient('oauth-id-jag+jwt', idJagClaims()),
    ['assertion of the jwt-bearer grant, with the credentials of the client'],
    { 'assertion of the jwt-bearer grant': '401 invalid_client' },
  ],
  ['an ID-JAG of a workload', () => byClient('oauth-id-jag+jwt', { ...idJagClaims(), sub: workload }), []],
  ['an ID-JAG for a client that signed it', () => byClient('oauth-id-jag+jwt', signerClaims()), []],
  ['an ID-JAG that the server issued', issuedIdJag, []],
  ['an ID-JAG of the server', () => byServer('oauth-id-jag+jwt', { ...tokenClaims(), sub: person }), []],
  ['a JWT of the server that says what an ID-JAG says', () => byServer('JWT', idJagClaims()), []],
  ['a token that says what an ID-JAG says', () => byClient('JWT', idJagClaims()), []],
  ['an access token that says what an ID-JAG says', () => byServer('at+jwt', idJagClaims()), []],
  [
    'a proof that says what an ID-JAG says',
    async () => byClient('dpop+jwt', idJagClaims(), await clientJwk()),
    ['DPoP at the token endpoint'],
  ],
  ['a JWT-SVID', () => byClient('JWT', svidClaims()), ['client_assertion, as a JWT-SVID']],
  ['a JWT-SVID without a type', () => byClient(undefined, svidClaims()), ['client_assertion, as a JWT-SVID']],
  ['a JWT-SVID with an iss', () => byClient('JWT', svidClaimsWithIssuer()), ['client_assertion, as a JWT-SVID']],
  [
    'a client assertion that says what a JWT-SVID would',
    () => byClient('client-authentication+jwt', svidClaimsWithIssuer()),
    [],
  ],
  ['an access token that says what a JWT-SVID would', () => byServer('at+jwt', svidClaims()), []],
  [
    'an introspection answer that says what a JWT-SVID would',
    () => byServer('token-introspection+jwt', svidClaims()),
    [],
  ],
  [
    'a proof that says what a JWT-SVID would',
    async () => byClient('dpop+jwt', svidClaims(), await clientJwk()),
    ['DPoP at the token endpoint'],
  ],
  ['a security event token', securityEventToken, []],
  [
    'a security event token with a page of the revocation feed',
    () => securityEventToken({ events_requested: [feedPageEvent] }),
    ['SET of an event stream, at a guard'],
  ],
  ['a security event token that says what a token says', () => byServer('secevent+jwt', tokenClaims()), []],
  ['a security event token that says what a client would', () => byClient('secevent+jwt', clientClaims()), []],
  ['a security event token that says what such a client would', () => byClient('secevent+jwt', signerClaims()), []],
  ['a security event token that says what a workload would', () => byServer('secevent+jwt', workloadClaims()), []],
  ['a DPoP proof', async () => byClient('dpop+jwt', clientClaims(), await clientJwk()), ['DPoP at the token endpoint']],
  ['a proof without a key', () => byClient('dpop+jwt', clientClaims()), []],
  ['a plain JWT of the client that says what a token says', () => byClient('JWT', tokenClaims()), []],
  ['an access token by the client', () => byClient('at+jwt', tokenClaims()), []],
  [
    'an access token by the client in the name of the key of the server',
    async () => byClient('at+jwt', tokenClaims(), { kid: serverKey.kid, ...(await clientJwk()) }),
    [],
  ],
  ['an assertion with the type of an access token', () => byClient('at+jwt', clientClaims()), []],
  [
    'an assertion with the type of an introspection answer',
    () => byClient('token-introspection+jwt', clientClaims()),
    [],
  ],
];

describe.each(kinds)('%s', (_, make, passesAt, refusals) => {
  test.each(Object.entries(places))('RFC 8725 §3.11 at %s', async (name, { send, refusal }) => {
    const expected = passesAt.includes(name as PlaceName) ? 'passed' : (refusals?.[name as PlaceName] ?? refusal);
    expect(await send(await make(), server, secretClient)).toBe(expected);
  });
});
