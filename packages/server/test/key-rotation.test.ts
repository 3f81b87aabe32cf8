/**
 * Key rotations under load, with verifiers that keep their copy of the keys for exactly as long as its headers allow
 * and never fetch it earlier, not even for an unknown key. RFC 7517 §5, RFC 9111 §4.2.
 */

import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 120_000 });

const audience = 'https://api.example.com';
const tokensAtOnce = 12;

let server: TestServer;
let clients: Credentials[];

beforeEach(async () => {
  server = await startTestServer({
    env: { POSTERN_KEY_ROTATION_DAYS: '1', POSTERN_KEY_LEAD_MINUTES: '10', OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '30' },
  });
  // A second algorithm has its own keys, which rotate at the same time.
  const body = { key: 'api', identifier: audience, scopes: ['scope:read'], signing_alg: 'EdDSA' };
  await server.call('PUT', '/api/v1/oauth/resource', { token: await server.rootToken(), body });
  // The keys of a new algorithm sign at once: let every earlier copy of the set expire.
  await server.advance(600);
  clients = await Promise.all(
    [60, 900, 7_200].map((seconds) =>
      server.createClient({ scopes: ['scope:read'], access_token_ttl_seconds: seconds, resources: [audience] }),
    ),
  );
});
afterEach(() => server.close());

interface Verifier {
  /** Why the token is rejected; undefined if it is accepted. */
  findFault(token: IssuedToken): Promise<string | undefined>;
}

interface IssuedToken {
  readonly token: string;
  readonly kid: string;
  readonly clientId: unknown;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

function decode(token: string): IssuedToken {
  const { client_id, exp } = claimsOf(token);
  return { token, kid: decodeProtectedHeader(token).kid ?? '', clientId: client_id, expiresAt: Number(exp) * 1000 };
}

/** Tokens with the keys that they were verified with: another verifier that has the same key need not do it again. */
const verified = new Set<string>();

/** `maxAgeFactor`: it keeps its copy this many times as long as the headers allow. */
function createVerifier(maxAgeFactor = 1): Verifier {
  let set: JSONWebKeySet | undefined;
  let freshUntil = 0;
  return {
    async findFault({ token, kid }) {
      if (set === undefined || server.now() >= freshUntil) {
        const { body, headers } = await server.call('GET', '/.well-known/jwks.json');
        const maxAgeSeconds = Number(/max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1]);
        set = body as JSONWebKeySet;
        freshUntil = server.now() + maxAgeSeconds * maxAgeFactor * 1000;
      }
      const verification = `${token} ${JSON.stringify(set.keys.find((key) => key.kid === kid))}`;
      if (verified.has(verification)) {
        return undefined;
      }
      const options = { issuer: server.url, audience: [server.url, audience], currentDate: new Date(server.now()) };
      return jwtVerify(token, createLocalJWKSet(set), options).then(
        () => void verified.add(verification),
        (error: Error) => `${error.message} ${kid}`,
      );
    },
  };
}

/** Issues tokens to all clients, half of them for the resource. Adds to `faults` why any was not issued. */
async function issue(faults: string[]): Promise<IssuedToken[]> {
  const answers = await Promise.all(
    Array.from({ length: tokensAtOnce }, (_, at) => {
      const { clientId, clientSecret } = clients[at % clients.length] as Credentials;
      const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
      return server.postForm('/api/v1/oauth/token', at % 2 === 0 ? form : { ...form, resource: audience });
    }),
  );
  faults.push(...answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.error}`));
  return answers.map(({ body }) => decode(body.access_token));
}

interface Load {
  /** Why a token was not issued, or was rejected by a verifier that follows the headers. */
  readonly faults: string[];
  /** Why a token was rejected by the verifier that keeps its copy too long. */
  readonly lateFaults: string[];
  /** The ids of all keys that signed a token. */
  readonly signed: Set<string>;
}

/**
 * Moves the clock by these steps, in seconds. During each, tokens are issued while `disturb` runs and the clock moves;
 * then every verifier must accept every token that has not expired.
 */
async function runLoad(steps: number[], disturb: (step: number) => Promise<void>): Promise<Load> {
  const faults: string[] = [];
  const lateFaults: string[] = [];
  const signed = new Set<string>();
  const late = createVerifier(1_000);
  const verifiers: Verifier[] = [];
  let alive: IssuedToken[] = [];

  for (const [at, seconds] of steps.entries()) {
    // They fetch their copies at different moments, so that these never expire all at once.
    if (verifiers.length < 5) {
      verifiers.push(createVerifier());
    }
    const [issued] = await Promise.all([issue(faults), disturb(at), server.advance(seconds)]);
    alive = [...alive, ...issued].filter(({ expiresAt }) => expiresAt > server.now());
    for (const { kid } of issued) {
      signed.add(kid);
    }
    // One token of each key and client proves as much as all of them.
    const distinct = new Map(alive.map((token) => [`${token.kid} ${token.clientId}`, token]));
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

test('rotations by call, concurrent and repeated ones too, make no token invalid', async () => {
  const rotate = async (alg: string) => {
    const token = await server.rootToken();
    const answer = await server.call('POST', '/api/v1/oauth/key/rotate', { token, body: { alg } });
    // One that comes before its predecessor signs is refused.
    expect([200, 409]).toContain(answer.status);
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
  // The load can show it: a verifier that keeps the keys for longer than allowed rejects tokens.
  expect(lateFaults.length).toBeGreaterThan(0);
  expect(signed.size).toBeGreaterThan(12);
});

test('rotations by schedule make no token invalid, and remove the keys that no token needs', async () => {
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
