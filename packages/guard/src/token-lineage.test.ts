/** The tokens that were exchanged for a token. */
import { describe, expect, test } from 'vitest';
import type { AccessToken } from './access-token.ts';
import { parentTokensClaim, parentTokensOf } from './token-lineage.ts';

const token: AccessToken = {
  issuer: 'https://auth.example.com',
  subject: 'first',
  clientId: 'first',
  audience: ['https://api.example.com'],
  jti: 'a7f1',
  kid: 'key',
  scopes: new Set(['policy:read']),
  generation: 3,
  confirmation: undefined,
  issuedAt: 0,
  expiresAt: 1,
  claims: {},
};
const parent = {
  jti: 'a7f1',
  kid: 'key',
  clientId: 'first',
  generation: 3,
  audience: ['https://api.example.com'],
  isActor: false,
};

test('a token that was not issued by token exchange has no parents', () => {
  expect(parentTokensOf(token)).toEqual([]);
});

test('the parents of a token are those that were exchanged for it, and their parents', () => {
  const second = { ...token, clientId: 'second', jti: 'b2', claims: { parent_tokens: parentTokensClaim(token) } };
  expect(parentTokensOf(second)).toEqual([parent]);
  const acting = { ...token, clientId: 'second', jti: 'actor' };
  const acted = { ...token, jti: 'd4', claims: { parent_tokens: parentTokensClaim(second, acting) } };
  expect(parentTokensOf(acted).map(({ jti, isActor }) => [jti, isActor])).toEqual([
    ['a7f1', false],
    ['b2', false],
    ['actor', true],
  ]);
  const third = { ...token, jti: 'c3', claims: { parent_tokens: parentTokensClaim(second) } };
  expect(parentTokensOf(third)).toEqual([parent, { ...parent, clientId: 'second', jti: 'b2' }]);
});

describe('a malformed claim makes the token invalid', () => {
  const good = { jti: 'a7f1', kid: 'key', client_id: 'first', gen: 3, aud: ['https://api.example.com'] };
  test.each<[string, unknown]>([
    ['no list', good],
    ['null', null],
    ['a list of null', [null]],
    ['no jti', [{ ...good, jti: undefined }]],
    ['no kid', [{ ...good, kid: undefined }]],
    ['a client_id that is no text', [{ ...good, client_id: 5 }]],
    ['a generation that is text', [{ ...good, gen: '3' }]],
    ['an audience that is no list', [{ ...good, aud: 'https://api.example.com' }]],
    ['an audience that is no text', [{ ...good, aud: [5] }]],
    ['an audience of which one is no text', [{ ...good, aud: [...good.aud, 5] }]],
    ['one good and one bad', [good, 'bad']],
  ])('%s', (_, claim) => {
    expect(() => parentTokensOf({ ...token, claims: { parent_tokens: claim } })).toThrow(
      expect.objectContaining({ code: 'invalid_token', reason: 'claims_malformed' }),
    );
  });
});
