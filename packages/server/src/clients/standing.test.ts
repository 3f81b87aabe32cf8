/** When a genuine token stops to stand. */
import type { AccessToken } from '@postern/guard';
import { describe, expect, test } from 'vitest';
import { type Client, newClient } from './client.ts';
import { findStandingFault } from './standing.ts';

const issuer = 'https://auth.example.com';
const api = 'https://api.example.com';
const client: Client = {
  ...newClient('client', ''),
  scopes: new Set(['policy:read', 'rule:read']),
  generation: 3,
};
const root: Client = { ...client, isRoot: true };
const token: AccessToken = {
  issuer,
  subject: 'client',
  clientId: 'client',
  audience: [issuer],
  jti: 'a7f1',
  scopes: new Set(['policy:read']),
  generation: 3,
  confirmation: undefined,
  issuedAt: 0,
  expiresAt: 1,
  claims: {},
};

describe('a token stands', () => {
  test.each<[string, AccessToken, Client]>([
    ['while its client is as it was', token, client],
    ['with all scopes of its client', { ...token, scopes: client.scopes }, client],
    ['without any scope', { ...token, scopes: new Set() }, client],
    ['when its client got more scopes', token, { ...client, scopes: client.scopes.union(new Set(['rule:delete'])) }],
    ['when another scope was withdrawn', token, { ...client, scopes: new Set(['policy:read']) }],
    ['when another node knows of a newer generation', { ...token, generation: 4 }, client],
    ['for root, in the same generation', token, root],
    [
      'for a resource that its client may ask for',
      { ...token, audience: [api] },
      { ...client, metadata: { resources: [api] } },
    ],
  ])('%s', (_, held, holder) => {
    expect(findStandingFault(held, holder, false, issuer)).toBeUndefined();
  });
});

describe('a token falls', () => {
  test.each<[string, AccessToken, Client | undefined, string]>([
    ['when its client is gone', token, undefined, 'client_unknown'],
    ['when its client is disabled', token, { ...client, enabled: false }, 'client_disabled'],
    ['when its generation is over', { ...token, generation: 2 }, client, 'generation_old'],
    ['when its scope was withdrawn', token, { ...client, scopes: new Set(['rule:read']) }, 'scope_withdrawn'],
    [
      'when one of its scopes was',
      { ...token, scopes: client.scopes },
      { ...client, scopes: token.scopes },
      'scope_withdrawn',
    ],
    [
      'for a resource that its client may not ask for any more',
      { ...token, audience: [api] },
      client,
      'audience_wrong',
    ],
    ['for root, in an earlier generation', { ...token, generation: 2 }, root, 'generation_old'],
    ['for root, in a generation of a higher number', { ...token, generation: 4 }, root, 'generation_old'],
  ])('%s', (_, held, holder, reason) => {
    expect(findStandingFault(held, holder, false, issuer)).toBe(reason);
  });

  test('when it was revoked, whatever else', () => {
    expect(findStandingFault(token, client, true, issuer)).toBe('token_revoked');
  });
});
