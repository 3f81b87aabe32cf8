/** Reading tokens that may be anything. */
import { expect, test } from 'vitest';
import { readClaims, scopesOf } from './access-token.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = `${encode({ typ: 'at+jwt', kid: 'ü' })}.${encode({ scope: 'a:read b:read', name: '名' })}.c2ln`;

test('a token is read, including non-ASCII letters and surrounding space', () => {
  const claims = readClaims(`\n ${jwt} `);
  expect(claims).toMatchObject({ name: '名' });
  expect(claims && scopesOf(claims)).toEqual(['a:read', 'b:read']);
});

test.each([
  '',
  'abc',
  'a.b',
  `${jwt}.x`,
  `${encode([])}.${encode({})}.c2ln`,
  `${encode({})}.${encode(null)}.c2ln`,
  `${encode({})}.e30=.c2ln`,
  `${encode({})}.$$$.c2ln`,
  `${encode({})}.gA.c2ln`,
  `${encode({})}.a.c2ln`,
])('%j is no token', (text) => {
  expect(readClaims(text)).toBeUndefined();
});

test.each([
  [{}, []],
  [{ scope: '' }, []],
  [{ scope: ['a:read'] }, []],
  [{ scope: 'a:read  b:read' }, ['a:read', 'b:read']],
])('%j has the scopes %j', (claims, scopes) => {
  expect(scopesOf(claims)).toEqual(scopes);
});
