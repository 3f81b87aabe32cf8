/** Which changes of its client revoke a token. RFC 9068 §4 leaves that to the issuer. */
import { describe, expect, test } from 'vitest';
import { goodClaims, goodHeader, now, tokenOf, verification } from '../fixtures/tokens.ts';
import { type ClientStatus, findRevocationReason, heldTokens } from './token-status.ts';
import { verifyIssuedToken } from './verify-access-token.ts';

const issuer = verification.issuer;
const verified = (over: object = {}) =>
  verifyIssuedToken(tokenOf(goodHeader, { ...goodClaims, ...over }), now, verification);
const unlimited: ClientStatus = {
  generation: 3,
  isGenerationExact: false,
  scopes: undefined,
  resources: undefined,
  detailsTypes: undefined,
};
const reasonFor = async (status: Partial<ClientStatus>, over: object = {}) =>
  findRevocationReason(await verified(over), { ...unlimited, ...status }, issuer);

test('a token of a client without limits is active', async () => {
  expect(await reasonFor({})).toBeUndefined();
});

test.each(['client_unknown', 'client_disabled'] as const)('the status %s revokes every token', async (status) => {
  expect(findRevocationReason(await verified(), status, issuer)).toBe(status);
});

describe('the generation', () => {
  test.each([
    [2, undefined],
    [3, undefined],
    [4, 'generation_old'],
  ])('%i of a client that counts', async (generation, reason) => {
    expect(await reasonFor({ generation })).toBe(reason);
  });

  test.each([
    [2, 'generation_old'],
    [3, undefined],
    [4, 'generation_old'],
  ])('%i of root', async (generation, reason) => {
    expect(await reasonFor({ generation, isGenerationExact: true })).toBe(reason);
  });
});

describe('the resources of the client', () => {
  const [one, other] = ['https://one.example.com', 'https://other.example.com'];
  test.each([
    ['the only audience', one, [one], undefined],
    ['the issuer as the audience, which needs no resource', issuer, [], undefined],
    ['the issuer and a resource', [issuer, one], [one], undefined],
    ['all audiences', [one, other], [one, other], undefined],
    ['no audience', one, [other], 'resource_withdrawn'],
    ['one of two audiences', [one, other], [one], 'resource_withdrawn'],
    ['the issuer, but not the other audience', [issuer, one], [], 'resource_withdrawn'],
  ])('include %s', async (_which, aud, resources, reason) => {
    expect(await reasonFor({ resources }, { aud })).toBe(reason);
  });
});

describe('the types of authorization details of the client', () => {
  const details = { authorization_details: [{ type: 'a' }, { type: 'b' }] };
  test.each([
    ['all types of the token', ['a', 'b', 'c'], details, undefined],
    ['one of two types', ['a'], details, 'details_type_withdrawn'],
    ['no type, for a token without details', [], {}, undefined],
  ])('include %s', async (_which, detailsTypes, over, reason) => {
    expect(await reasonFor({ detailsTypes }, over)).toBe(reason);
  });
});

test('the client must have every scope of the token', async () => {
  expect(await reasonFor({ scopes: new Set(['policy:read', 'rule:read', 'other']) })).toBeUndefined();
  expect(await reasonFor({ scopes: new Set(['policy:read']) })).toBe('scope_withdrawn');
  expect(await reasonFor({ scopes: new Set() }, { scope: '' })).toBeUndefined();
});

test('a token is active only as long as its parent tokens are, and those are judged by its own scopes', async () => {
  const parent = { jti: 'parent', kid: 'older', client_id: 'first', gen: 7, aud: ['https://one.example.com'] };
  const token = await verified({ parent_tokens: [parent] });
  const [own, first, ...others] = heldTokens(token);
  expect(own).toEqual(token);
  expect(first).toMatchObject({ jti: 'parent', kid: 'older', clientId: 'first', generation: 7, audience: parent.aud });
  expect(first?.scopes).toEqual(token.scopes);
  expect(others).toEqual([]);
  expect(heldTokens(await verified())).toEqual([await verified()]);
});
