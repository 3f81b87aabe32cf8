/** Weak keys of others: accepted in no place in which the server takes one. RFC 7518 §6, RFC 8725 §3.4. */
import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { allowLocalFetches, type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { goodKeys, weakKeys } from '@postern/testing/weak-keys';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findUseFault } from '../src/client-auth/mutual-tls.ts';

let server: TestServer;
let other: DocumentServer;
let root: string;
let count = 0;

beforeAll(async () => {
  other = await startHttpsServer();
  server = await startTestServer({
    env: { ...allowLocalFetches, POSTERN_REGISTRATION: 'initial_access_token' },
  });
  root = await server.rootToken();
});
afterAll(async () => {
  await server.close();
  await other.close();
});

const call = (method: string, path: string, body: unknown, token = root) => server.call(method, path, { token, body });
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
/** Every signature is its own message, so anybody can sign. */
const openKey = { ...publicKey.export({ format: 'jwk' }), e: 'AQ', kid: 'open', alg: 'RS256' };

/** RFC 8017 §9.2: the padded digest, which raised to the power of 1 is itself. */
function forge(header: object, payload: object): string {
  const input = `${encode({ alg: 'RS256', kid: 'open', ...header })}.${encode(payload)}`;
  const digest = createHash('sha256').update(input).digest();
  const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest]);
  const padding = Buffer.alloc(256 - info.length - 3, 0xff);
  return `${input}.${Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), info]).toString('base64url')}`;
}

function claimsFor(subject: string) {
  count += 1;
  const nowSeconds = Math.floor(server.now() / 1000);
  return { iss: subject, sub: subject, aud: server.url, jti: `id ${count}`, iat: nowSeconds, exp: nowSeconds + 60 };
}

describe.each(Object.entries(weakKeys))('%s is refused', (_name, jwk) => {
  test.each<[string, (jwks: unknown) => ReturnType<typeof call>]>([
    [
      'a client',
      (jwks) => call('POST', '/api/v1/oauth/client', { token_endpoint_auth_method: 'private_key_jwt', jwks }),
    ],
    [
      'a trusted issuer',
      (jwks) => call('PUT', '/api/v1/oauth/issuer', { key: 'a', issuer: 'https://a.example', jwks, rules: [] }),
    ],
  ])('as a key of %s', async (_place, write) => {
    const { status, body } = await write({ keys: [jwk] });
    expect([status, body.detail]).toEqual([422, expect.stringMatching(/jwks/)]);
  });

  test('as a key that a client registers', async () => {
    const initial = await call('POST', '/api/v1/oauth/initial-access-token', { scopes: ['policy:read'] });
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } };
    const { status, body } = await call('POST', '/api/v1/oauth/register', metadata, initial.body.initial_access_token);
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata']);
  });

  test('as the key of a DPoP proof', async () => {
    const form = {
      grant_type: 'client_credentials',
      client_id: server.root.clientId,
      client_secret: server.root.clientSecret,
    };
    const alg = (jwk as { kty?: unknown } | null)?.kty === 'EC' ? 'ES256' : 'RS256';
    const proof = `${encode({ typ: 'dpop+jwt', alg, jwk })}.${encode({ jti: 'a' })}.AAAA`;
    const { status, body } = await server.postForm('/api/v1/oauth/token', form, { dpop: proof });
    expect([status, body.error, body.detail]).toEqual([400, 'invalid_dpop_proof', expect.stringMatching(/its jwk/)]);
  });
});

test.each(Object.entries(goodKeys))('%s is accepted as a key of a client', async (_name, jwk) => {
  const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } };
  expect((await call('POST', '/api/v1/oauth/client', metadata)).status).toBe(200);
});

describe('with an RSA key of the exponent 1, anybody could sign', () => {
  test('but not for a client that publishes it', async () => {
    other.documents.set('/open', { keys: [openKey] });
    const metadata = {
      scopes: ['policy:read'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `${other.url}/open`,
    };
    const { client_id } = (await call('POST', '/api/v1/oauth/client', metadata)).body;
    const answer = await server.postForm('/api/v1/oauth/token', {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: forge({}, claimsFor(client_id)),
    });
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  test('nor for a workload of an issuer that publishes it', async () => {
    const issuer = 'https://open.example';
    const { client_id } = (await call('POST', '/api/v1/oauth/client', { scopes: ['policy:read'] })).body;
    const record = {
      key: 'open',
      issuer,
      jwks_uri: `${other.url}/open`,
      rules: [{ client_id, claims: { sub: 'workload' } }],
    };
    expect((await call('PUT', '/api/v1/oauth/issuer', record)).status).toBe(200);
    const answer = await server.postForm('/api/v1/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: forge({}, { ...claimsFor('workload'), iss: issuer }),
    });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
  });

  test('nor a proof', async () => {
    const form = {
      grant_type: 'client_credentials',
      client_id: server.root.clientId,
      client_secret: server.root.clientSecret,
    };
    const claims = { htm: 'POST', htu: `${server.url}/api/v1/oauth/token`, ...claimsFor('x') };
    const dpop = forge({ typ: 'dpop+jwt', jwk: openKey }, claims);
    expect((await server.postForm('/api/v1/oauth/token', form, { dpop })).status).toBe(400);
  });
});

describe('a certificate', () => {
  test('with an RSA key of 1,024 bits authenticates nobody', () => {
    const certificate = certificateOf(generateKeyPairSync('rsa', { modulusLength: 1_024 }));
    const client = { metadata: {} } as Parameters<typeof findUseFault>[0];
    expect(
      findUseFault(
        client,
        { certificate, isChainVerified: true, isRevoked: false, revocationFault: undefined },
        Date.now(),
      ),
    ).toBe('key_weak');
  });
});

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A certificate in DER, signed by its own key. RFC 5280 §4.1. */
function certificateOf({ publicKey, privateKey }: KeyPair): X509Certificate {
  const der = (tag: number, ...parts: Uint8Array[]) => {
    const content = Buffer.concat(parts);
    const length = content.length;
    const header = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255];
    return Buffer.concat([Buffer.from(header), content]);
  };
  const sha256WithRsa = der(0x30, Buffer.from('06092a864886f70d01010b0500', 'hex'));
  const name = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('a')))));
  const time = (text: string) => der(0x17, Buffer.from(text));
  const toBeSigned = der(
    0x30,
    Buffer.from('a003020102', 'hex'),
    der(0x02, Buffer.from([1])),
    sha256WithRsa,
    name,
    der(0x30, time('200101000000Z'), time('490101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  return new X509Certificate(der(0x30, toBeSigned, sha256WithRsa, der(0x03, Buffer.from([0]), signature)));
}
