/** What verifies tokens in the benchmark: bare cryptography, the guard with and without its memory, and two peers. */
import { verify } from 'node:crypto';
import { type ApiGuard, createApiGuard } from '@postern/guard';
import { auth } from 'express-oauth2-jwt-bearer';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { BenchError } from '../bench-error.ts';
import type { BenchIssuer } from './issuer.ts';

export type ContestantId = 'bare' | 'uncached' | 'cached' | 'jose' | 'express';

export interface Contestant {
  readonly id: ContestantId;
  readonly title: string;
  /** Handles one request a header. */
  readonly run: (headers: readonly string[]) => void | Promise<void>;
}

export interface Contest {
  readonly contestants: readonly Contestant[];
  close(): Promise<void>;
}

/** All are ready when it resolves: keys are fetched, revocations followed, a token was let pass by each. */
export async function startContestants(issuer: BenchIssuer, peerVersions: Record<string, string>): Promise<Contest> {
  const uncached = guardOf(issuer, 0);
  const cached = guardOf(issuer, 2 * issuer.tokens.length);
  await Promise.all([uncached.start(), cached.start()]);
  const contestants: Contestant[] = [
    { id: 'bare', title: 'crypto.verify alone', run: bareVerify(issuer) },
    { id: 'uncached', title: 'guard, each token new', run: authorizeBy(uncached) },
    { id: 'cached', title: 'guard, tokens known', run: authorizeBy(cached) },
    { id: 'jose', title: `jose ${peerVersions['jose']}`, run: joseVerify(issuer) },
    {
      id: 'express',
      title: `express-oauth2-jwt-bearer ${peerVersions['express-oauth2-jwt-bearer']}`,
      run: expressVerify(issuer),
    },
  ];
  for (const { run } of contestants) {
    await run(issuer.tokens.map((token) => `Bearer ${token}`));
  }
  await requireRefusals(issuer, cached);
  return {
    contestants,
    close: async () => void (await Promise.all([uncached.close(), cached.close()])),
  };
}

function guardOf(issuer: BenchIssuer, tokenCacheSize: number): ApiGuard {
  // Longer than the benchmark: while it computes, nothing arrives from the feed.
  const revocations = { fetch, maxStalenessSeconds: 36_000 };
  return createApiGuard({ issuer: issuer.url, audience: issuer.audience, tokenCacheSize, revocations });
}

function authorizeBy(guard: ApiGuard): Contestant['run'] {
  return async (headers) => {
    for (const authorization of headers) {
      await guard.authorize(
        { method: 'GET', path: '/policy', authorization, dpop: undefined, certificateThumbprint: undefined },
        'policy:read',
      );
    }
  };
}

/** The least that there is to do: the bytes of the token lie ready, and nothing in it is looked at. */
function bareVerify({ tokens, publicKey }: BenchIssuer): Contestant['run'] {
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const parts = tokens.map((token) => {
    const end = token.lastIndexOf('.');
    return { data: Buffer.from(token.slice(0, end)), signature: Buffer.from(token.slice(end + 1), 'base64url') };
  });
  let next = 0;
  return (headers) => {
    for (const _ of headers) {
      const { data, signature } = parts[next] as (typeof parts)[number];
      next = (next + 1) % parts.length;
      if (!verify('sha256', data, key, signature)) {
        throw new BenchError('A token does not verify.');
      }
    }
  };
}

function joseVerify({ url, jwksUrl, audience }: BenchIssuer): Contestant['run'] {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  const expected = { issuer: url, audience, typ: 'at+jwt', algorithms: ['ES256'] };
  return async (headers) => {
    for (const header of headers) {
      await jwtVerify(header.slice(7), keys, expected);
    }
  };
}

/** As much of a request of Express as the middleware looks at. */
const bareRequest = {
  method: 'GET',
  protocol: 'https',
  originalUrl: '/policy',
  query: {},
  is: () => false,
  get: (name: string) => (name === 'Host' ? 'api.example.com' : undefined),
};

function expressVerify({ url, jwksUrl, audience }: BenchIssuer): Contestant['run'] {
  const handle = auth({ issuer: url, jwksUri: jwksUrl, audience, tokenSigningAlg: 'ES256', strict: true });
  return async (headers) => {
    for (const authorization of headers) {
      const request = { ...bareRequest, headers: { authorization } };
      await new Promise<void>((resolve, reject) => {
        handle(request as never, {} as never, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
      });
    }
  };
}

/** A guard that lets everything pass would be fast: this one must not. */
async function requireRefusals({ tokens }: BenchIssuer, guard: ApiGuard): Promise<void> {
  const [first = '', second = ''] = tokens;
  const mixed = first.slice(0, first.lastIndexOf('.')) + second.slice(second.lastIndexOf('.'));
  try {
    await authorizeBy(guard)([`Bearer ${mixed}`]);
  } catch {
    return;
  }
  throw new BenchError('The guard let a token pass that has the signature of another one.');
}
