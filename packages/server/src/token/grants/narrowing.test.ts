/** A token got by exchange can never do more than the one it was exchanged for. RFC 8693 §5. */
import type { AccessToken } from '@postern/guard';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NarrowingRequest, narrow } from './narrowing.ts';

const names = ['policy:read', 'rule:read', 'rule:delete', 'scope:read'];
const audiences = ['https://auth.example.com', 'https://api.example.com', 'https://other.example.com'];

const scopes = fc.subarray(names);
const scopeSets = scopes.map((some) => new Set(some));
const nowSeconds = 1_000_000.5;

/** Active: it expires later than now. */
const tokens = fc.record({
  issuer: fc.constant('https://auth.example.com'),
  subject: fc.string(),
  clientId: fc.string(),
  audience: fc.subarray(audiences, { minLength: 1 }),
  jti: fc.uuid(),
  kid: fc.string(),
  scopes: scopeSets,
  generation: fc.nat(),
  confirmation: fc.constant(undefined),
  issuedAt: fc.constant(0),
  expiresAt: fc.integer({ min: 1, max: 100_000 }).map((seconds) => 1_000_000 + seconds),
  claims: fc.constant({}),
}) satisfies fc.Arbitrary<AccessToken>;

const requests: fc.Arbitrary<NarrowingRequest> = fc.record({
  subjectToken: tokens,
  actorToken: fc.option(tokens, { nil: undefined }),
  target: fc.record({
    audience: fc.constantFrom(...audiences),
    scopes: scopeSets,
    ttlSeconds: fc.integer({ min: 1, max: 100_000 }),
    signingAlg: fc.constant(undefined),
    typ: fc.constant('at+jwt' as const),
  }),
  scopes: fc.option(scopes, { nil: undefined }),
  nowSeconds: fc.constant(nowSeconds),
});

test('whatever the tokens and the policies: never wider in scope, audience or life, and never less than asked for', () => {
  let count = 0;
  fc.assert(
    fc.property(requests, (request) => {
      const { subjectToken, actorToken, target } = request;
      let narrowedToken: ReturnType<typeof narrow>;
      try {
        narrowedToken = narrow(request);
      } catch (error) {
        expect(['invalid_scope', 'invalid_target']).toContain((error as { code: string }).code);
        return;
      }
      count += 1;
      const got = new Set(narrowedToken.scopes);
      for (const limit of [subjectToken.scopes, target.scopes]) {
        expect(got.isSubsetOf(limit)).toBe(true);
      }
      expect(narrowedToken.scopes).toEqual(request.scopes ?? narrowedToken.scopes);
      expect(subjectToken.audience).toContain(narrowedToken.audience);
      expect(narrowedToken.audience).toBe(target.audience);
      const expiresAt = Math.floor(nowSeconds) + narrowedToken.ttlSeconds;
      expect(expiresAt).toBeLessThanOrEqual(subjectToken.expiresAt);
      expect(expiresAt).toBeLessThanOrEqual(actorToken?.expiresAt ?? expiresAt);
      expect(narrowedToken.ttlSeconds).toBeGreaterThan(0);
      expect(narrowedToken.ttlSeconds).toBeLessThanOrEqual(target.ttlSeconds);
    }),
    { numRuns: 1_000 },
  );
  expect(count).toBeGreaterThan(100);
});
