/** A token got by exchange is never wider than what it was got for. RFC 8693 §5. */
import type { AccessToken } from '@postern/guard';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NarrowingRequest, narrow } from './narrowing.ts';

const names = ['policy:read', 'rule:read', 'rule:delete', 'scope:read'];
const audiences = ['https://auth.example.com', 'https://api.example.com', 'https://other.example.com'];

const scopes = fc.subarray(names);
const scopeSets = scopes.map((some) => new Set(some));
const nowSeconds = 1_000_000.5;

/** Standing: it expires later than now. */
const tokens = fc.record({
  issuer: fc.constant('https://auth.example.com'),
  subject: fc.string(),
  clientId: fc.string(),
  audience: fc.subarray(audiences, { minLength: 1 }),
  jti: fc.uuid(),
  scopes: scopeSets,
  generation: fc.nat(),
  confirmation: fc.constant(undefined),
  issuedAt: fc.constant(0),
  expiresAt: fc.integer({ min: 1, max: 100_000 }).map((seconds) => 1_000_000 + seconds),
  claims: fc.constant({}),
}) satisfies fc.Arbitrary<AccessToken>;

const requests: fc.Arbitrary<NarrowingRequest> = fc.record({
  subject: tokens,
  actorToken: fc.option(tokens, { nil: undefined }),
  actorScopes: scopeSets,
  target: fc.record({
    audience: fc.constantFrom(...audiences),
    scopes: scopeSets,
    ttlSeconds: fc.integer({ min: 1, max: 100_000 }),
    signingAlg: fc.constant(undefined),
  }),
  scopes: fc.option(scopes, { nil: undefined }),
  nowSeconds: fc.constant(nowSeconds),
});

test('whatever the tokens and the policies: never wider in scope, audience or life, and never less than asked for', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(requests, (request) => {
      const { subject, actorToken, actorScopes, target } = request;
      let left: ReturnType<typeof narrow>;
      try {
        left = narrow(request);
      } catch (error) {
        expect(['invalid_scope', 'invalid_target']).toContain((error as { code: string }).code);
        return;
      }
      narrowed += 1;
      const got = new Set(left.scopes);
      for (const limit of [subject.scopes, actorScopes, target.scopes]) {
        expect(got.isSubsetOf(limit)).toBe(true);
      }
      expect(left.scopes).toEqual(request.scopes ?? left.scopes);
      expect(subject.audience).toContain(left.audience);
      expect(left.audience).toBe(target.audience);
      const expiresAt = Math.floor(nowSeconds) + left.ttlSeconds;
      expect(expiresAt).toBeLessThanOrEqual(subject.expiresAt);
      expect(expiresAt).toBeLessThanOrEqual(actorToken?.expiresAt ?? expiresAt);
      expect(left.ttlSeconds).toBeGreaterThan(0);
      expect(left.ttlSeconds).toBeLessThanOrEqual(target.ttlSeconds);
    }),
    { numRuns: 1_000 },
  );
  expect(narrowed).toBeGreaterThan(100);
});
