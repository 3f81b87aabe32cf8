/** The consequences of a change of scopes. */
import { expect, test } from 'vitest';
import { describeChange } from './scope-change.ts';

const usage = {
  tokens_issued: 3,
  last_issued_at: '2026-11-24T06:00:00Z',
  quotas: [],
  scopes: [
    { scope: 'a:read', tokens_issued: 3, last_issued_at: '2026-11-24T06:00:00Z' },
    { scope: 'b:read', tokens_issued: 0, last_issued_at: null },
  ],
};

const issuer = (key: string, client_id: string, scopes: string[] | null) => ({
  key,
  issuer: 'https://issuer.example.com',
  max_age_seconds: 3_600,
  single_use: true,
  rules: [{ client_id, claims: { sub: 'x' }, scopes }],
});

test('added and removed scopes, their usage, and the rules that name them', () => {
  const change = describeChange({
    clientId: 'c1',
    held: ['a:read', 'b:read'],
    chosen: new Set(['b:read', 'c:read']),
    usage,
    issuers: [issuer('named', 'c1', ['a:read']), issuer('all', 'c1', null), issuer('other', 'c2', ['a:read'])],
  });
  expect(change).toEqual({
    added: ['c:read'],
    removed: [{ scope: 'a:read', tokensIssued: 3, lastIssuedAt: '2026-11-24T06:00:00Z', issuers: ['named'] }],
  });
});

test('without usage the counts are undefined, and an unchanged selection has no consequences', () => {
  const options = { clientId: 'c1', held: ['a:read'], usage: undefined, issuers: [] };
  expect(describeChange({ ...options, chosen: new Set() }).removed).toEqual([
    { scope: 'a:read', tokensIssued: undefined, lastIssuedAt: null, issuers: [] },
  ]);
  expect(describeChange({ ...options, chosen: new Set(['a:read']) })).toEqual({ added: [], removed: [] });
});
