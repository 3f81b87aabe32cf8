/** What is told of a token by what may be known of it: by the feed alone, by its client alone, by nothing. */
import type { AccessToken } from '@postern/guard';
import type { Client } from '@postern/server/admin-contract';
import { describe, expect, test } from 'vitest';
import { checkStanding, type RevocationFacts, type StandingFacts } from './check-standing.ts';
import { checkUse } from './check-use.ts';

const issuer = 'https://auth.example.com';

const token: AccessToken = {
  issuer,
  subject: 'a',
  clientId: 'a',
  audience: [issuer],
  jti: 'one',
  scopes: new Set(['policy:read']),
  generation: 2,
  confirmation: undefined,
  issuedAt: 0,
  expiresAt: 1,
  claims: { authorization_details: [{ type: 'payment' }] },
};

const client = {
  client_id: 'a',
  enabled: true,
  scopes: ['policy:read'],
  authorization_details_types: ['payment'],
} as Client;

const feed = (facts: Partial<RevocationFacts> = {}): RevocationFacts => ({
  revokedTokens: new Set(),
  generations: new Map(),
  ...facts,
});

const check = (facts: Partial<StandingFacts>, held = token) =>
  checkStanding(held, issuer, { isActive: undefined, clients: new Map(), feed: undefined, ...facts });

describe('by the feed alone', () => {
  test.each<[string, string | undefined, Partial<RevocationFacts>]>([
    ['nothing against it', undefined, {}],
    ['the token was revoked', 'token_revoked', { revokedTokens: new Set(['one']) }],
    ['its client is gone or disabled', 'client_unknown', { generations: new Map([['a', 'ended']]) }],
    ['a later generation', 'generation_old', { generations: new Map([['a', { least: 3, isExact: false }]]) }],
    ['an earlier generation of a counter', undefined, { generations: new Map([['a', { least: 1, isExact: false }]]) }],
    ['another fingerprint of root', 'generation_old', { generations: new Map([['a', { least: 1, isExact: true }]]) }],
    ['what is about others', undefined, { generations: new Map([['b', 'ended']]), revokedTokens: new Set(['two']) }],
  ])('%s: %s', (_, reason, facts) => {
    const found = check({ feed: feed(facts) });
    expect([found.finding, found.reason]).toEqual([reason === undefined ? 'ok' : 'no', reason]);
  });
});

describe('by its client alone', () => {
  test.each<[string, string, Client | 'gone']>([
    ['gone', 'client_unknown', 'gone'],
    ['disabled', 'client_disabled', { ...client, enabled: false }],
    ['without its scope', 'scope_withdrawn', { ...client, scopes: [] }],
    ['without its type of details', 'details_type_withdrawn', { ...client, authorization_details_types: [] }],
  ])('%s: %s', (_, reason, known) => {
    expect(check({ clients: new Map([['a', known]]) })).toMatchObject({ finding: 'no', reason });
  });

  test('a client that stands says nothing about revocation', () => {
    expect(check({ clients: new Map([['a', client]]) })).toMatchObject({
      finding: 'unknown',
      text: expect.stringContaining('Its client is there'),
    });
  });
});

test('what the server says is good is good, whatever else is known', () => {
  expect(check({ isActive: true, clients: new Map([['a', 'gone']]) }).finding).toBe('ok');
});

test('what the server says is not good, and nothing else tells why, was revoked', () => {
  expect(check({ isActive: false })).toMatchObject({ finding: 'no', reason: 'token_revoked' });
});

test('a token falls with the one that it was exchanged for', () => {
  const parent_tokens = [{ jti: 'parent', client_id: 'b', gen: 0, aud: [issuer] }];
  const exchanged = { ...token, claims: { parent_tokens } };
  const found = check({ feed: feed({ revokedTokens: new Set(['parent']) }) }, exchanged);
  expect([found.reason, found.text]).toEqual(['token_revoked', expect.stringContaining('that it was exchanged for')]);
});

test('a token that is bound to a certificate, without and with it', () => {
  const bound = { ...token, confirmation: { x5tS256: 'thumbprint' } };
  const reasons = (hasProof: boolean) =>
    checkUse(bound, { needs: [], audience: undefined, hasProof }, undefined).flatMap(({ reason }) => reason ?? []);
  expect([reasons(false), reasons(true)]).toEqual([['certificate_missing'], []]);
});
