/**
 * Key rotations under load, seen by verifiers that keep their copy of the keys for as long as its headers allow and
 * not a second less, and never ask for more when they meet a key that they do not know. RFC 7517 §5, RFC 9111 §4.2.
 */

import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';

const audience = 'https://api.example.com';
const tokensAtOnce = 24;

let server: TestServer;
let clients: Credentials[];

beforeEach(async () => {
  server = await startTestServer({
    env: { POSTERN_KEY_ROTATION_DAYS: '1', OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '30' },
  });
  // A second algorithm has keys of its own, which rotate beside the others.
  const body = { key: 'api', identifier: audience, scopes: ['scope:read'], signing_alg: 'EdDSA' };
  await server.call('PUT', '/api/v1/oauth/resource', { token: await server.rootToken(), body });
  // The keys of a new algorithm sign at once: let every copy of before age out.
  await server.advance(600);
  clients = await Promise.all(
    [60, 900, 7_200].map((seconds) =>
      server.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: seconds, resources: [audience] }),
    ),
  );
});
afterEach(() => server.close());

interface Verifier {
  /** Why the token does not pass; undefined where it does. */
  findFault(token: string): Promise<string | undefined>;
}

/** `maxAgeFactor`: how many times as long as it may it keeps its copy. */
function createVerifier(maxAgeFactor = 1): Verifier {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  let freshUntil = 0;
  return {
    async findFault(token) {
      if (keys === undefined || server.now() >= freshUntil) {
        const { body, headers } = await server.call('GET', '/.well-known/jwks.json');
        const maxAgeSeconds = Number(/max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1]);
        keys = createLocalJWKSet(body as JSONWebKeySet);
        freshUntil = server.now() + maxAgeSeconds * maxAgeFactor * 1000;
      }
      const options = { issuer: server.url, audience: [server.url, audience], currentDate: new Date(server.now()) };
      return jwtVerify(token, keys, options).then(
        () => undefined,
        (error: Error) => `${error.message} ${decodeProtectedHeader(token).kid}`,
      );
    },
  };
}

/** Tokens of all clients, half of them for the resource; with what kept any of them from being issued. */
async function issue(faults: string[]): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: tokensAtOnce }, (_, at) => {
      const { clientId, clientSecret } = clients[at % clients.length] as Credentials;
      const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
      return server.postForm('/api/v1/oauth/token', at % 2 === 0 ? form : { ...form, resource: audience });
    }),
  );
  faults.push(...answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.error}`));
  return answers.map(({ body }) => body.access_token);
}

interface Load {
  /** Of issuing, and of verifying by the verifiers that keep to the headers. */
  readonly faults: string[];
  /** Of the one that keeps its copy too long. */
  readonly lateFaults: string[];
  /** Ids of all keys that signed. */
  readonly signed: Set<string>;
}

/**
 * Goes on by these steps, in seconds. During each, tokens are issued while `disturb` does its part and the clock moves
 * on; then every token that has not expired must pass with every verifier.
 */
async function runLoad(steps: number[], disturb: (step: number) => Promise<void>): Promise<Load> {
  const faults: string[] = [];
  const lateFaults: string[] = [];
  const signed = new Set<string>();
  const late = createVerifier(1_000);
  const verifiers: Verifier[] = [];
  let alive: string[] = [];

  for (const [at, seconds] of steps.entries()) {
    // Their copies are made at different moments, and so never age out all at once.
    if (verifiers.length < 5) {
      verifiers.push(createVerifier());
    }
    const [issued] = await Promise.all([issue(faults), disturb(at), server.advance(seconds)]);
    alive = [...alive, ...issued].filter((token) => Number(claimsOf(token)['exp']) * 1000 > server.now());
    for (const token of issued) {
      signed.add(decodeProtectedHeader(token).kid ?? '');
    }
    // One of each key and client tells as much as all of them.
    const distinct = new Map(
      alive.map((token) => [`${decodeProtectedHeader(token).kid} ${claimsOf(token)['client_id']}`, token]),
    );
    for (const token of distinct.values()) {
      const found = await Promise.all(verifiers.map((verifier) => verifier.findFault(token)));
      faults.push(...found.filter((fault) => fault !== undefined));
      const lateFault = await late.findFault(token);
      if (lateFault !== undefined) {
        lateFaults.push(lateFault);
      }
    }
  }
  return { faults, lateFaults, signed };
}

const publishedKids = async () =>
  (await server.call('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid) as string[];

test('rotations by call, also two at once and one upon the other, lose no token', async () => {
  const rotate = async (alg: string) => {
    const token = await server.rootToken();
    const answer = await server.call('POST', '/api/v1/oauth/key/rotate', { token, body: { alg } });
    expect(answer.status).toBe(200);
  };
  const irregular = [1, 59, 120, 119, 1, 150, 149, 2, 299, 1];
  const steps = Array.from({ length: 80 }, (_, at) => irregular[at % irregular.length] as number);
  const { faults, lateFaults, signed } = await runLoad(steps, async (step) => {
    if (step % 10 === 0) {
      await Promise.all([rotate('ES256'), rotate('EdDSA'), rotate('ES256')]);
    } else if (step % 20 === 3) {
      await rotate('ES256');
    }
  });
  expect(faults).toEqual([]);
  // The load would have shown it: who keeps the keys for longer than allowed meets tokens that he cannot verify.
  expect(lateFaults.length).toBeGreaterThan(0);
  expect(signed.size).toBeGreaterThan(12);
});

test('rotations by schedule lose no token, and drop the keys that no token needs', async () => {
  const irregular = [60, 299, 601, 300, 1, 2_999, 240, 7_000];
  const steps = Array.from({ length: 200 }, (_, at) => irregular[at % irregular.length] as number);
  const { faults, lateFaults, signed } = await runLoad(steps, async () => {});
  expect(faults).toEqual([]);
  expect(lateFaults.length).toBeGreaterThan(0);
  // More than three days, two algorithms.
  expect(signed.size).toBe(8);
  const published = await publishedKids();
  expect(published.length).toBeLessThanOrEqual(4);
  expect([...signed].filter((kid) => published.includes(kid)).length).toBeLessThan(signed.size);
});
